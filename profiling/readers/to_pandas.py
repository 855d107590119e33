"""A table as pandas, in canonical form: a fit and its evaluation see what was profiled, whatever the source.

Numbers are numbers, dates are timestamps, all else is text; missing tokens, notes and codes for "none" are missing.
Rows stand in an order of their own, since databases have none: the same table gives the same frame from every source.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.column_treatment import Treatment
from ...schemas.table.reading import ReadingChange
from ...schemas.table.table_handle import source_of
from ..values.column_values import ColumnValues
from ..values.table_values import read_table_values
from ..values.written_forms import Composite, WrittenForm
from .engines import Engine
from .open_table import open_engine, open_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TableReading", "as_frame", "read_table"]

_EXACT = 2**53
"""Whole numbers beyond it are no longer told apart as floats: they stay text."""
MOST_CELLS = 50_000_000
"""Cells of a table beyond which a fit gets a sample of its persons."""


@dataclass(frozen=True, slots=True, repr=False)
class TableReading:
    """A table in canonical form, and the way back to how its cells were written.

    Attributes:
        frame: The rows, in canonical order. A column that holds several numbers a cell is a column for each of them.
        forms: Column → how its cells are written; columns written as they are left out.
        parts: Column of several numbers a cell → the columns of ``frame`` in its place.
        dtypes: Column → the type that a pandas table had, where it is more than a number, text or date.
        labels: Column → its label in a pandas table, where that is no text.
        changes: What reading did.
    """

    frame: pd.DataFrame
    forms: dict[str, WrittenForm]
    parts: dict[str, tuple[str, ...]]
    dtypes: dict[str, Callable[[pd.Series], pd.Series]]
    labels: dict[str, Any]
    changes: tuple[ReadingChange, ...]

    def write_back(self, table: pd.DataFrame) -> pd.DataFrame:
        """Columns of a synthetic table in the form of the real one: units, date forms, categories, decimals."""
        columns = {name: table[name] for name in table.columns}
        for name, parts in self.parts.items():
            columns = _with_joined(columns, name, parts, self.forms[name])
        for name, form in self.forms.items():
            if name in columns:
                columns[name] = _written(columns[name], form)
        for name, restore in self.dtypes.items():
            if name in columns:
                columns[name] = restore(columns[name])
        return type(table)({self.labels.get(name, name): cells for name, cells in columns.items()}, index=table.index)

    def treatments_of_parts(self, treatments: Sequence[Treatment]) -> tuple[Treatment, ...]:
        """One treatment for each column of ``frame``: parts are treated as the column that they come from."""
        return tuple(
            item if part == item.column else item.model_copy(update={"column": part})
            for item in treatments
            for part in self.parts.get(item.column or "", (item.column,))
        )


def as_frame(table: Any, *, table_name: str | None = None) -> pd.DataFrame:
    """All rows of whatever ``open_table`` takes, or of its handle, in canonical form.

    Raises:
        TableError: It cannot be read, or is no table.
    """
    return read_table(open_table(table, table_name=table_name)).frame


def read_table(table: Any, *, persons: str | None = None, like: TableReading | None = None) -> TableReading:
    """Read a table for a fit or an evaluation.

    Args:
        table: Whatever ``open_table`` takes, or its handle.
        persons: Column that tells persons apart: a table too large to be read whole is read as a sample of persons, and
            of rows where there is none.
        like: The real table's reading, where this is its synthetic one: what is several numbers there is here too.

    Raises:
        TableError: The table cannot be read.
    """
    import pandas as pd

    handle = open_table(table)
    original = source_of(handle).table
    engine = open_engine(handle)
    try:
        rows, sampled = _rows(engine, persons)
    finally:
        engine.close()
    names = engine.names
    values = read_table_values(rows, names, engine.hints)
    columns: dict[str, pd.Series] = {}
    parts: dict[str, tuple[str, ...]] = {}
    for name, column in zip(names, values.columns, strict=True):
        composite = _composite_of(name, column, like)
        if composite is None:
            columns[name] = _series(column)
            continue
        numbers = composite.split(_series(column))
        parts[name] = tuple(_part_name(name, position, names) for position in range(len(numbers)))
        columns |= dict(zip(parts[name], map(_whole, numbers), strict=True))
    frame = pd.DataFrame(columns)
    if len(frame):
        frame = frame.sort_values(list(frame.columns), ignore_index=True, kind="stable")
    forms = {
        name: column.form
        for name, column in zip(names, values.columns, strict=True)
        if column.form.kind in ("unit", "composite") or (column.form.date is not None and column.form.date.pattern)
    }
    dtypes: dict[str, Callable[[pd.Series], pd.Series]] = {}
    labels: dict[str, Any] = {}
    if isinstance(original, pd.DataFrame):
        dtypes = _restorers(original)
        labels = {str(label): label for label in original.columns if not isinstance(label, str)}
    return TableReading(frame, forms, parts, dtypes, labels, (*engine.changes, *sampled, *values.changes))


def _rows(engine: Engine, persons: str | None) -> tuple[pa.Table, tuple[ReadingChange, ...]]:
    """All rows, or those of a sample of persons that is the same from every source."""
    width = len(engine.names)
    if engine.rows is not None and engine.rows * width <= MOST_CELLS:
        return _table(engine.batches(), width), ()
    batches: list[pa.RecordBatch] = []
    rows = seen = 0
    modulus = 1
    key = engine.names.index(persons) if persons in engine.names else None
    for batch in engine.batches():
        kept = _some(batch, key, modulus, seen)
        seen += batch.num_rows
        batches.append(kept)
        rows += kept.num_rows
        while rows * width > MOST_CELLS:
            modulus *= 2
            batches = [_some(each, key, modulus, None) for each in batches]
            rows = sum(each.num_rows for each in batches)
    table = _table(iter(batches), width)
    if modulus == 1:
        return table, ()
    what = "all those of a sample of persons" if key is not None else f"a sample of {seen}"
    return table, (ReadingChange(kind="sampled", cells=rows, detail=what),)


def _some(batch: pa.RecordBatch, key: int | None, modulus: int, start: int | None) -> pa.RecordBatch:
    """The rows whose person's checksum is a multiple of ``modulus``; without persons, the row's own."""
    if modulus == 1:
        return batch
    if key is None:
        texts = pc.binary_join_element_wise(
            *[_text(column) for column in batch.columns], "\x1f", null_handling="replace"
        )
    else:
        texts = _text(batch.column(key))
    encoded = texts.dictionary_encode()
    kept = [zlib.crc32((text or "").encode()) % modulus == 0 for text in encoded.dictionary.to_pylist()]
    mask = pc.take(pa.array(kept, pa.bool_()), encoded.indices)
    return batch.filter(pc.fill_null(mask, False))


def _text(column: pa.Array) -> pa.Array:
    return pc.cast(column.dictionary_decode() if pa.types.is_dictionary(column.type) else column, pa.string())


def _table(batches: Iterator[pa.RecordBatch], width: int) -> pa.Table:
    listed = list(batches)
    if not listed:
        return pa.table({f"c{position}": pa.array([], pa.string()) for position in range(width)})
    return pa.Table.from_batches(listed)


def _series(values: ColumnValues) -> pd.Series:
    import pandas as pd

    kind = values.form.kind
    if values.dated:
        texts = pc.take(values.distinct, values.positions).to_pandas()
        return pd.Series(pd.to_datetime(texts).astype("datetime64[us]"))
    numbers = values.row_numbers
    if kind == "duration" and numbers is not None:
        seconds = pd.Series(numbers.to_numpy(zero_copy_only=False)) * values.seconds
        return pd.Series(pd.to_timedelta(seconds.round(6), unit="s")).astype("timedelta64[us]")
    if values.boolean:
        flags = [None if text is None else text == "true" for text in _labels(values)]
        return pd.Series(flags, dtype="boolean" if None in flags else "bool")
    if numbers is None or kind == "composite" or (values.zero_led and values.integer):
        return pd.Series(_labels(values), dtype=object)
    if not values.integer:
        return pd.Series(numbers.to_numpy(zero_copy_only=False), dtype="float64")
    if (pc.max(pc.abs(numbers)).as_py() or 0.0) >= _EXACT:
        return pd.Series(_labels(values), dtype=object)
    whole = pc.cast(numbers, pa.int64())
    if not whole.null_count:
        return pd.Series(whole.to_numpy(zero_copy_only=False))
    return pd.Series(whole.to_pylist(), dtype="Int64")


def _composite_of(name: str, column: ColumnValues, like: TableReading | None) -> Composite | None:
    if like is None:
        return column.form.composite
    return like.forms[name].composite if name in like.parts else None


def _part_name(name: str, position: int, names: Sequence[str]) -> str:
    part = f"{name} ({position + 1})"
    while part in names:
        part += "\N{PRIME}"
    return part


def _whole(numbers: pd.Series) -> pd.Series:
    """Whole numbers as such."""
    if not (numbers.dropna() == numbers.dropna().round()).all():
        return numbers
    return numbers.astype("Int64") if numbers.isna().any() else numbers.astype("int64")


def _with_joined(
    columns: dict[str, pd.Series], name: str, parts: Sequence[str], form: WrittenForm
) -> dict[str, pd.Series]:
    """The columns with the parts of one joined again, where they are all there."""
    import pandas as pd

    if form.composite is None or not all(part in columns for part in parts):
        return {key: cells for key, cells in columns.items() if key not in parts}
    numbers = [columns[part].astype("Float64").to_numpy(dtype=float, na_value=float("nan")) for part in parts]
    joined = pd.Series(form.composite.join(numbers), dtype=object, index=columns[parts[0]].index)
    rebuilt: dict[str, pd.Series] = {}
    for key, cells in columns.items():
        if key == parts[0]:
            rebuilt[name] = joined
        elif key not in parts:
            rebuilt[key] = cells
    return rebuilt


def _labels(values: ColumnValues) -> list[str | None]:
    texts: list[str | None] = pc.take(values.distinct, values.positions).to_pylist()
    return texts


def _written(cells: pd.Series, form: WrittenForm) -> pd.Series:
    import pandas as pd

    types = pd.api.types
    if form.unit is not None and types.is_numeric_dtype(cells.dtype):
        return form.unit.write(cells)
    if form.date is not None and types.is_datetime64_any_dtype(cells.dtype):
        return form.date.write(cells)
    return cells


def _restorers(original: pd.DataFrame) -> dict[str, Callable[[pd.Series], pd.Series]]:
    """Column → the way back to the type it had in the caller's pandas table."""
    import datetime
    import decimal

    import pandas as pd

    ways: dict[str, Callable[[pd.Series], pd.Series]] = {}
    for position, name in enumerate(original.columns):
        cells = original.iloc[:, position]
        dtype = cells.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            ways[str(name)] = partial(_as_category, dtype)
        elif isinstance(dtype, pd.DatetimeTZDtype):
            ways[str(name)] = partial(_as_zoned, dtype)
        elif pd.api.types.is_object_dtype(dtype):
            kinds = set(map(type, cells.dropna()))
            if kinds == {decimal.Decimal}:
                ways[str(name)] = _as_decimal
            elif kinds == {datetime.date}:
                ways[str(name)] = _as_date
    return ways


def _as_category(dtype: Any, made: pd.Series) -> pd.Series:
    import pandas as pd

    by_text = {str(level): level for level in dtype.categories}
    levels = [None if pd.isna(cell) else by_text.get(str(cell)) for cell in made]
    complete = all(level is not None or pd.isna(cell) for level, cell in zip(levels, made, strict=True))
    return pd.Series(pd.Categorical(levels, dtype=dtype), index=made.index) if complete else made


def _as_zoned(dtype: Any, made: pd.Series) -> pd.Series:
    import pandas as pd

    if not pd.api.types.is_datetime64_dtype(made.dtype):
        return made
    return made.dt.tz_localize("UTC").astype(dtype)


def _as_decimal(made: pd.Series) -> pd.Series:
    import decimal

    import pandas as pd

    if not pd.api.types.is_numeric_dtype(made.dtype):
        return made
    return pd.Series(
        [None if pd.isna(cell) else decimal.Decimal(repr(cell)) for cell in made], dtype=object, index=made.index
    )


def _as_date(made: pd.Series) -> pd.Series:
    import pandas as pd

    if not pd.api.types.is_datetime64_dtype(made.dtype):
        return made
    return made.dt.date.astype(object).where(made.notna(), None)
