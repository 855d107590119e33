"""A table as pandas, cells of a file read as the profile reads them: a fit and its evaluation see what was judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.table.table_handle import source_of
from ..kinds.column_values import read_values
from ..redacted_errors import quietly
from .open_table import open_engine, open_table, read_delimited

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_frame", "read_frame"]

_EXACT = 2**53
"""Whole numbers beyond it are no longer told apart as floats: they stay text."""


def as_frame(table: Any, *, table_name: str | None = None) -> pd.DataFrame:
    """All rows of whatever ``open_table`` takes, or of its handle, as pandas; a pandas table is given back as it is.

    Raises:
        TableError: It cannot be read, or is no table.
    """
    import pandas as pd

    handle = open_table(table, table_name=table_name)
    original = source_of(handle).table
    if isinstance(original, pd.DataFrame):
        return original
    if isinstance(original, str | Path) and "://" not in str(original):
        return read_frame(original)
    engine = open_engine(handle)
    try:
        return pd.DataFrame(engine.read_all().rename_columns(list(engine.names)).to_pandas())
    finally:
        engine.close()


def read_frame(path: str | Path) -> pd.DataFrame:
    """All rows of a CSV, TSV (plain or .gz) or Parquet file.

    Texts such as ``NA`` or ``?`` are missing where the profile calls them so, labels lose the blanks around them, whole
    numbers stay whole beside missing cells, and numbers with leading zeros are labels. A limit such as ``<5`` is its
    number. Parquet keeps its types.

    Raises:
        TableError: It cannot be read.
    """
    import pandas as pd

    path = Path(path)
    found = read_delimited(path)
    if found is None:
        broken = f"{path}: this Parquet file is broken ({{error}})"
        table = quietly(lambda: pd.read_parquet(path), (pa.ArrowException, OSError, ValueError), broken)
        return pd.DataFrame({name: _without_tokens(table[name]) for name in table.columns})
    names, columns = found
    return pd.DataFrame({name: _typed(column) for name, column in zip(names, columns.columns, strict=True)})


def _typed(column: pa.ChunkedArray) -> pd.Series:
    import pandas as pd

    cells = read_values(column)
    numbers = cells.row_numbers
    if numbers is None or (cells.zero_led and cells.integer):
        return _labels(cells.distinct, cells.positions)
    if not cells.integer:
        return pd.Series(numbers.to_numpy(zero_copy_only=False), dtype="float64")
    if (pc.max(pc.abs(numbers)).as_py() or 0.0) >= _EXACT:
        return _labels(cells.distinct, cells.positions)
    whole = pc.cast(numbers, pa.int64())
    if not whole.null_count:
        return pd.Series(whole.to_numpy(zero_copy_only=False))
    return pd.Series(whole.to_pylist(), dtype="Int64")


def _labels(values: pa.Array, codes: pa.Array) -> pd.Series:
    import pandas as pd

    return pd.Series(pc.take(values, codes).to_pylist(), dtype=object)


def _without_tokens(cells: pd.Series) -> pd.Series:
    """A column of text without the texts that stand for a missing cell."""
    import pandas as pd

    if not (pd.api.types.is_object_dtype(cells.dtype) or pd.api.types.is_string_dtype(cells.dtype)):
        return cells
    if not all(isinstance(value, str) for value in cells.dropna()):
        return cells
    tokens = read_values(pa.array(cells, pa.string(), from_pandas=True)).tokens
    return cells.mask(cells.isin(tokens)) if tokens else cells
