"""Column types as libraries make them: none breaks the profile, and each is read for what it holds."""

import datetime as dt
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.errors import TableError

ROWS = 40
DAYS = [dt.datetime(2015, 1, 1) + dt.timedelta(days=n * 9) for n in range(ROWS)]

COLUMNS: dict[str, tuple[Any, str]] = {
    "null": (pa.nulls(ROWS), "constant"),
    "boolean": (pa.array([n % 3 == 0 for n in range(ROWS)]), "boolean"),
    "unsigned beyond int64": (pa.array([2**64 - 1 - n * 7 for n in range(ROWS)], pa.uint64()), "identifier"),
    "float with infinity": (pa.array([float("inf"), float("nan"), *[n / 7 for n in range(ROWS - 2)]]), "continuous"),
    "float of whole numbers": (pa.array([float(n % 9) if n % 5 else None for n in range(ROWS)]), "ordinal count"),
    "decimal": (pa.array([Decimal(n) / 4 for n in range(ROWS)], pa.decimal128(10, 2)), "continuous"),
    "date": (pa.array([day.date() for day in DAYS]), "date"),
    "timestamp": (pa.array([day.replace(hour=5) for day in DAYS]), "datetime"),
    "timestamp at midnight": (pa.array(DAYS), "date"),
    "timestamp with zone": (pa.array([d.replace(hour=5, tzinfo=dt.UTC) for d in DAYS]), "datetime"),
    "time": (pa.array([dt.time(n % 24, 30) for n in range(ROWS)]), "datetime"),
    "duration": (pa.array([dt.timedelta(seconds=n * n * 100) for n in range(ROWS)]), "continuous identifier"),
    "category": (pa.array(["low", "high"] * 20).dictionary_encode(), "boolean"),
    "bytes": (pa.array([b"\xff\x00" + bytes([n]) for n in range(ROWS)]), "identifier name free_text categorical"),
    "large text": (pa.array(["a", "b", "c", "d"] * 10, pa.large_string()), "categorical"),
    "text view": (pa.array(["a", "b", "c", "d"] * 10, pa.string_view()), "categorical"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_an_arrow_column_of_any_type_is_read(name: str) -> None:
    values, kinds = COLUMNS[name]
    table = pa.table({"x": values, "y": [n % 2 for n in range(ROWS)]})
    assert profile_table(table).columns[0].safe.kind in kinds.split()


def test_pandas_columns_of_any_type_are_read() -> None:
    frame = pd.DataFrame(
        {
            "mixed": [1, "two", 3.0, None] * 10,
            "category": pd.Categorical(["low", "high", None, "low"] * 10),
            "nullable": pd.array([1, 2, None, 4] * 10, dtype="Int64"),
            "period": pd.period_range("2015-01", periods=ROWS, freq="M"),
            7: ["yes", "no"] * 20,
        },
        index=[f"row{n}" for n in range(ROWS)],
    )
    profile = profile_table(frame)
    assert [column.name for column in profile.columns] == ["mixed", "category", "nullable", "period", "7"]
    assert [column.missing for column in profile.columns][:3] == [10, 10, 10]


def test_polars_columns_of_any_type_are_read() -> None:
    frame = pl.DataFrame(
        {
            "enum": pl.Series(["a", "b"] * 20, dtype=pl.Enum(["a", "b"])),
            "category": pl.Series(["a", "b", "c", "d"] * 10, dtype=pl.Categorical),
            "when": DAYS,
        }
    )
    kinds = [column.safe.kind for column in profile_table(frame).columns]
    assert kinds[:2] == ["boolean", "categorical"]
    assert kinds[2] == "date"


NESTED: dict[str, Any] = {
    "Arrow list": pa.table({"x": range(ROWS), "dx": pa.array([[n, n + 1] for n in range(ROWS)])}),
    "Arrow structure": pa.table({"x": range(ROWS), "dx": pa.array([{"a": n} for n in range(ROWS)])}),
    "Arrow map": pa.table(
        {"x": range(ROWS), "dx": pa.array([[("a", n)] for n in range(ROWS)], pa.map_(pa.string(), pa.int64()))}
    ),
    "pandas objects": pd.DataFrame({"x": range(ROWS), "dx": [{}, [1], (2,), {3}] * 10}),
    "pandas lists": pd.DataFrame({"x": range(ROWS), "dx": [[n] for n in range(ROWS)]}),
    "polars": pl.DataFrame({"x": range(ROWS), "dx": [[n] for n in range(ROWS)]}),
}


@pytest.mark.parametrize("way", NESTED)
def test_lists_and_structures_are_refused_by_their_columns_name(way: str) -> None:
    with pytest.raises(TableError, match="column 'dx': holds lists or structures"):
        profile_table(NESTED[way])


def test_nested_columns_of_duckdb_are_refused_too() -> None:
    with pytest.raises(TableError, match="column 'dx': holds lists or structures"):
        profile_table(duckdb.sql(f"SELECT i AS x, [i, 1] AS dx FROM range({ROWS}) t(i)"))
