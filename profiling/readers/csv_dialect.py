"""Delimited text: find compression, encoding, delimiter and header of a file, and refuse what is no table."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...schemas.errors import TableError
from ..redacted_errors import quietly

__all__ = ["Delimited", "check_names", "inspect_delimited"]

_HEAD = 1 << 18
"""Bytes looked at to find delimiter and header."""
_BLOCK = 1 << 22
_DELIMITERS = ",;\t|"
_BINARY = {
    b"PK\x03\x04": "a zip archive or Excel workbook: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook: save the sheet as CSV",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"BZh": "bzip2-compressed: use gzip or plain text",
    b"\xfd7zXZ": "xz-compressed: use gzip or plain text",
    b"\x28\xb5\x2f\xfd": "zstd-compressed: use gzip or plain text",
}


@dataclass(frozen=True, slots=True)
class Delimited:
    """How to read a delimited file.

    Attributes:
        path: The file.
        names: Column names of the header.
        delimiter: One of comma, semicolon, tab and bar.
        encoding: ``utf-8``, ``utf-16`` or ``latin-1``, the names DuckDB knows.
        gzipped: The file is gzip-compressed.
    """

    path: Path
    names: tuple[str, ...]
    delimiter: str
    encoding: str
    gzipped: bool


def inspect_delimited(path: Path) -> Delimited:
    """Look at the beginning of a text file, and through all of it for its encoding.

    Raises:
        TableError: The file is empty, binary, a broken archive, or has a header that cannot be used.
    """
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        raise TableError(f"{path}: the file is empty")
    for magic, what in _BINARY.items():
        if start.startswith(magic):
            raise TableError(f"{path}: this is {what}; a table is read from CSV, TSV (plain or .gz) or Parquet")
    gzipped = start.startswith(b"\x1f\x8b")
    head, encoding = quietly(
        lambda: _read_encoding(path, gzipped),
        (gzip.BadGzipFile, EOFError, zlib.error),
        f"{path}: the gzip archive is broken or cut short",
    )
    if not head.strip():
        raise TableError(f"{path}: the file is empty")
    if b"\0" in head and encoding != "utf-16":
        raise TableError(f"{path}: this is a binary file; a table is read from CSV, TSV (plain or .gz) or Parquet")
    text = head.decode(encoding, errors="ignore").removeprefix("\ufeff")
    delimiter = _find_delimiter(text)
    header = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    names = tuple(name.strip() for name in header)
    check_names(names, str(path))
    return Delimited(path, names, delimiter, encoding, gzipped)


def check_names(names: Sequence[str], where: str) -> None:
    """Refuse a header that leaves columns without a name of their own.

    Raises:
        TableError: There is no column, a name is empty, or two are equal.
    """
    if not names:
        raise TableError(f"{where}: the table has no columns")
    if any(not name.strip() for name in names):
        blank = [str(place) for place, name in enumerate(names, 1) if not name.strip()]
        shown = ", ".join(blank[:5]) + (" …" if len(blank) > 5 else "")
        raise TableError(
            f"{where}: {len(blank)} of {len(names)} columns have no name (column {shown}); name every column"
        )
    if len(set(names)) < len(names):
        seen: dict[str, int] = {}
        pairs = [(seen.setdefault(name, place), place) for place, name in enumerate(names, 1)]
        first, second = next(pair for pair in pairs if pair[0] != pair[1])
        raise TableError(f"{where}: columns {first} and {second} have the same name; every column needs its own")


def _read_encoding(path: Path, gzipped: bool) -> tuple[bytes, str]:
    """First bytes, and the encoding that the whole file can be read in."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    head, encoding = b"", "utf-8"
    with gzip.open(path, "rb") if gzipped else path.open("rb") as file:
        while block := file.read(_BLOCK):
            if not head:
                head = block[:_HEAD]
                if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    return head, "utf-16"
            if encoding == "utf-8":
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    # Every byte is a character of Latin-1; Windows-1252 differs from it in punctuation only.
                    encoding = "latin-1"
                    if not gzipped:
                        break
    if encoding == "utf-8":
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            encoding = "latin-1"
    return head, encoding


def _find_delimiter(text: str) -> str:
    """The delimiter that gives the first records the same number of fields, more than one; comma where none does."""
    lines = text.splitlines(keepends=True)
    if len(text) >= _HEAD // 2:
        lines = lines[:-1] or lines
    best, best_score = ",", (0.0, 0)
    for delimiter in _DELIMITERS:
        if delimiter not in lines[0]:
            continue
        records = list(csv.reader(lines[:200], delimiter=delimiter))
        widths = [len(record) for record in records if record]
        same = sum(width == widths[0] for width in widths) / len(widths)
        if widths[0] > 1 and (same, widths[0]) > best_score:
            best, best_score = delimiter, (same, widths[0])
    return best
