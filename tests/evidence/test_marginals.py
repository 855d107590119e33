"""What a plot shows: enough persons behind every bar, and no cell that can be read off."""

from __future__ import annotations

import numpy as np
import pandas as pd
from clinical_model_selector.evidence.metrics.side_by_side import FEWEST_PERSONS, compare_marginals
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import mixed_table

counts = st.lists(st.integers(1, 40), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(sizes=counts, per_person=st.integers(1, 3), missing=st.integers(0, 20))
def test_every_bar_stands_for_enough_persons(sizes: list[int], per_person: int, missing: int) -> None:
    labels = [*(f"v{i}" for i, size in enumerate(sizes) for _ in range(size)), *([None] * missing)]
    real = pd.DataFrame({"x": labels, "n": np.arange(len(labels)) * 1.5})
    persons = pd.Series(np.arange(len(real)) // per_person)
    for one in compare_marginals(real, real, persons):
        assert sum(one.real) == 0 or abs(sum(one.real) - 1) < 0.01
        assert one.real == one.synthetic
        assert one.distance == 0
        if len(one.real) > 1:
            # A person may stand behind several bars, so rows bound persons from above only.
            fewest = min(share for share in one.real if share > 0) * len(real)
            assert round(fewest) >= FEWEST_PERSONS


def test_rare_levels_are_one_bar_and_those_of_synthetic_rows_alone_too() -> None:
    real = pd.DataFrame({"x": ["a"] * 100 + ["b"] * 60 + [f"rare{i}" for i in range(20)]})
    made = pd.DataFrame({"x": ["a"] * 50 + ["new"] * 50})
    (found,) = compare_marginals(real, made)
    assert found.labels == ("a", "b", "other")
    assert found.synthetic == (0.5, 0.0, 0.5)
    assert "rare" not in repr(found)


def test_edges_are_rounded_and_the_ends_open() -> None:
    real = pd.DataFrame({"x": np.linspace(123.4567, 987.6543, 400), "d": pd.date_range("2001-03-04", periods=400)})
    for found in compare_marginals(real, real):
        assert found.labels[0].startswith("<")
        assert found.labels[-1].startswith("≥")
    assert "123" not in repr(compare_marginals(real, real)[0])


def test_degenerate_columns_can_be_compared() -> None:
    real = pd.DataFrame({"all": [1.5] * 30, "none": [None] * 30, "few": [1.5] * 25 + [np.nan] * 5, "y": range(30)})
    found = {one.name: one for one in compare_marginals(real, real)}
    assert found["all"].labels == ("any",)
    assert found["none"].labels == ("missing",)
    assert found["few"].labels == ("other",)
    assert all(len(one.labels) == len(one.real) == len(one.synthetic) for one in found.values())


def test_a_mixed_table_is_like_itself() -> None:
    table = mixed_table(400)
    assert all(one.distance == 0 for one in compare_marginals(table, table))
