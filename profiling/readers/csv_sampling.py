"""A sample of a long text file without reading it: runs of lines at random places."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator

import pyarrow as pa

from ..kinds.column_values import listed
from .csv_dialect import Delimited
from .engines import SLICE

__all__ = ["sample_lines"]

_SPOILT = 0.05
"""Share of slices whose fields may not fit the header before the file is held to have line breaks inside quotes."""


def sample_lines(found: Delimited, wanted: int) -> pa.Table | None:
    """About ``wanted`` rows in runs of ``SLICE``, every cell text.

    Returns:
        None where the file cannot be read from the middle: compressed, two bytes a character, or with line breaks
        inside quotes.
    """
    if found.gzipped or found.encoding == "utf-16":
        return None
    rows: list[list[str]] = []
    spoilt = 0
    for lines in _slices(found, wanted // SLICE):
        records = list(csv.reader(lines, delimiter=found.delimiter))
        if all(len(record) == len(found.names) for record in records):
            rows += records
        else:
            spoilt += 1
    if spoilt > _SPOILT * wanted / SLICE or not rows:
        return None
    columns = [listed(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.table(columns, names=[f"c{place}" for place in range(len(columns))])


def _slices(found: Delimited, count: int) -> Iterator[list[str]]:
    size = found.path.stat().st_size
    draw = random.Random(7)
    with found.path.open("rb") as file:
        for place in sorted(draw.randrange(size) for _ in range(count)):
            file.seek(place)
            file.readline()  # the rest of a line, and at the top the header
            lines = [file.readline() for _ in range(SLICE)]
            yield [line.decode(found.encoding, errors="replace") for line in lines if line.strip()]
