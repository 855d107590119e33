"""A table that is too large for a fit is read as a sample of persons, all rows of each, the same from every source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
from clinical_model_selector.profiling import open_table
from clinical_model_selector.profiling.readers import engines, files, to_pandas
from clinical_model_selector.profiling.readers.to_pandas import read_table

PERSONS = 600
VISITS = pd.DataFrame(
    {
        "pid": [f"P{1000 + n % PERSONS}" for n in range(4 * PERSONS)],
        "visit": [n // PERSONS for n in range(4 * PERSONS)],
        "sbp": [100 + n * 7 % 60 for n in range(4 * PERSONS)],
    }
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(to_pandas, "MOST_CELLS", 3000)
    monkeypatch.setattr(files, "_IN_MEMORY", 0)
    monkeypatch.setattr(engines, "WHOLE_ROWS", 100)
    monkeypatch.setattr(engines, "WHOLE_CELLS", 100)


def _csv(folder: Path) -> Any:
    VISITS.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def _parquet(folder: Path) -> Any:
    VISITS.to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def _sqlite(folder: Path) -> Any:
    engine = sa.create_engine(f"sqlite:///{folder / 't.db'}")
    VISITS.iloc[::-1].to_sql("visits", engine, index=False)
    engine.dispose()
    return open_table(f"sqlite:///{folder / 't.db'}", table_name="visits")


WAYS: dict[str, Callable[[Path], Any]] = {
    "csv": _csv,
    "parquet": _parquet,
    "pandas": lambda folder: VISITS,
    "polars": lambda folder: pl.from_pandas(VISITS),
    "duckdb": lambda folder: duckdb.from_arrow(pa.Table.from_pandas(VISITS)),
    "sqlite": _sqlite,
}


@pytest.mark.parametrize("way", WAYS)
def test_whole_persons_are_drawn_and_the_size_is_said(way: str, tmp_path: Path) -> None:
    reading = read_table(WAYS[way](tmp_path), persons="pid")
    rows = len(reading.frame)
    assert 300 <= rows <= 1000
    assert (reading.frame.groupby("pid").size() == 4).all()
    told = [change for change in reading.changes if change.kind == "sampled"]
    assert [(change.cells, change.detail) for change in told] == [(rows, "all those of a sample of persons")]
    pd.testing.assert_frame_equal(reading.frame, read_table(VISITS, persons="pid").frame)


def test_without_persons_rows_are_drawn(tmp_path: Path) -> None:
    reading = read_table(_csv(tmp_path))
    assert 300 <= len(reading.frame) <= 1000
    assert [change.detail for change in reading.changes] == ["a sample of 2400"]


def test_spark_gives_the_same_sample(spark: Any) -> None:
    reading = read_table(spark.createDataFrame(pa.Table.from_pandas(VISITS)), persons="pid")
    pd.testing.assert_frame_equal(reading.frame, read_table(VISITS, persons="pid").frame)
