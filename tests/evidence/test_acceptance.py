"""The chance that a table is accepted, from looks at trials whose outcome is set."""

from dataclasses import replace

import numpy as np
import pytest
from clinical_model_selector.evidence.recommender.acceptance import INNER_HELD_OUT, Acceptance
from clinical_model_selector.evidence.recommender.race import Trial
from clinical_model_selector.schemas.compliance import POLICIES
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

NO_CAP = Acceptance(replace(POLICIES["research"], max_membership_auc=1.0))
CAPPED = Acceptance(replace(POLICIES["research"], max_membership_auc=0.6))
CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def trials(chances: list[float], aucs: list[float] | None = None) -> list[Trial]:
    aucs = aucs or [0.5] * len(chances)
    return [
        Trial(
            "m", i, 0.8, 1.0, {"persons_chance": p, "rows_chance": 0.5, "membership_auc": a, "membership_spread": 0.03}
        )
        for i, (p, a) in enumerate(zip(chances, aucs, strict=True))
    ]


def test_without_any_look_nothing_speaks_against_it() -> None:
    blind = {"persons_chance": None, "rows_chance": None, "membership_auc": None, "membership_spread": None}
    for parts in ({}, blind):
        chance, _ = CAPPED([Trial("m", 0, 0.8, 1.0, parts)])
        assert chance > 0.95


@given(CHANCES, st.lists(st.floats(0.4, 1.0), min_size=8, max_size=8), st.floats(0, 1))
def test_it_is_a_chance_and_no_accusation_raises_it(chances: list[float], aucs: list[float], worse: float) -> None:
    chance, error = CAPPED(trials(chances, aucs[: len(chances)]))
    assert 0 <= chance <= 1
    assert error >= 0
    accused = [min(chances[0], worse), *chances[1:]]
    assert CAPPED(trials(accused, aucs[: len(chances)]))[0] <= chance + 1e-12


def test_nearness_to_an_accusation_is_what_counts() -> None:
    """Eight looks at chance .06 accused nothing; the final look has more rows, and one in four would be accused."""
    honest, near, copy = (NO_CAP(trials([p] * 8))[0] for p in (0.5, 0.06, 1e-6))
    assert honest > 0.98
    assert 0.6 < near < 0.9
    assert copy < 0.1


@pytest.mark.parametrize(("auc", "expected"), [(0.5, 1.0), (0.6, 0.5), (0.7, 0.0)])
def test_the_cap_is_weighed_by_the_mean_over_splits(auc: float, expected: float) -> None:
    chance, _ = CAPPED(trials([0.5] * 8, [auc - 0.02, auc + 0.02] * 4))
    assert chance == pytest.approx(expected, abs=0.03)


def test_it_is_as_often_right_as_it_says() -> None:
    """Over made-up candidates whose deviates are what the model says."""
    rng = np.random.default_rng(5)
    told, accused = [], []
    for mean in rng.normal(0, 1, 4000):
        told.append(NO_CAP(trials([float(norm.sf(z)) for z in rng.normal(mean, 1, 6)]))[0])
        accused.append(rng.normal(mean / np.sqrt(1 - INNER_HELD_OUT), 1) > norm.isf(0.005))
    assert np.mean(told) == pytest.approx(1 - np.mean(accused), abs=0.02)
