from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.schemas.errors import SettingsError, TableError
from clinical_model_selector.synthesizers.encoding.table_encoding import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import mixed_table


@pytest.mark.parametrize(
    "cells",
    [
        pd.Series([1, 2, 3, 40, 50, 60, 70, 80, 90, 100, 110, 120]),
        pd.Series([1.25, 2.5, None, 4.0, 7.75] * 3),
        pd.Series([True, False, True] * 4),
        pd.Series(["a", None, "b"] * 4),
        pd.Series(pd.Categorical(["x", "y", "x"] * 4, categories=["y", "x", "unused"])),
        pd.Series(pd.to_datetime(["2020-01-01", "2021-05-06", None, "1999-12-31"] * 3)),
        pd.Series(["2020-01-01", "2021-05-06", "1999-12-31"] * 4),
        pd.Series([1, None, 3] * 4, dtype="Int64"),
        pd.Series(range(100, 112), dtype="Int64"),
        pd.Series([0, 1, 1] * 4, dtype="int8"),
        pd.Series([None] * 12, dtype=object),
    ],
    ids=lambda cells: str(cells.dtype),
)
def test_a_coded_column_comes_back_as_it_was(cells: pd.Series[Any]) -> None:
    table = pd.DataFrame({"secret name": cells})
    encoding = Encoding.of(table)
    coded = encoding.encode(table, 0)
    assert not coded.isna().to_numpy().any()
    assert set(coded.dtypes.map(str)) <= {"float64", "object", "str"}
    back = encoding.decode(coded)
    pd.testing.assert_frame_equal(back, table)


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(20, 60), seed=st.integers(0, 5), native=st.booleans())
def test_coding_loses_nothing_of_a_mixed_table(rows: int, seed: int, native: bool) -> None:
    table = mixed_table(rows, seed)
    encoding = Encoding.of(table)
    coded = encoding.encode(table, seed, native_missing=native)
    assert all(name.startswith("c") for name in coded.columns)
    assert set(coded.columns) == set(encoding.describe(native_missing=native))
    pd.testing.assert_frame_equal(encoding.decode(coded), table)


def test_nothing_coded_is_a_value_of_a_text_column() -> None:
    table = mixed_table()
    coded = Encoding.of(table).encode(table, 0)
    text = set(coded.select_dtypes(exclude="number").to_numpy().ravel())
    assert text <= {"missing", *map(str, range(20))}


def test_numbers_keep_their_decimals_and_bounds() -> None:
    table = pd.DataFrame({"x": np.round(np.linspace(0, 5, 50), 1)})
    encoding = Encoding.of(table)
    drawn = encoding.decode(pd.DataFrame({"c1": [-3.0, 2.345, 99.0]}))
    assert drawn["x"].tolist() == [0.0, 2.3, 5.0]


def test_public_bounds_are_marked_and_clip() -> None:
    table = pd.DataFrame({"x": np.linspace(0, 500, 50), "y": ["a", "b"] * 25})
    encoding = Encoding.of(table, {"x": (0.0, 100.0), "y": ("a", "b", "c")})
    assert encoding.public
    assert encoding.encode(table, 0)["c1"].max() == 100.0
    assert encoding.describe()["c2"]["levels"] == ["0", "1", "2"]
    assert not Encoding.of(table, {"x": (0.0, 100.0)}).public


def test_public_levels_must_cover_the_column() -> None:
    with pytest.raises(TableError) as caught:
        Encoding.of(pd.DataFrame({"y": ["a", "hush"]}), {"y": ("a",)})
    assert "hush" not in str(caught.value)


def test_a_private_fill_takes_nothing_from_other_rows() -> None:
    table = pd.DataFrame({"x": [0.5, None, 9.5] * 10})
    encoding = Encoding.of(table, {"x": (0.0, 10.0)})
    assert set(encoding.encode(table, 0, private=True)["c1"]) == {0.5, 5.0, 9.5}


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(TableError, match="nothing is left"):
        Encoding.of(pd.DataFrame({"x": []}))


@pytest.mark.parametrize(
    "public",
    [
        (90.0, 10.0),
        (float("nan"), 1.0),
        (0.0, float("inf")),
        (0, 10**400),
        ([0], {"to": 1}),
        ((),),
        (),
    ],
    ids=["reversed", "not a number", "infinite", "huge", "containers", "nested", "empty"],
)
def test_public_bounds_that_are_none_are_refused_with_the_column(public: tuple[Any, ...]) -> None:
    with pytest.raises(SettingsError, match="'age'"):
        Encoding.of(pd.DataFrame({"age": [20.0, 30.0]}), public={"age": public})
