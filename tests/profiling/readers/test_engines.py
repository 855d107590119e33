"""One table through every way in: the same kinds, roles and figures, and so the same text and the same plan."""

import datetime as dt
import random
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from clinical_model_selector.profiling import describe_for_prompt, profile_table
from clinical_model_selector.profiling.readers import engines
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.schemas.profile import TableProfile


def _cohort(rows: int) -> pa.Table:
    rng = random.Random(3)

    def maybe(value: Any) -> Any:
        return None if rng.random() < 0.1 else value

    return pa.table(
        {
            "patient_id": pa.array([f"P{100000 + n // 2 * 7}" for n in range(rows)]),
            "age": pa.array([rng.randint(20, 88) for _ in range(rows)], pa.int64()),
            "sex": pa.array([rng.choice(("male", "female")) for _ in range(rows)]),
            "stage": pa.array([maybe(rng.choice(("I", "II", "III", "IV"))) for _ in range(rows)]),
            "sodium": pa.array([maybe(round(rng.gauss(140, 4), 1)) for _ in range(rows)], pa.float64()),
            "visits": pa.array([maybe(int(rng.expovariate(0.4))) for _ in range(rows)], pa.int64()),
            "admitted": pa.array([dt.date(2015, 1, 1) + dt.timedelta(days=rng.randrange(900)) for _ in range(rows)]),
            "diagnosis": pa.array([rng.choice(("I21.0", "J18.9", "C50.4", "E11.9", "K80.2")) for _ in range(rows)]),
            "smoker": pa.array([maybe(rng.random() < 0.3) for _ in range(rows)], pa.bool_()),
            "days": pa.array([rng.randint(1, 2000) for _ in range(rows)], pa.int64()),
            "died": pa.array([rng.randint(0, 1) for _ in range(rows)], pa.int64()),
        }
    )


COHORT = _cohort(600)


def _profile(table: Any, **options: Any) -> TableProfile:
    return profile_table(table, target="died", **options)


@pytest.fixture(scope="module")
def expected() -> TableProfile:
    return _profile(COHORT)


def test_the_cohort_is_understood(expected: TableProfile) -> None:
    assert expected.patient_id == "patient_id"
    assert expected.safe.patients == 300
    assert expected.safe.survival
    kinds = {column.name: column.safe.kind for column in expected.columns}
    assert kinds == {
        "patient_id": "identifier",
        "age": "quasi_identifier",
        "sex": "quasi_identifier",
        "stage": "ordinal",
        "sodium": "continuous",
        "visits": "count",
        "admitted": "date",
        "diagnosis": "code",
        "smoker": "boolean",
        "days": "event_time",
        "died": "event_indicator",
    }


def _as_csv(folder: Path) -> Any:
    pacsv.write_csv(COHORT, folder / "cohort.csv")
    return folder / "cohort.csv"


def _as_tsv_gz(folder: Path) -> Any:
    import gzip

    path = folder / "cohort.tsv.gz"
    pacsv.write_csv(COHORT, folder / "plain.tsv", pacsv.WriteOptions(delimiter="\t"))
    path.write_bytes(gzip.compress((folder / "plain.tsv").read_bytes()))
    return str(path)


def _as_parquet(folder: Path) -> Any:
    pq.write_table(COHORT, folder / "cohort.parquet")
    return folder / "cohort.parquet"


def _as_pandas(folder: Path) -> Any:
    # pandas turns whole numbers with gaps into floats, and booleans with gaps into objects
    return pd.DataFrame({name: COHORT[name].to_pylist() for name in COHORT.column_names})


WAYS = {
    "csv": _as_csv,
    "tsv.gz": _as_tsv_gz,
    "parquet": _as_parquet,
    "pandas": _as_pandas,
    "polars": lambda folder: pl.from_arrow(COHORT),
    "polars lazy": lambda folder: pl.from_arrow(COHORT).lazy(),
    "duckdb": lambda folder: duckdb.from_arrow(COHORT),
}


@pytest.mark.parametrize("way", WAYS)
def test_files_and_frames_give_the_same_profile(way: str, tmp_path: Path, expected: TableProfile) -> None:
    assert _profile(WAYS[way](tmp_path)).safe == expected.safe


@pytest.fixture
def visits(postgres_url: str) -> str:
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+pg8000:"))
    kinds = {pa.int64(): sa.BigInteger, pa.float64(): sa.Float, pa.bool_(): sa.Boolean, pa.date32(): sa.Date}
    columns = [sa.Column(field.name, kinds.get(field.type, sa.Text)) for field in COHORT.schema]
    table = sa.Table("visits", sa.MetaData(schema="public"), *columns)
    with engine.begin() as connection:
        table.drop(connection, checkfirst=True)
        table.create(connection)
        connection.execute(table.insert(), COHORT.to_pylist())
    engine.dispose()
    return postgres_url


@pytest.mark.parametrize("name", ["visits", "public.visits"])
def test_postgresql_gives_the_same_profile(visits: str, name: str, expected: TableProfile) -> None:
    assert _profile(visits, table_name=name).safe == expected.safe


