"""What is no table: each file, address or column of another kind is refused as what it is."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from ...schemas.errors import TableError

__all__ = ["refuse_address", "refuse_binary", "refuse_nested", "refuse_nested_columns", "refuse_text"]

_READ = "a table is read from CSV, TSV (plain or .gz), Parquet or Excel"
_BINARY = {
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database: give its address, sqlite:///path, and --table",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"BZh": "bzip2-compressed: use gzip or plain text",
    b"\xfd7zXZ": "xz-compressed: use gzip or plain text",
    b"\x28\xb5\x2f\xfd": "zstd-compressed: use gzip or plain text",
    b"{\\rtf": "a text document (RTF)",
    b"$FL2": "an SPSS file: export it as CSV",
    b"<stata": "a Stata file: export it as CSV",
    b"HEADER RECORD*": "a SAS transport file: export it as CSV",
    b"ARROW1": "an Arrow (Feather) file: save it as Parquet",
    b"PK\x03\x04": "a zip archive: unpack it",
}
_ADDRESSES = {
    "http": "an address on the web", "https": "an address on the web", "ftp": "an address on the web",
    "sftp": "an address on another machine", "s3": "an object store", "s3a": "an object store", "gs": "an object store",
    "gcs": "an object store", "az": "an object store", "abfs": "an object store", "abfss": "an object store",
    "hdfs": "a file system of a cluster", "file": "a file's address: give its path",
}  # fmt: skip


def refuse_address(scheme: str) -> None:
    """Refuse an address that is no database.

    Raises:
        TableError: It leads to the web, to an object store or the like.
    """
    what = _ADDRESSES.get(scheme.lower())
    if what is not None:
        raise TableError(f"{scheme}:// is {what}; nothing is fetched: save the table here, and give its path")


def refuse_binary(path: Path, start: bytes) -> None:
    """Refuse a file by its first bytes.

    Raises:
        TableError: It is one that is known and holds no delimited text.
    """
    for magic, what in _BINARY.items():
        if start.startswith(magic):
            raise TableError(f"{path}: this is {what}; {_READ}")


def refuse_text(path: Path, text: str) -> None:
    """Refuse a text file whose beginning is no delimited text.

    Raises:
        TableError: It is HTML, XML, JSON, HL7, fixed-width, or its fields are separated by carets.
    """
    start = text.lstrip()[:2000]
    lowered = start.lower()
    lines = [line for line in text.splitlines() if line.strip()][:50]
    what = None
    if re.match(r"<(!doctype html|html|head|body|table|div|meta)\b", lowered):
        what = "an HTML page, whatever its name says: open it in a spreadsheet and save it as CSV"
    elif lowered.startswith(("<?xml", "<workbook")) or re.match(r"<[a-z][\w:.-]*[\s>/]", lowered):
        what = "an XML document"
    elif re.match(r"(?:FHS|BHS|MSH)[^\w\s]", start):
        what = "an HL7 message"
    elif start.startswith(("{", "[")):
        what = _json_kind(lines, start)
    elif lines and not any(mark in line for line in lines for mark in ",;\t|"):
        what = _other_layout(lines)
    if what is not None:
        raise TableError(f"{path}: this is {what}; {_READ}")


def _json_kind(lines: Sequence[str], start: str) -> str | None:
    try:
        if len(lines) > 1 and all(isinstance(json.loads(line), dict) for line in lines[:2]):
            return "NDJSON (one JSON object a line): save it as CSV or Parquet"
    except ValueError:
        pass
    return "a JSON document" if re.match(r"[\[{]\s*(?:\"|\{|\[|$)", start) else None


def _other_layout(lines: Sequence[str]) -> str | None:
    """Text without any delimiter: separated by carets or blanks, or of fixed width."""
    carets = {len(next(csv.reader(io.StringIO(line), delimiter="^"), [])) for line in lines}
    if len(carets) == 1 and carets.pop() > 1:
        return "text whose fields are separated by ^: save it with commas"
    if len(lines) < 3:
        return None
    gaps = [{match.start() for match in re.finditer(r"(?<=\s)\S", line)} for line in lines]
    if all(re.search(r"\S {2,}\S", line) for line in lines) and len(set.intersection(*gaps)) >= 1:
        return "text of fixed width: save it with commas"
    return None


def refuse_nested(schema: pa.Schema, names: Sequence[str]) -> None:
    """Refuse lists, structures and maps.

    Raises:
        TableError: It names the columns.
    """
    refuse_nested_columns([name for name, field in zip(names, schema, strict=True) if pa.types.is_nested(field.type)])


def refuse_nested_columns(nested: Sequence[str]) -> None:
    """Refuse these columns, where there are any.

    Raises:
        TableError: It names them.
    """
    if nested:
        shown = ", ".join(map(repr, nested[:5])) + (" …" if len(nested) > 5 else "")
        raise TableError(
            f"column {shown}: holds lists or structures; make each of their parts a column of its own, "
            "or a row of its own, or leave the column out"
        )
