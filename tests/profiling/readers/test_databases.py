"""Databases: read only, never created, refused without their address; their types are those of other sources."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from clinical_model_selector.profiling import open_table, profile_table
from clinical_model_selector.profiling.readers.to_pandas import read_table
from clinical_model_selector.schemas.errors import TableError

ROWS = 60


def _database(folder: Path) -> str:
    url = f"sqlite:///{folder / 'c[1] &x.db'}"
    engine = sa.create_engine(url)
    pd.DataFrame({"age": range(20, 20 + ROWS), "sex": ["M", "F"] * (ROWS // 2)}).to_sql("visits", engine, index=False)
    engine.dispose()
    return url


def test_sqlite_is_read_only_and_not_created(tmp_path: Path) -> None:
    before = _database(tmp_path)
    assert profile_table(open_table(before, table_name="visits")).rows == ROWS
    for name in ("new.db", "c1 &x.db", "no/folder.db"):
        with pytest.raises(TableError, match="no such database file"):
            open_table(f"sqlite:///{tmp_path / name}", table_name="visits")
    assert [path.name for path in tmp_path.iterdir()] == ["c[1] &x.db"]
    (tmp_path / "c[1] &x.db").chmod(0o444)
    assert profile_table(open_table(before, table_name="visits")).rows == ROWS


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x.db?mode=rwc&uri=true"])
def test_sqlite_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(TableError, match="a file that exists"):
        open_table(url, table_name="visits")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hush@host:port/db",
        "postgresql://u:hush@host:99999999/db",
        "postgresql://u:hush@[::1/db",
        "hush://",
    ],
)
def test_an_address_that_is_none_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(TableError) as caught:
        open_table(url, table_name="visits")
    assert "hush" not in str(caught.value)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_text("hush,age\n1,2\n")
    with pytest.raises(TableError) as caught:
        open_table(f"sqlite:///{tmp_path / 't.db'}", table_name="visits")
    assert "hush" not in str(caught.value)


def test_types_of_postgresql_are_those_of_other_sources(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url.replace("postgresql:", "postgresql+pg8000:"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS kinds; DROP TABLE IF EXISTS lists")
        connection.exec_driver_sql(
            "CREATE TABLE kinds AS SELECT (g || ' days 04:05:00')::interval AS los, (g * 1.25)::numeric(9,2) AS dose, "
            "('08:00'::time + g * '1 minute'::interval) AS at, 'infinity'::float8 AS inf, "
            "CASE WHEN g % 3 = 0 THEN '9999-12-31'::date ELSE '2020-01-01'::date + g END AS ends "
            f"FROM generate_series(1, {ROWS}) g"
        )
        connection.exec_driver_sql(
            f"CREATE TABLE lists AS SELECT g AS n, ARRAY[g, 1] AS dx FROM generate_series(1, {ROWS}) g"
        )
    engine.dispose()
    handle = open_table(postgres_url, table_name="kinds")
    told = {(change.column, change.kind) for change in profile_table(handle).changes}
    assert told == {("los", "duration"), ("inf", "infinity_as_missing"), ("ends", "date_code_as_missing")}
    frame = read_table(handle).frame
    assert sorted(frame["los"]) == [dt.timedelta(days=n, hours=4, minutes=5) for n in range(1, ROWS + 1)]
    assert sorted(frame["dose"]) == [n * 1.25 for n in range(1, ROWS + 1)]
    assert frame["at"].str.fullmatch(r"\d\d:\d\d:00").all()
    with pytest.raises(TableError, match="column 'dx': holds lists"):
        open_table(postgres_url, table_name="lists")