def test_postgresql_beyond_the_sample_stays_within_tolerance(
    visits: str, expected: TableProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    _shrink(monkeypatch)
    _check_close(_profile(visits, table_name="visits"), expected)


def test_odd_types_and_names_are_read_from_postgresql(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+pg8000:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS odd")
        connection.exec_driver_sql(
            'CREATE TABLE odd AS SELECT g AS "a:b", gen_random_uuid() AS "Q""x%", now() AS t, \'NaN\'::float8 AS f, '
            "json_build_object('k', g) AS j, (g * 1.5)::numeric(9,2) AS n, g % 2 = 0 AS b FROM generate_series(1, 40) g"
        )
    engine.dispose()
    columns = profile_table(postgres_url, table_name="odd").columns
    kinds = {column.name: column.safe.kind for column in columns}
    assert kinds["a:b"] == kinds['Q"x%'] == "identifier"
    assert (kinds["f"], kinds["n"], kinds["b"]) == ("constant", "continuous", "boolean")


@pytest.mark.parametrize(
    ("url", "name", "reason"),
    [
        ("postgresql://u:secret@127.0.0.1:1/db", "visits", "cannot be reached"),
        ("nosuchdb://u:secret@host/db", "visits", "no database address"),
        ("postgresql://u:secret@127.0.0.1/db", None, "say which one"),
    ],
)
def test_a_database_that_cannot_be_read_is_refused_without_its_address(url: str, name: str | None, reason: str) -> None:
    with pytest.raises(TableError, match=reason) as caught:
        profile_table(url, table_name=name)
    assert "secret" not in str(caught.value)


def test_a_missing_table_is_named(postgres_url: str) -> None:
    with pytest.raises(TableError, match="no table 'nowhere'"):
        profile_table(postgres_url, table_name="nowhere")


def test_sqlite_gives_the_same_kinds(tmp_path: Path, expected: TableProfile) -> None:
    url = f"sqlite:///{tmp_path / 'cohort.db'}"
    engine = sa.create_engine(url)
    _as_pandas(tmp_path).to_sql("visits", engine, index=False)
    engine.dispose()
    found = _profile(url, table_name="visits")
    assert [c.safe.kind for c in found.columns] == [c.safe.kind for c in expected.columns]


def test_spark_gives_the_same_profile(spark: Any, expected: TableProfile) -> None:
    assert _profile(spark.createDataFrame(COHORT)).safe == expected.safe


def test_spark_beyond_the_sample_stays_within_tolerance(
    spark: Any, expected: TableProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    _shrink(monkeypatch)
    _check_close(_profile(spark.createDataFrame(COHORT)), expected)


@pytest.mark.parametrize("way", WAYS)
def test_long_tables_are_sampled_within_tolerance(
    way: str, tmp_path: Path, expected: TableProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    _shrink(monkeypatch)
    _check_close(_profile(WAYS[way](tmp_path)), expected)


def _shrink(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make 600 rows a long table, of which two thirds are sampled."""
    monkeypatch.setattr(engines, "WHOLE_ROWS", 100)
    monkeypatch.setattr(engines, "WHOLE_CELLS", 100)
    monkeypatch.setattr("clinical_model_selector.profiling.readers.files._IN_MEMORY", 0)
    for module in ("engines", "database", *(["spark"] if find_spec("pyspark") else [])):
        monkeypatch.setattr(f"clinical_model_selector.profiling.readers.{module}.SAMPLE_ROWS", 416, raising=True)


def test_a_long_file_with_line_breaks_in_quotes_is_sampled_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _shrink(monkeypatch)
    path = tmp_path / "notes.csv"
    notes = [f'"seen with pain\nin the left knee\nafter {n} days",{n % 5}' for n in range(500)]
    path.write_text("note,grade\n" + "\n".join(notes) + "\n")
    found = profile_table(path)
    assert found.rows == 500
    assert [column.safe.kind for column in found.columns] == ["free_text", "ordinal"]


def _check_close(found: TableProfile, expected: TableProfile) -> None:
    assert found.rows == expected.rows
    for one, other in zip(found.columns, expected.columns, strict=True):
        assert (one.name, one.safe.kind, one.safe.role) == (other.name, other.safe.kind, other.safe.role)
        assert one.missing == other.missing
        assert one.distinct == pytest.approx(other.distinct, rel=0.2, abs=2)
        if other.safe.quantiles and one.safe.quantiles:
            spread = other.safe.quantiles[-1] - other.safe.quantiles[0]
            assert one.safe.quantiles == pytest.approx(other.safe.quantiles, abs=0.15 * spread)
        if other.safe.level_shares and one.safe.level_shares:
            assert one.safe.level_shares == pytest.approx(other.safe.level_shares, abs=0.1)


def test_column_order_changes_nothing_in_the_text(expected: TableProfile) -> None:
    shuffled = COHORT.select(random.Random(5).sample(COHORT.column_names, COHORT.num_columns))
    assert describe_for_prompt(_profile(shuffled).safe) == describe_for_prompt(expected.safe)
