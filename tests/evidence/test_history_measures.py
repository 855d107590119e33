"""What the measures of histories see, and what they are blind to, on controls that are bad in a known way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.evidence.histories.codes import once_codes, repeated_share
from clinical_model_selector.evidence.histories.controls import make_history_control, mix_copies
from clinical_model_selector.evidence.histories.course import intraclass, lag_one
from clinical_model_selector.evidence.histories.disclosure import measure_nearness
from clinical_model_selector.evidence.histories.scores import HistoryScores, measure_histories
from clinical_model_selector.evidence.histories.survival import after_end
from clinical_model_selector.evidence.histories.table import Histories
from histories import as_histories, make_visits


@pytest.fixture(scope="module")
def halves() -> tuple[Histories, Histories]:
    real = as_histories(make_visits(240))
    order = np.random.default_rng(0).permutation(240)
    return real.take(np.sort(order[:120])), real.take(np.sort(order[120:]))


@pytest.fixture(scope="module")
def floor(halves: tuple[Histories, Histories]) -> HistoryScores:
    return measure_histories(*halves, halves[0])


@pytest.mark.parametrize(
    ("control", "figures"),
    [
        ("independent_rows", ["gap", "lag_one", "intraclass", "step", "transitions", "after_end"]),
        ("shuffled", ["lag_one_within", "drift", "transitions"]),
    ],
)
def test_a_control_is_called_bad(
    control: str, figures: list[str], halves: tuple[Histories, Histories], floor: HistoryScores
) -> None:
    fitted, held_out = halves
    scores = measure_histories(fitted, held_out, make_history_control(control, fitted, 0))
    for name in figures:
        assert getattr(scores, name) > getattr(floor, name) + 0.03, name


def test_real_patients_pass_every_measure_but_membership(floor: HistoryScores) -> None:
    assert floor.rows_per_patient == pytest.approx(1.0)
    assert floor.after_end == 0.0
    assert floor.gap is not None
    assert floor.gap < 0.15
    assert floor.membership_auc is not None
    assert floor.membership_auc > 0.99


def test_noise_on_real_patients_does_not_hide_them(halves: tuple[Histories, Histories]) -> None:
    fitted, held_out = halves
    attack = measure_nearness(fitted, held_out, make_history_control("jittered_copies", fitted, 0))
    assert attack.auc > 0.8


def test_copies_of_a_few_are_seen_by_the_share_of_the_near(halves: tuple[Histories, Histories]) -> None:
    fitted, held_out = halves
    strangers = as_histories(make_visits(120, seed=9))
    plain = measure_nearness(fitted, held_out, strangers)
    mixed = measure_nearness(fitted, held_out, mix_copies(strangers, fitted, 0.1, np.random.default_rng(0)))
    assert plain.nearer <= 0.12 < mixed.nearer
    assert mixed.auc < 0.62


def _numbers(owners: list[int], values: list[float]) -> Histories:
    visits = pd.DataFrame({"x": np.array(values, dtype=float)})
    return Histories(pd.DataFrame(index=range(max(owners) + 1)), visits, np.array(owners))


def test_memory_within_a_patient_is_not_what_lies_between_patients() -> None:
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(300), 6)
    histories = _numbers(owners.tolist(), (rng.normal(size=300)[owners] * 2 + rng.normal(size=1800)).tolist())
    assert lag_one(histories, "x") == pytest.approx(0.8, abs=0.05)
    assert lag_one(histories, "x", within=True) < 0.0
    assert intraclass(histories, "x") == pytest.approx(0.8, abs=0.05)


def test_a_code_that_comes_once_is_known_and_its_repetition_counted() -> None:
    owners = np.repeat(np.arange(12), 3)
    visits = pd.DataFrame({"code": ["appendectomy", "cold", "cold"] * 12}, dtype=object)
    real = Histories(pd.DataFrame(index=range(12)), visits, owners)
    once = once_codes(real, "code")
    assert once == {"appendectomy"}
    twice = Histories(real.patients, pd.DataFrame({"code": ["appendectomy"] * 36}, dtype=object), owners)
    assert repeated_share(real, "code", once) == 0.0
    assert repeated_share(twice, "code", once) == pytest.approx(2 / 3)


def test_visits_after_the_end_are_counted_and_open_ends_are_not() -> None:
    visits = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    histories = Histories(
        pd.DataFrame(index=range(2)), visits, np.array([0, 0, 1, 1]), np.array([0.0, 5.0, 0.0, 9.0]),
        np.array([4.0, np.nan]),
    )  # fmt: skip
    assert after_end(histories) == pytest.approx(0.25)


def test_a_patient_taken_twice_comes_twice(halves: tuple[Histories, Histories]) -> None:
    fitted, _ = halves
    doubled = fitted.take(np.array([3, 3]))
    assert doubled.lengths.tolist() == [fitted.lengths[3]] * 2
    assert doubled.visits.iloc[: doubled.lengths[0]].equals(
        doubled.visits.iloc[doubled.lengths[0] :].reset_index(drop=True)
    )
