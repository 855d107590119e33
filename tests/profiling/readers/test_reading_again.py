"""What was read and written back is read as the same table, and from every source alike."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pyarrow as pa
from clinical_model_selector.profiling import open_table
from clinical_model_selector.profiling.readers.to_pandas import read_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROWS = 40
whole = st.integers(-500, 5000)
decimal = st.floats(-1e4, 1e4, allow_nan=False).map(lambda x: round(x, 2))
day = st.dates(dt.date(1910, 1, 1), dt.date(2026, 1, 1))
small = st.integers(0, 199)

CELLS: dict[str, st.SearchStrategy[Any]] = {
    "whole": whole.map(str),
    "decimal": decimal.map(str),
    "with missing": st.one_of(whole.map(str), st.sampled_from(["NA", "?", "", "."])),
    "words": st.sampled_from(["mild", "severe", "none", "NA"]),
    "results": st.sampled_from(["+", "-", "++"]),
    "unit": whole.map(lambda n: f"{n} mg"),
    "composite": st.tuples(small, small).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    "iso day": day.map(str),
    "dotted day": day.map(lambda d: d.strftime("%d.%m.%Y")),
    "moment": st.datetimes(dt.datetime(1950, 1, 1), dt.datetime(2026, 1, 1)).map(lambda d: d.isoformat(" ", "seconds")),
    "flag": st.sampled_from(["true", "false", ""]),
    "limits": st.one_of(whole.map(str), st.just("<5")),
    "text": st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=6),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[str | None]]:
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4))
    return {
        f"x{place}": draw(st.lists(st.one_of(CELLS[kind], st.none()), min_size=ROWS, max_size=ROWS))
        for place, kind in enumerate(kinds)
    }


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cells=tables())
def test_reading_what_was_written_back_changes_nothing(cells: dict[str, list[str | None]]) -> None:
    first = read_table(open_table(pd.DataFrame(cells, dtype=object), decimal="."))
    again = read_table(open_table(first.write_back(first.frame), decimal="."), like=first)
    assert list(again.frame.columns) == list(first.frame.columns)
    for name in first.frame.columns:
        one, other = first.frame[name].astype("string"), again.frame[name].astype("string")
        assert sorted(one.dropna()) == sorted(other.dropna())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(cells=tables(), seed=st.integers(0, 10))
def test_the_order_of_rows_and_the_library_change_nothing(cells: dict[str, list[str | None]], seed: int) -> None:
    frame = pd.DataFrame(cells, dtype=object)
    expected = read_table(open_table(frame, decimal=".")).frame
    shuffled = frame.sample(frac=1, random_state=seed)
    arrow = pa.table({name: pa.array(list(shuffled[name]), pa.string()) for name in shuffled})
    pd.testing.assert_frame_equal(read_table(open_table(arrow, decimal=".")).frame, expected)
