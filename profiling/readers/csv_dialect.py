"""Delimited text: find compression, encoding, delimiter and header of a file, and refuse what is no table."""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ...schemas.errors import TableError
from ...schemas.table.reading import ReadingChange
from ..redacted_errors import quietly
from .encodings import HEAD, check_encoding, find_encoding
from .refused import refuse_binary, refuse_text

__all__ = ["Delimited", "check_names", "count_header_rows", "inspect_delimited"]

_DELIMITERS = ",;\t|"
_LOOKED_AT = 200
"""Records that tell the delimiter, and in which line the header stands."""
_MOST_TITLES = 20
_MOST_HEADERS = 3
csv.field_size_limit(max(csv.field_size_limit(), 1 << 30))
"""The library's own limit of 131,072 characters a cell is one of its own and not of tables."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """How to read a delimited file.

    Attributes:
        path: The file.
        names: Column names of the header.
        delimiter: One of comma, semicolon, tab and bar.
        encoding: Name of a Python codec.
        gzipped: The file is gzip-compressed.
        skipped: Lines above the header.
        headers: Further rows of the header below it.
        changes: What of this the user is told.
    """

    path: Path
    names: tuple[str, ...]
    delimiter: str
    encoding: str
    gzipped: bool
    skipped: int = 0
    headers: int = 0
    changes: tuple[ReadingChange, ...] = ()

    def open(self) -> BinaryIO:
        """The file's bytes, unpacked."""
        return cast(BinaryIO, gzip.open(self.path, "rb") if self.gzipped else self.path.open("rb"))


def inspect_delimited(path: Path, encoding: str | None = None) -> Delimited:
    """Look at the beginning of a text file, and through all of it for its encoding.

    Args:
        path: The file.
        encoding: What the user says it is written in.

    Raises:
        TableError: The file is empty, binary, a broken archive, or has a header that cannot be used.
    """
    given = None if encoding is None else check_encoding(encoding)
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise TableError(f"{path}: the file is empty")
    refuse_binary(path, start)
    gzipped = start.startswith(b"\x1f\x8b")
    opener = Delimited(path, (), ",", "", gzipped).open
    head, codec = quietly(
        lambda: find_encoding(opener, given),
        (gzip.BadGzipFile, EOFError, zlib.error),
        f"{path}: the gzip archive is broken or cut short",
    )
    if not head.strip():
        raise TableError(f"{path}: the file is empty")
    if b"\0" in head and not codec.startswith(("utf-16", "utf-32")):
        raise TableError(f"{path}: this is a binary file; a table is read from CSV, TSV (plain or .gz) or Parquet")
    text = head.decode(codec, errors="ignore").removeprefix("\ufeff")
    refuse_text(path, text)
    changes = [] if codec in ("utf-8", "utf-8-sig") else [ReadingChange(kind="encoding", detail=codec)]
    told = re.match(r"sep=(.)\r?\n", text, re.IGNORECASE)
    delimiter = told[1] if told else _find_delimiter(text)
    lines = _complete_lines(text)
    titles = 1 if told else 0
    records = quietly(
        lambda: list(csv.reader(lines[titles : titles + _LOOKED_AT], delimiter=delimiter)),
        (csv.Error,),
        f"{path}: the file cannot be read as delimited text",
    )
    above, headers = count_header_rows(records)
    titles += above
    records = records[above:]
    names = tuple(name.strip() for name in records[0]) if records else ()
    check_names(names, str(path))
    if titles:
        changes.append(ReadingChange(kind="lines_skipped", cells=titles))
    if headers:
        changes.append(ReadingChange(kind="header_rows_skipped", cells=headers))
    return Delimited(path, names, delimiter, codec, gzipped, titles, headers, tuple(changes))


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse a header that leaves columns without a name of their own.

    Raises:
        TableError: There is no column, a name is empty, or two are equal.
    """
    if not names:
        raise TableError(f"{where}: the table has no columns")
    if any(not name.strip() for name in names):
        blank = [str(position) for position, name in enumerate(names, 1) if not name.strip()]
        shown = ", ".join(blank[:5]) + (" …" if len(blank) > 5 else "")
        raise TableError(
            f"{where}: {len(blank)} of {len(names)} columns have no name (column {shown}); name every column"
        )
    if len(set(names)) < len(names):
        seen: dict[str, int] = {}
        pairs = [(seen.setdefault(name, position), position) for position, name in enumerate(names, 1)]
        first, second = next(pair for pair in pairs if pair[0] != pair[1])
        raise TableError(f"{where}: columns {first} and {second} have the same name; every column needs its own")


def _complete_lines(text: str) -> list[str]:
    lines = text.splitlines(keepends=True) if "\x0b" not in text else re.findall(r".*?(?:\r\n|\n|\r|$)", text, re.S)
    if len(text) >= HEAD // 2:
        lines = lines[:-1] or lines
    return lines


def _find_delimiter(text: str) -> str:
    """The delimiter that gives most of the first records the same number of fields, more than one; else the comma."""
    lines = _complete_lines(text)[:_LOOKED_AT]
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        if not any(delimiter in line for line in lines):
            continue
        widths = [len(record) for record in csv.reader(lines, delimiter=delimiter) if record]
        usual = max(set(widths), key=widths.count)
        same = sum(width == usual for width in widths) / len(widths)
        if usual > 1 and (same, usual) > best_score:
            best, best_score = delimiter, (same, usual)
    return best


def count_header_rows(records: Sequence[Sequence[str]]) -> tuple[int, int]:
    """How many lines stand above the header, and how many further rows of it below."""
    titles = _count_titles(records)
    body = records[titles:]
    return titles, _count_headers(body) if len(body) > 1 else 0


def _count_titles(records: Sequence[Sequence[str]]) -> int:
    """Lines above the header: those before the first one of the usual width, where they are all narrower."""
    widths = [len(record) for record in records if record]
    if len(widths) < 3:
        return 0
    usual = max(set(widths), key=widths.count)
    first = next(position for position, record in enumerate(records) if len(record) == usual)
    if usual < 2 or first > _MOST_TITLES or any(len(record) > usual for record in records[:first]):
        return 0
    # A blank line or a narrower one; a header one name short is a fault in the table and no title.
    narrow = all(len(record) <= max(usual // 2, 1) for record in records[:first])
    return first if narrow else 0


def _count_headers(records: Sequence[Sequence[str]]) -> int:
    """Further rows of the header, as survey tools write them: question texts, identifiers, units."""
    width, body = len(records[0]), [record for record in records[1:] if len(record) == len(records[0])]
    for position in range(min(_MOST_HEADERS, len(body))):
        if any(_is_import_id(cell) for cell in body[position]):
            return position + 1
    numeric = [
        column
        for column in range(width)
        if len(body) >= 12 and sum(_is_number(row[column]) for row in body[_MOST_HEADERS:]) >= 0.9 * len(body[3:])
    ]
    count = 0
    if len(numeric) >= 2:
        for row in body[:_MOST_HEADERS]:
            if not all(row[column].strip() and not _is_number(row[column]) for column in numeric):
                break
            count += 1
    return count


def _is_import_id(cell: str) -> bool:
    if not cell.startswith('{"ImportId"'):
        return False
    try:
        return isinstance(json.loads(cell), dict)
    except ValueError:
        return False


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*[<>]?[+-]?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?%?\s*|\s*\d{4}-\d\d-\d\d.*", cell) is not None
