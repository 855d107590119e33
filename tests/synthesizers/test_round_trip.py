"""What a table was, its synthetic one is: names, order, types, missing cells and levels, through coding and files."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from clinical_model_selector.profiling.readers.to_pandas import as_frame
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.synthesizers.encoding.table_encoding import Encoding
from clinical_model_selector.synthesizers.running.files import write_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 40
words = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=("L", "N")), min_size=1, max_size=8)
days = st.integers(0, 20_000).map(lambda n: pd.Timestamp("1970-01-01") + pd.Timedelta(days=n))
MAKERS: dict[str, tuple[st.SearchStrategy[Any], Any]] = {
    "int64": (st.integers(-(10**9), 10**9), "int64"),
    "int8": (st.integers(-128, 127), "int8"),
    "uint16": (st.integers(0, 65_535), "uint16"),
    "Int64": (st.integers(-1000, 1000), "Int64"),
    "int64[pyarrow]": (st.integers(-1000, 1000), "int64[pyarrow]"),
    "float64": (st.integers(-(10**6), 10**6).map(lambda n: n / 100), "float64"),
    "float32": (st.integers(-1000, 1000).map(lambda n: n / 4), "float32"),
    "Float64": (st.integers(-1000, 1000).map(lambda n: n / 10), "Float64"),
    "bool": (st.booleans(), "bool"),
    "boolean": (st.booleans(), "boolean"),
    "object bool": (st.booleans(), object),
    "object int": (st.integers(-1000, 1000), object),
    "text": (words, object),
    "string": (words, "string"),
    "string[pyarrow]": (words, "string[pyarrow]"),
    "leading zeros": (st.integers(0, 999).map("{:05d}".format), object),
    "number text": (st.integers(0, 9999).map(lambda n: f"{n / 10:.1f}"), object),
    "category": (st.sampled_from(["low", "mid", "high"]), pd.CategoricalDtype(["low", "mid", "high", "none"], True)),
    "category of int": (st.integers(1, 4), pd.CategoricalDtype([4, 3, 2, 1])),
    "datetime": (days, "datetime64[ns]"),
    "datetime in s": (days, "datetime64[s]"),
    "datetime with zone": (days.map(lambda d: d.tz_localize("Europe/Berlin")), "datetime64[ns, Europe/Berlin]"),
    "date text": (days.map(lambda d: d.strftime("%Y-%m-%d")), object),
    "moment text": (days.map(lambda d: d.strftime("%Y-%m-%dT%H:%M:%S")), object),
    "date": (days.map(lambda d: d.date()), object),
    "duration": (st.integers(0, 10**6).map(lambda n: pd.Timedelta(seconds=n)), "timedelta64[ns]"),
    "decimal": (st.integers(-(10**6), 10**6).map(lambda n: Decimal(n) / 100), object),
}
NEVER_MISSING = {"int64", "int8", "uint16", "bool"}


@st.composite
def series(draw: st.DrawFn, kind: str) -> pd.Series[Any]:
    values, dtype = MAKERS[kind]
    cells = draw(st.lists(values, min_size=ROWS, max_size=ROWS))
    if kind not in NEVER_MISSING and draw(st.booleans()):
        for place in draw(st.sets(st.integers(0, ROWS - 1), max_size=ROWS // 2)):
            cells[place] = None
    return pd.Series(cells, dtype=dtype)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    kinds = draw(st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=4))
    names = draw(st.lists(st.one_of(words, st.integers(0, 99)), min_size=4, max_size=4, unique_by=str))
    return pd.DataFrame({name: draw(series(kind)) for name, kind in zip(names, kinds, strict=False)})


def _through_coding(table: pd.DataFrame, **how: Any) -> pd.DataFrame:
    encoding = Encoding.of(table)
    coded = encoding.encode(table, 0, **how)
    assert how.get("native_missing") or not coded.isna().to_numpy().any()
    assert list(coded.columns) == list(encoding.describe(**how))
    return encoding.decode(coded)


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=15, deadline=None)
@given(data=st.data(), native=st.booleans())
def test_every_type_comes_back(kind: str, data: st.DataObject, native: bool) -> None:
    table = pd.DataFrame({"secret": data.draw(series(kind))})
    pd.testing.assert_frame_equal(_through_coding(table, native_missing=native), table)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(table=frames())
def test_whole_tables_come_back_through_coding_and_parquet(
    table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> None:
    back = _through_coding(table)
    pd.testing.assert_frame_equal(back, table)
    if all(isinstance(name, str) for name in table.columns):
        path = tmp_path_factory.mktemp("out") / "made.parquet"
        write_table(back, path)
        pd.testing.assert_frame_equal(as_frame(path), as_frame(pd.read_parquet(path)))


TEXTS: dict[str, tuple[list[str], list[Any], str]] = {
    "whole": (["1", "22", "-3"], [1, 22, -3], "int64"),
    "whole with a gap": (["1", "", "3"], [1, pd.NA, 3], "Int64"),
    "decimal": (["1.5", "2", "0.25"], [1.5, 2, 0.25], "float64"),
    "written as decimals": (["59.0", "60.0", "61.0"], [59, 60, 61], "int64"),
    "leading zeros": (["007", "010", "123"], ["007", "010", "123"], "object"),
    "missing codes of text": (["NA", "x", "?"], [None, "x", None], "object"),
    "missing codes among numbers": (["n/a", "5", "unknown"], [pd.NA, 5, pd.NA], "Int64"),
    "a level called None": (["None", "mild", "severe"], ["None", "mild", "severe"], "object"),
    "padded": ([" a", "a ", "b"], ["a", "a", "b"], "object"),
    "flags": (["TRUE", "FALSE", "TRUE"], [True, False, True], "bool"),
    "flags with a gap": (["true", "", "false"], [True, pd.NA, False], "boolean"),
    "limits": (["<5", "7", "9", "10", "12", "11"], [5, 7, 9, 10, 12, 11], "int64"),
    "long numbers": (["90071992547409931", "2", "3"], ["90071992547409931", "2", "3"], "object"),
    "nothing": (["", "", ""], [None, None, None], "object"),
}


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_are_read_as_the_profile_reads_them(case: str, separator: str, tmp_path: Path) -> None:
    texts, expected, dtype = TEXTS[case]
    reps = 12
    lines = [f"n{separator}x", *(f"{i}{separator}{text}" for i, text in enumerate(texts * reps))]
    path = tmp_path / "in.csv"
    path.write_text("\n".join(lines) + "\n")
    found = as_frame(path)
    wanted = pd.Series(expected * reps, dtype=dtype, name="x")
    pd.testing.assert_series_equal(found["x"], wanted)
    write_table(found, tmp_path / "out.csv")
    pd.testing.assert_frame_equal(as_frame(tmp_path / "out.csv"), found)


@pytest.mark.parametrize("fault", ["nothing there", "ragged", "broken parquet"])
def test_what_is_no_table_is_refused_without_its_cells(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    if fault == "ragged":
        path.write_text("a,b\n1,hush\n1,hush,3\n")
    elif fault == "broken parquet":
        path.write_bytes(b"PAR1hush")
    with pytest.raises(TableError) as caught:
        as_frame(path)
    assert "hush" not in str(caught.value)
    assert caught.value.__context__ is None


def test_tables_of_other_libraries_are_taken(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [1.5, 2.5], "y": ["a", "b"]})
    table.to_csv(tmp_path / "in.csv", index=False)
    for other in (table, pl.DataFrame({"x": [1.5, 2.5], "y": ["a", "b"]}), pa.Table.from_pandas(table)):
        assert as_frame(other).astype(object).equals(table.astype(object))
    assert as_frame(str(tmp_path / "in.csv"))["x"].tolist() == [1.5, 2.5]
    with pytest.raises(TableError, match="not list"):
        as_frame([1])


def test_codes_for_missing_are_no_part_of_a_range_and_come_back() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(50, 5, 200).round(1)
    x[:20], x[20:30] = -9.0, np.nan
    table = pd.DataFrame({"x": x, "n": np.where(np.arange(200) % 9 == 0, 999, np.arange(200))})
    encoding = Encoding.of(table, missing_codes={"x": (-9.0, 99.0), "n": (999.0,)})
    assert encoding.columns[0].lower > 30
    assert encoding.columns[1].upper == 199
    for native in (False, True):
        coded = encoding.encode(table, 0, native_missing=native)
        assert coded["c1"].min() > 30
        assert set(coded["c1_missing"]) == {"0", "1", "2"}
        pd.testing.assert_frame_equal(encoding.decode(coded), table)


def test_an_infinite_number_is_a_missing_one() -> None:
    table = pd.DataFrame({"x": [1.5, np.inf, 2.5, -np.inf] * 5})
    back = _through_coding(table)
    assert back["x"].isna().sum() == 10
    assert back["x"].max() == 2.5


def test_containers_are_refused_by_name() -> None:
    with pytest.raises(TableError, match="column 'x' holds lists"):
        Encoding.of(pd.DataFrame({"x": [[1], [2]]}))


def test_dates_stay_dates() -> None:
    table = pd.DataFrame({"x": [datetime.date(2020, 1, day) for day in range(1, 29)]})
    drawn = Encoding.of(table).decode(pd.DataFrame({"c1": [18_262.4, 99_999.0]}))
    assert drawn["x"].tolist() == [datetime.date(2020, 1, 1), datetime.date(2020, 1, 28)]


@pytest.mark.parametrize("values", [[0, 1] * 20, [True, False] * 20, ["a", "b"] * 20], ids=["int", "bool", "text"])
def test_a_column_that_a_library_gives_back_unreadable_still_has_its_type(values: list[object]) -> None:
    """Value protection under a small epsilon may leave a token in every cell."""
    table = pd.DataFrame({"kept": values, "x": range(40)})
    encoding = Encoding.of(table)
    encoded = encoding.encode(table, 0)
    encoded["c1"] = ["_RARE_"] * 40
    made = encoding.decode(encoded)
    assert made["kept"].dtype == table["kept"].dtype
    assert set(made["kept"].dropna()) <= set(values)
