"""The two-step trees: what they keep, and whose values a leaf may hold."""

from __future__ import annotations

import numpy as np
import pytest
from clinical_model_selector.synthesizers.adapters.histories.cells import common_values
from clinical_model_selector.synthesizers.adapters.histories.columns import Column, rank_levels
from clinical_model_selector.synthesizers.adapters.histories.donors import DonorTree, Features
from clinical_model_selector.synthesizers.adapters.histories.model import (
    EventTable,
    HistoriesModel,
    PatientTable,
    cap_lengths,
    shared_lengths,
)
from clinical_model_selector.synthesizers.adapters.histories.visits import Visits
from hypothesis import given, settings
from hypothesis import strategies as st

MARKER, STAGE, CODE = Column("marker", decimals=2), Column("stage", levels=3), Column("code", levels=20)


def make_tables(patients: int = 200, seed: int = 0) -> tuple[PatientTable, EventTable]:
    """Follow-up that ends, a marker with a memory, codes of which 0 to 4 come once, a tenth without a visit."""
    rng = np.random.default_rng(seed)
    owners, times, cells, statics = [], [], [], []
    for i in range(patients):
        end = float(rng.integers(50, 900))
        statics.append([float(rng.integers(2)), end])
        level, time, seen = rng.normal(), 0.0, set()
        for _ in range(0 if rng.random() < 0.1 else int(rng.integers(1, 10))):
            code = int(rng.integers(20))
            while code < 5 and code in seen:
                code = int(rng.integers(20))
            seen.add(code)
            owners.append(i)
            times.append(time)
            cells.append([np.nan if rng.random() < 0.1 else round(level, 2), float(rng.integers(3)), float(code)])
            level = 0.9 * level + 0.3 * rng.normal()
            time += float(rng.integers(0, 120))
            if time > end:
                break
    visits = Visits(np.array(owners), np.array(times), np.array(cells))
    return (
        PatientTable(np.array(statics), (Column("sex", levels=2), Column("end", decimals=0)), end=1),
        EventTable(visits, (MARKER, STAGE, CODE), time_decimals=0),
    )


def fit(seed: int = 0, k: int = 5, patients: int = 200) -> HistoriesModel:
    table, events = make_tables(patients)
    return HistoriesModel.fit(table, [events], visit_leaf=10, patient_leaf=20, k=k, seed=seed)


def test_histories_are_whole() -> None:
    _, events = make_tables()
    drawn = fit().draw(200)
    visits = drawn.visits[0]
    lengths = np.bincount(visits.patients, minlength=200)
    real = np.bincount(events.visits.patients, minlength=200)
    assert visits.times is not None
    assert lengths.mean() == pytest.approx(real.mean(), rel=0.1)
    assert 0.02 < (lengths == 0).mean() < 0.25
    assert (visits.times <= drawn.cells[visits.patients, 1]).all()
    same = np.flatnonzero(visits.patients[1:] == visits.patients[:-1])
    assert (visits.times[same + 1] >= visits.times[same]).all()
    assert (np.diff(visits.patients) >= 0).all()


def test_the_marker_remembers() -> None:
    visits = fit().draw(400).visits[0]
    rows = np.flatnonzero(visits.patients[1:] == visits.patients[:-1])
    before, after = visits.cells[rows, 0], visits.cells[rows + 1, 0]
    known = ~np.isnan(before) & ~np.isnan(after)
    assert np.corrcoef(before[known], after[known])[0, 1] > 0.7
    assert 0.05 < np.isnan(visits.cells[:, 0]).mean() < 0.2


def test_a_code_that_comes_once_comes_once() -> None:
    visits = fit().draw(300).visits[0]
    once = visits.cells[:, 2] < 5
    pairs = np.column_stack([visits.patients[once], visits.cells[once, 2]])
    assert len(np.unique(pairs, axis=0)) >= 0.99 * len(pairs)


def test_equal_seeds_give_equal_histories() -> None:
    first, second, other = (fit(seed).draw(50).visits[0] for seed in (1, 1, 2))
    assert np.array_equal(first.cells, second.cells, equal_nan=True)
    assert not np.array_equal(first.cells[:20], other.cells[:20], equal_nan=True)


@settings(max_examples=25, deadline=None)
@given(k=st.integers(2, 12), patients=st.integers(12, 40), leaf=st.integers(2, 10), seed=st.integers(0, 99))
def test_every_donor_leaf_holds_k_patients(k: int, patients: int, leaf: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    owners = np.sort(rng.integers(0, patients, 150))
    k = min(k, len(np.unique(owners)))
    # Values name their patient, so that the donors of a leaf tell whose they are.
    target = owners + rng.integers(0, 100, 150) / 1000
    features = Features(np.column_stack([owners + rng.normal(size=150), rng.integers(0, 4, 150)]), {1: 4})
    tree = DonorTree.grow(
        features, target, owners, MARKER, leaf=leaf, k=k, common=np.zeros(0), rng=np.random.default_rng(seed)
    )
    for node in np.unique(tree.tree.apply(features.matrix.astype(np.float32))):
        donors = tree.donors[tree.starts[node] : tree.starts[node] + tree.counts[node]]
        assert len(np.unique(np.floor(donors))) >= k


def test_a_value_of_few_is_smoothed_and_one_of_many_kept() -> None:
    owners = np.arange(200)
    target = np.where(owners < 100, 7.0, 100 + owners * 1.2345)
    common = common_values(target, owners, 5)
    assert common.tolist() == [7.0]
    features = Features(np.zeros((200, 1)), {})
    tree = DonorTree.grow(
        features, target, owners, Column("x"), leaf=10, k=5, common=common, rng=np.random.default_rng(0)
    )
    drawn = tree.draw(features, np.random.default_rng(1))
    assert (drawn == 7.0).sum() == pytest.approx(100, abs=5)
    others = drawn[drawn > 60]
    assert len(np.intersect1d(others, target)) == 0
    assert others.max() <= target.max()


def test_nothing_is_drawn_above_the_highest_allowed() -> None:
    target = np.arange(100, dtype=float)
    features = Features(np.zeros((100, 1)), {})
    tree = DonorTree.grow(
        features, target, np.arange(100), MARKER, leaf=10, k=5, common=target, rng=np.random.default_rng(0)
    )
    highest = np.full(100, 20.0)
    highest[:3] = -1.0
    drawn = tree.draw(features, np.random.default_rng(0), highest)
    assert np.isnan(drawn[:3]).all()
    assert (drawn[3:] <= 20.0).all()


def test_the_longest_histories_are_as_long_as_they_are_on_average() -> None:
    lengths = [3, 50, 2, 30, 4, 5, 6]
    owners = np.repeat(np.arange(7), lengths)
    visits = Visits(owners, None, np.zeros((len(owners), 1)))
    assert shared_lengths(visits, 7, 5).tolist() == [3, 19, 2, 19, 19, 19, 19]
    assert shared_lengths(visits, 7, 5).sum() == sum(lengths)
    assert np.bincount(cap_lengths(visits, 7, 5).patients).tolist() == [3, 19, 2, 19, 4, 5, 6]


def test_levels_are_ranked_by_the_direction_in_which_they_differ() -> None:
    codes = np.repeat([0, 1, 2], 10)
    embedded = np.eye(3)[np.repeat([2, 0, 2], 10)]
    ranks = rank_levels(codes, 4, embedded)
    assert abs(ranks[0] - ranks[2]) == 1
    assert sorted(ranks) == [0.0, 1.0, 2.0, 3.0]
