"""A path is a name and no pattern; a pattern is an option of its own, which says what it read."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest
from clinical_model_selector.profiling import open_table, profile_table
from clinical_model_selector.profiling.readers import engines, files
from clinical_model_selector.profiling.readers.engines import connect
from clinical_model_selector.profiling.readers.to_pandas import as_frame
from clinical_model_selector.schemas.errors import TableError

NAMES = [
    "cohort[1]",
    "q?",
    "all*",
    "a{b,c}",
    "x'y",
    'x"y',
    "$HOME",
    "~t",
    "%20",
    "site=3",
    "[!a]",
    "back\\slash",
    "ä ö",
]


def _frame(start: int, rows: int = 40) -> pd.DataFrame:
    return pd.DataFrame({"n": range(start, start + rows), "sex": ["M", "F"] * (rows // 2)})


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("large", [False, True])
def test_a_name_is_never_a_pattern(
    name: str, ending: str, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(engines, "WHOLE_ROWS", 10)
        monkeypatch.setattr(engines, "WHOLE_CELLS", 10)
        monkeypatch.setattr(files, "_IN_MEMORY", 0)
    for place, stem in enumerate((name, "cohort1", "qa", "allb", "ab", "ac", "b", "3")):
        path = tmp_path / f"{stem}.{ending}"
        frame = _frame(1000 * place)
        frame.to_parquet(path) if ending == "parquet" else frame.to_csv(path, index=False)
    profile = profile_table(tmp_path / f"{name}.{ending}")
    assert profile.rows == 40
    assert as_frame(tmp_path / f"{name}.{ending}")["n"].max() == 39


@pytest.mark.parametrize("name", ["cohort[1].csv", "q?.csv", "all*.csv", "q?.parquet", "**/*.csv"])
def test_a_name_that_fits_others_is_not_there(name: str, tmp_path: Path) -> None:
    for other in ("cohort1", "qa", "allb"):
        _frame(0).to_csv(tmp_path / f"{other}.csv", index=False)
        _frame(0).to_parquet(tmp_path / f"{other}.parquet")
    with pytest.raises(TableError, match="no such file"):
        open_table(tmp_path / name)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_folder_called_like_a_partition_is_a_folder(ending: str, tmp_path: Path) -> None:
    folder = tmp_path / "site=3"
    folder.mkdir()
    path = folder / f"x.{ending}"
    _frame(0).to_parquet(path) if ending == "parquet" else _frame(0).to_csv(path, index=False)
    assert [column.name for column in profile_table(path).columns] == ["n", "sex"]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("large", [False, True])
def test_a_pattern_is_asked_for_and_says_what_it_read(
    ending: str, large: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(engines, "WHOLE_ROWS", 10)
        monkeypatch.setattr(engines, "WHOLE_CELLS", 10)
        monkeypatch.setattr(files, "_IN_MEMORY", 0)
    for place in range(3):
        path = tmp_path / f"site{place}.{ending}"
        frame = _frame(100 * place)
        frame.to_parquet(path) if ending == "parquet" else frame.to_csv(path, index=False)
    handle = open_table(tmp_path / f"site*.{ending}", pattern=True)
    profile = profile_table(handle)
    assert profile.rows == 120
    (change,) = [change for change in profile.changes if change.kind == "files_read"]
    assert change.cells == 3
    assert change.detail == ", ".join(f"site{place}.{ending}" for place in range(3))
    assert sorted(as_frame(handle)["n"]) == [100 * place + n for place in range(3) for n in range(40)]


def test_files_of_other_columns_are_not_one_table(tmp_path: Path) -> None:
    _frame(0).to_csv(tmp_path / "a1.csv", index=False)
    _frame(0).rename(columns={"n": "m"}).to_csv(tmp_path / "a2.csv", index=False)
    with pytest.raises(TableError, match=r"a2\.csv: its columns are not those of"):
        open_table(tmp_path / "a*.csv", pattern=True)
    with pytest.raises(TableError, match="no file fits this pattern"):
        open_table(tmp_path / "z*.csv", pattern=True)
    with pytest.raises(TableError, match="pattern are for files"):
        open_table(_frame(0), pattern=True)


def test_the_engine_opens_no_file_by_itself(tmp_path: Path) -> None:
    _frame(0).to_csv(tmp_path / "t.csv", index=False)
    with connect() as connection, pytest.raises(duckdb.Error):
        connection.sql(f"SELECT * FROM '{tmp_path / 't.csv'}'").fetchall()


def test_a_device_or_a_pipe_is_no_table(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", Path("/dev/zero")):
        with pytest.raises(TableError, match="no regular file"):
            open_table(path)
