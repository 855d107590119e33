"""A handle shows its size and nothing else, wherever it is printed, dumped or pickled; and it can be read again."""

import copy
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from clinical_model_selector.profiling import open_table, profile_table
from clinical_model_selector.profiling.readers.to_pandas import as_frame
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.schemas.table.table_handle import TableHandle
from langchain_core.load import dumps
from langsmith._internal._serde import dumps_json
from pydantic import BaseModel

CANARY = "Zyx4711"
FRAME = pd.DataFrame({f"{CANARY}_name": [f"{CANARY}{n}" for n in range(40)], "x": range(40)})


@pytest.fixture
def handle(tmp_path: Path) -> TableHandle:
    path = tmp_path / f"{CANARY}.csv"
    FRAME.to_csv(path, index=False)
    return open_table(path)


class _Holder(BaseModel):
    table: TableHandle


SHOWN: dict[str, Callable[[TableHandle], Any]] = {
    "repr": repr,
    "str": str,
    "format": lambda handle: f"{handle:>60}",
    "notebook": lambda handle: handle._repr_html_(),
    "json": lambda handle: json.dumps({"table": handle}, default=str),
    "pydantic": lambda handle: _Holder(table=handle).model_dump_json(),
    "pydantic repr": lambda handle: repr(_Holder(table=handle)),
    "langchain": lambda handle: dumps({"table": handle}),
    "langsmith": lambda handle: dumps_json({"table": handle}).decode(),
    "pickle": lambda handle: pickle.dumps(handle).decode("latin-1"),
    "attributes": lambda handle: {name: repr(getattr(handle, name)) for name in dir(handle)},
    "exception": lambda handle: repr(ValueError(handle)),
}


@pytest.mark.parametrize("way", SHOWN)
def test_nothing_of_the_table_is_shown(way: str, handle: TableHandle) -> None:
    shown = str(SHOWN[way](handle))
    assert CANARY not in shown
    if way not in ("pickle", "attributes", "json", "langchain", "langsmith"):
        assert "40 rows × 2 columns" in shown  # noqa: RUF001


def test_a_handle_is_read_again_and_again(handle: TableHandle) -> None:
    assert open_table(handle) is handle
    assert profile_table(handle) == profile_table(handle)
    assert len(as_frame(handle)) == 40


def test_a_copy_is_the_handle_itself(handle: TableHandle) -> None:
    assert copy.deepcopy({"table": handle})["table"] is handle
    assert copy.copy(handle) is handle
    assert _Holder(table=handle).model_copy(deep=True).table is handle
    assert len({handle, copy.copy(handle)}) == 1


def test_two_handles_of_one_table_differ() -> None:
    first, second = open_table(FRAME), open_table(FRAME)
    assert first == first
    assert first != second
    assert {first: 1, second: 2}[second] == 2


def test_a_handle_does_not_change(handle: TableHandle) -> None:
    with pytest.raises(AttributeError):
        handle.rows = 3
    with pytest.raises(AttributeError):
        handle.note = "x"  # type: ignore[attr-defined]


def test_a_pickled_handle_knows_its_size_and_leads_nowhere(handle: TableHandle, tmp_path: Path) -> None:
    loaded = pickle.loads(pickle.dumps(handle))
    assert str(loaded) == str(handle)
    for use in (open_table, profile_table, as_frame):
        with pytest.raises(TableError, match="loaded from a pickle"):
            use(loaded)
    (tmp_path / "handle.pickle").write_bytes(pickle.dumps(handle))
    program = (
        "import pickle, sys\n"
        "from clinical_model_selector.profiling import profile_table\n"
        "from clinical_model_selector.schemas.errors import TableError\n"
        "handle = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(handle)\n"
        "try:\n"
        "    profile_table(handle)\n"
        "except TableError as error:\n"
        "    print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "handle.pickle")], capture_output=True, text=True, check=True
    )
    assert "40 rows × 2 columns" in ended.stdout  # noqa: RUF001
    assert "open the table again" in ended.stdout
    assert CANARY not in ended.stdout + ended.stderr


def test_every_kind_of_table_is_opened(tmp_path: Path) -> None:
    arrow = pa.Table.from_pandas(FRAME)
    FRAME.to_csv(tmp_path / "table.csv", index=False)
    FRAME.to_parquet(tmp_path / "table.parquet")
    tables = {
        "csv": tmp_path / "table.csv",
        "text path": str(tmp_path / "table.csv"),
        "parquet": tmp_path / "table.parquet",
        "pandas": FRAME,
        "polars": pl.from_arrow(arrow),
        "polars lazy": pl.from_arrow(arrow).lazy(),  # type: ignore[union-attr]
        "arrow": arrow,
        "record batch": arrow.to_batches()[0],
        "duckdb": duckdb.from_arrow(arrow),
    }
    for name, table in tables.items():
        handle = open_table(table)
        assert (handle.rows, handle.columns) == (40, 2), name
        assert len(as_frame(handle)) == 40, name


def test_a_table_that_is_none_is_refused_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="not list"):
        open_table([[1, 2]])
    with pytest.raises(TableError, match="no such file"):
        open_table(tmp_path / "nowhere.csv")
    with pytest.raises(TableError, match="say which one"):
        open_table("postgresql://u:secret@127.0.0.1/db")
    with pytest.raises(TableError, match="say how to read the table where it is opened"):
        open_table(open_table(FRAME), table_name="visits")
