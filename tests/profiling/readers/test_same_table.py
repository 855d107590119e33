"""One table by nine ways in: the same profile, and with one seed the same synthetic cells in the same order."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa
from clinical_model_selector.agents.synthesize import synthesize
from clinical_model_selector.evidence.evaluation import evaluate
from clinical_model_selector.profiling import open_table, profile_table
from clinical_model_selector.profiling.readers.to_pandas import as_frame
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.schemas.table.table_handle import TableHandle
from clinical_model_selector.synthesizers.running.run_plan import Synthesis

ROWS = 160
CONFIG = HYPERPARAMETERS["cart"].with_defaults()
PLAN = ModelSelectionPlan(
    choice=CONFIG,
    backups=[HYPERPARAMETERS[name].with_defaults() for name in ("gaussian_copula", "arf")],
    dp=DPSettings.spent_by(CONFIG),
    sample_multiplier=1.0,
    max_synth_rows=120,
    rationale="",
)


def _cohort() -> pd.DataFrame:
    rng = random.Random(5)

    def maybe(value: Any) -> Any:
        return None if rng.random() < 0.1 else value

    rows = [
        {
            "sex": rng.choice(("male", "female")),
            "age": rng.randint(30, 80),
            "stage": maybe(rng.choice(("low", "middle", "high"))),
            "sodium": maybe(round(rng.gauss(140, 4), 1)),
            "visits": maybe(rng.randint(0, 40)),
            "seen": f"202{rng.randint(0, 3)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}",
            "smoker": maybe(rng.random() < 0.3),
            "bp": f"{rng.randint(100, 160)}/{rng.randint(60, 99)}",
            "died": rng.randint(0, 1),
        }
        for _ in range(ROWS)
    ]
    return pd.DataFrame(rows).astype({"visits": "Int64", "smoker": "boolean"})


COHORT = _cohort()


def _arrow() -> pa.Table:
    return pa.Table.from_pandas(COHORT, preserve_index=False)


def _csv(folder: Path) -> Path:
    COHORT.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def _gzipped(folder: Path) -> Path:
    (folder / "t.csv.gz").write_bytes(gzip.compress(_csv(folder).read_bytes()))
    return folder / "t.csv.gz"


def _parquet(folder: Path) -> Path:
    COHORT.to_parquet(folder / "t.parquet")
    return folder / "t.parquet"


def _into(url: str) -> TableHandle:
    engine = sa.create_engine(url)
    kinds = {"age": sa.Integer, "sodium": sa.Float, "visits": sa.Integer, "smoker": sa.Boolean, "died": sa.Integer}
    columns = [sa.Column(name, kinds.get(name, sa.Text)) for name in COHORT.columns]
    table = sa.Table("same_table", sa.MetaData(), *columns)
    with engine.begin() as connection:
        table.drop(connection, checkfirst=True)
        table.create(connection)
        # Databases keep no order: the rows go in backwards.
        rows = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in COHORT.to_dict("records")]
        connection.execute(table.insert(), rows[::-1])
    engine.dispose()
    return open_table(url, table_name="same_table")


def _sqlite(folder: Path) -> TableHandle:
    return _into(f"sqlite:///{folder / 't.db'}")


WAYS: dict[str, Callable[[Path], Any]] = {
    "csv": _csv,
    "csv.gz": _gzipped,
    "parquet": _parquet,
    "pandas": lambda folder: COHORT,
    "pandas of objects": lambda folder: COHORT.astype(object),
    "polars": lambda folder: pl.from_arrow(_arrow()),
    "arrow": lambda folder: _arrow(),
    "duckdb": lambda folder: duckdb.from_arrow(_arrow()),
    "sqlite": _sqlite,
}


def _synthesize(table: Any, folder: Path) -> tuple[str, Synthesis]:
    made = synthesize(table, PLAN, seed=3, held_out=0.2)
    made.table.to_csv(folder / "made.csv", index=False)
    return (folder / "made.csv").read_text(), made


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _synthesize(COHORT, tmp_path_factory.mktemp("expected"))[0]


@pytest.mark.parametrize("way", WAYS)
def test_one_seed_makes_one_table(way: str, tmp_path: Path, expected: str) -> None:
    table = WAYS[way](tmp_path)
    assert profile_table(table).safe == profile_table(COHORT).safe
    pd.testing.assert_frame_equal(as_frame(table), as_frame(COHORT))
    text, made = _synthesize(table, tmp_path)
    assert text == expected
    assert list(made.table.columns) == list(COHORT.columns)
    verdict = evaluate(table, tmp_path / "made.csv", card=made.card)
    assert verdict.fidelity == evaluate(COHORT, made.table, card=made.card).fidelity


def test_postgresql_makes_the_same_table(postgres_url: str, tmp_path: Path, expected: str) -> None:
    table = _into(postgres_url.replace("postgresql:", "postgresql+pg8000:"))
    assert profile_table(table).safe == profile_table(COHORT).safe
    assert _synthesize(table, tmp_path)[0] == expected


def test_spark_makes_the_same_table(spark: Any, tmp_path: Path, expected: str) -> None:
    table = spark.createDataFrame(_arrow())
    assert _synthesize(table, tmp_path)[0] == expected
