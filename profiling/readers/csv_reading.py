"""Delimited text as Arrow tables of text cells: all of it, as a stream, or a sample of a long file without reading it.

Arrow reads the file that is opened for it: no name is ever taken for a pattern, and no engine opens a file.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator

import pyarrow as pa

from ...schemas.errors import TableError
from ..values.arrow_arrays import listed
from .csv_dialect import Delimited
from .engines import SLICE

__all__ = ["open_csv_stream", "ragged", "read_csv", "sample_lines"]

_SPOILT = 0.05
"""Share of slices whose fields may not fit the header before the file is held to have line breaks inside quotes."""
_BLOCK = 8 << 20
"""Bytes that Arrow parses at once; no cell may be longer."""


def read_csv(dialect: Delimited) -> pa.Table:
    """All rows; every cell is text, an empty one is null."""
    import pyarrow.csv as pacsv

    table = pacsv.read_csv(_input(dialect), *_options(dialect)).combine_chunks()
    last = table.column(table.num_columns - 1)[-1].as_py() if table.num_rows else None
    if last is not None and "\n" in last and not _ends_in_quote(dialect):
        raise TableError(ragged(dialect))  # Arrow takes the end of the file for the end of an open quote
    return table


def open_csv_stream(dialect: Delimited) -> pa.RecordBatchReader:
    """All rows, block by block."""
    import pyarrow.csv as pacsv

    return pacsv.open_csv(_input(dialect), *_options(dialect))


def ragged(dialect: Delimited) -> str:
    """What is told where a file's rows do not fit its header."""
    return (
        f"{dialect.path}: some rows have more or fewer fields than the header, or a quote is not closed; "
        "every row needs the same columns"
    )


def _ends_in_quote(dialect: Delimited) -> bool:
    tail = b""
    with dialect.open() as file:
        while block := file.read(_BLOCK):
            tail = (tail + block)[-256:]
    return tail.decode(dialect.encoding, errors="ignore").rstrip().endswith('"')


def _input(dialect: Delimited) -> pa.NativeFile:
    return pa.input_stream(pa.OSFile(str(dialect.path)), compression="gzip" if dialect.gzipped else None)


def _options(dialect: Delimited) -> tuple[object, object, object]:
    import pyarrow.csv as pacsv

    names = [f"c{position}" for position in range(len(dialect.names))]
    read = pacsv.ReadOptions(
        column_names=names,
        skip_rows=dialect.skipped,
        skip_rows_after_names=1 + dialect.headers,
        encoding=dialect.encoding,
        block_size=_BLOCK,
    )
    parse = pacsv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True)
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        check_utf8=False,  # the whole file was decoded once already
    )
    return read, parse, convert


def sample_lines(dialect: Delimited, wanted: int) -> pa.Table | None:
    """About ``wanted`` rows in runs of ``SLICE``, every cell text.

    Returns:
        None where the file cannot be read from the middle: compressed, two bytes a character, or with line breaks
        inside quotes.
    """
    if dialect.gzipped or dialect.encoding.startswith(("utf-16", "utf-32")):
        return None
    rows: list[list[str]] = []
    spoilt = 0
    for lines in _slices(dialect, wanted // SLICE):
        records = list(csv.reader(lines, delimiter=dialect.delimiter))
        if all(len(record) == len(dialect.names) for record in records):
            rows += records
        else:
            spoilt += 1
    if spoilt > _SPOILT * wanted / SLICE or not rows:
        return None
    columns = [listed(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.table(columns, names=[f"c{position}" for position in range(len(columns))])


def _slices(dialect: Delimited, count: int) -> Iterator[list[str]]:
    size = dialect.path.stat().st_size
    draw = random.Random(7)
    with dialect.path.open("rb") as file:
        for _ in range(dialect.skipped + dialect.headers + 1):
            file.readline()
        start = file.tell()
        for position in sorted(draw.randrange(start, max(size, start + 1)) for _ in range(count)):
            file.seek(position)
            file.readline()  # the rest of a line
            lines = [file.readline() for _ in range(SLICE)]
            yield [line.decode(dialect.encoding, errors="replace") for line in lines if line.strip()]
