"""All columns of a table, read together: what one column leaves open, another tells."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pyarrow as pa

from ...schemas.table.reading import ReadingChange
from .column_values import ColumnValues
from .number_marks import DecimalMark, MarkVotes, choose_marks, count_votes
from .read_column import read_values

__all__ = ["ReadingHints", "TableValues", "read_table_values"]

_MANY_COLUMNS = 300


@dataclass(frozen=True, slots=True)
class ReadingHints:
    """What a source or the user tells of how cells are written.

    Attributes:
        delimiter: Of delimited text.
        decimal: What marks decimals, by the user's word.
    """

    delimiter: str | None = None
    decimal: DecimalMark | None = None


@dataclass(frozen=True, slots=True, repr=False)
class TableValues:
    """A table's columns in canonical form.

    Attributes:
        columns: One for each column.
        changes: What reading did, column by column, and to the whole.
    """

    columns: tuple[ColumnValues, ...]
    changes: tuple[ReadingChange, ...]


def read_table_values(table: pa.Table, names: Sequence[str], hints: ReadingHints) -> TableValues:
    """Bring a table, or the sample of one, into canonical form.

    Args:
        table: Columns in the order of ``names``.
        names: As the caller knows them.
        hints: What is told of how cells are written.

    Raises:
        TableError: A number could be a thousand times larger or smaller, and nothing tells which; it names the column.
    """
    votes = [_votes(column) for column in table.columns]
    marks, assumed = choose_marks(votes, names, hints.delimiter, hints.decimal)
    columns = _read_all(table, marks, None)
    orders = {column.day_first for column in columns if column.day_first is not None and not column.order_assumed}
    if len(orders) == 1 and any(column.order_assumed for column in columns):
        (order,) = orders
        columns = [
            read_values(table.column(place), marks[place], order) if column.order_assumed else column
            for place, column in enumerate(columns)
        ]
    changes = [
        change.model_copy(update={"column": name})
        for name, column in zip(names, columns, strict=True)
        for change in column.changes
    ]
    if any(mark == "," and vote.comma + vote.open for mark, vote in zip(marks, votes, strict=True)):
        changes.append(ReadingChange(kind="decimal_mark", detail="comma"))
    changes += [
        ReadingChange(
            kind="decimal_mark_assumed", column=names[place], detail="comma" if marks[place] == "," else "point"
        )
        for place in assumed
        if columns[place].numbers is not None
    ]
    return TableValues(tuple(replace(column, changes=()) for column in columns), tuple(changes))


def _votes(column: pa.ChunkedArray) -> MarkVotes:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)) or not len(column):
        return MarkVotes()
    return count_votes(column.slice(0, 20_000).unique())


def _read_all(table: pa.Table, marks: Sequence[DecimalMark], day_first: bool | None) -> list[ColumnValues]:
    if table.num_columns < _MANY_COLUMNS:
        return [read_values(column, mark, day_first) for column, mark in zip(table.columns, marks, strict=True)]
    with ThreadPoolExecutor(max_workers=4) as pool:  # Arrow works outside Python's lock
        return list(pool.map(read_values, table.columns, marks))
