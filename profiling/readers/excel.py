"""Excel workbooks, through calamine: the first sheet that has cells, read as delimited text would be."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...schemas.errors import MissingExtra, TableError
from ...schemas.table.reading import ReadingChange
from ..redacted_errors import quietly
from ..values.table_values import ReadingHints
from .csv_dialect import check_names, count_header_rows
from .engines import ArrowEngine, Engine

__all__ = ["open_workbook"]

_MOST_BYTES = 1 << 30
"""Unpacked size of a workbook beyond which it is not opened."""


def open_workbook(path: Path, hints: ReadingHints) -> Engine:
    """The first sheet with cells; the others are said.

    Raises:
        TableError: It is no workbook, is broken, is protected by a password, or has no cells.
        MissingExtra: The library is not installed.
    """
    _check(path)
    try:
        import python_calamine as calamine
    except ModuleNotFoundError:
        raise MissingExtra("Reading an Excel workbook", "excel") from None
    failures = (calamine.CalamineError, OSError)
    broken = f"{path}: this Excel workbook is broken or protected by a password ({{error}})"
    book = quietly(lambda: calamine.CalamineWorkbook.from_path(str(path)), failures, broken)
    for number in range(len(book.sheet_names)):
        rows = quietly(partial(_rows_of, book, number), failures, broken)
        if any(any(cell != "" for cell in row) for row in rows):
            changes = []
            if len(book.sheet_names) > 1:
                changes.append(ReadingChange(kind="sheet", detail=f"{number + 1} of {len(book.sheet_names)}"))
            return _from_rows(path, rows, hints, changes)
    raise TableError(f"{path}: the workbook has no cells")


def _rows_of(book: Any, number: int) -> list[list[Any]]:
    rows: list[list[Any]] = book.get_sheet_by_index(number).to_python()
    return rows


def _check(path: Path) -> None:
    """Refuse an archive that is no workbook, or is far larger than it looks."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return
    broken = f"{path}: this Excel workbook is broken, or a zip archive cut short"
    members = quietly(lambda: zipfile.ZipFile(path).infolist(), (zipfile.BadZipFile,), broken)
    if not any(member.filename.startswith(("xl/", "content.xml")) for member in members):
        raise TableError(
            f"{path}: this is a zip archive: unpack it; a table is read from CSV, TSV (plain or .gz), Parquet or Excel"
        )
    if sum(member.file_size for member in members) > _MOST_BYTES:
        raise TableError(f"{path}: this Excel workbook takes more than {_MOST_BYTES >> 20} MB unpacked; save it as CSV")


def _from_rows(path: Path, rows: Sequence[Sequence[Any]], hints: ReadingHints, changes: list[ReadingChange]) -> Engine:
    texts = [[_text(cell) for cell in row] for row in rows]
    titles, headers = count_header_rows([_trimmed(row) for row in texts])
    names = tuple(name.strip() for name in _trimmed(texts[titles])) if len(texts) > titles else ()
    check_names(names, str(path))
    if titles:
        changes.append(ReadingChange(kind="lines_skipped", cells=titles))
    if headers:
        changes.append(ReadingChange(kind="header_rows_skipped", cells=headers))
    body = [row for row in texts[titles + 1 + headers :] if any(row)]
    if any(any(row[len(names) :]) for row in body):
        raise TableError(f"{path}: some rows have more cells than the header; every row needs the same columns")
    columns = [
        pa.array([row[position] if position < len(row) and row[position] != "" else None for row in body], pa.string())
        for position in range(len(names))
    ]
    return ArrowEngine(names, pa.table(columns, names=list(names)), hints, tuple(changes))


def _trimmed(row: Sequence[str]) -> list[str]:
    cells = list(row)
    while cells and not cells[-1].strip():
        cells.pop()
    return cells


def _text(cell: Any) -> str:
    """A cell as the delimited text would hold it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell == int(cell) and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(" ", "seconds")
    if isinstance(cell, datetime.timedelta):
        return f"{cell.days} days {datetime.timedelta(seconds=cell.seconds)!s:0>8}"
    return str(cell)
