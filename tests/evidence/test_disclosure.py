"""Attacks, their intervals and copies: what each control must show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.evidence.benchmark.controls import CONTROLS, make_control
from clinical_model_selector.evidence.disclosure.audit import audit_loneliest
from clinical_model_selector.evidence.disclosure.intervals import (
    Interval,
    auc_interval,
    detectable_auc,
    excess_interval,
    more_often,
    persons_for_auc,
)
from clinical_model_selector.evidence.disclosure.measure import Disclosure, measure_disclosure, measure_overlap_alone
from clinical_model_selector.evidence.disclosure.values_of_few import count_values_of_few
from clinical_model_selector.evidence.thresholds.disclosure import judge_membership
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score
from tables import mixed_table

QUASI = ("age", "smoker")


def parts(name: str, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Fitted, held-out and other real rows."""
    whole = mixed_table(900, seed) if name == "mixed" else load_breast_cancer(as_frame=True).frame
    whole = whole.sample(frac=1, random_state=seed).reset_index(drop=True)
    cuts = len(whole) * 5 // 10, len(whole) * 8 // 10
    first, second, third = whole.iloc[: cuts[0]], whole.iloc[cuts[0] : cuts[1]], whole.iloc[cuts[1] :]
    return tuple(part.reset_index(drop=True) for part in (first, second, third))  # type: ignore[return-value]


def attack(name: str, control: str, seed: int = 0) -> Disclosure:
    fitted, held_out, other = parts(name, seed)
    made = other if control == "real" else make_control(control, fitted, len(fitted), seed)
    return measure_disclosure(fitted, held_out, made, seed, quasi=[c for c in QUASI if c in fitted])


@pytest.mark.parametrize("name", ["mixed", "breast cancer"])
@pytest.mark.parametrize("control", ["row_copy", "patient_copy", "noisy_copy", "lonely_copy"])
def test_every_copy_is_called_a_copy(name: str, control: str) -> None:
    assert attack(name, control).overlap.copied


@pytest.mark.parametrize("name", ["mixed", "breast cancer"])
@pytest.mark.parametrize("control", ["independent", "real"])
def test_who_copies_nothing_is_not_accused(name: str, control: str) -> None:
    found = attack(name, control)
    assert not found.overlap.copied
    assert judge_membership(found.membership_auc, 0.6).outcome != "fail"
    assert found.attribute is not None
    assert found.attribute.low < 0.1
    assert max(found.singling_out.risk.low, found.linkability.risk.low) < 0.09


def test_a_row_copy_fails_every_attack() -> None:
    found = attack("breast cancer", "row_copy")
    assert found.overlap.exact == 1
    assert found.overlap.exact_held_out == 0
    assert found.membership.risk == pytest.approx(1, abs=0.01)
    assert found.membership.auc.low > 0.9
    assert found.membership.caught_at_1 == 1
    assert found.membership.tail_chance < 1e-6
    assert found.membership.lonely_auc is not None
    assert found.membership.lonely_auc.low > 0.8
    assert found.attribute is not None
    assert found.attribute.low > 0.5
    assert found.singling_out.risk.low > 0.09
    assert found.linkability.risk.low > 0.5


def test_interpolated_neighbours_fail_the_membership_attack() -> None:
    assert judge_membership(attack("breast cancer", "smote").membership_auc, 0.6).outcome == "fail"


def test_the_loneliest_tenth_shows_what_the_mean_hides() -> None:
    found = attack("breast cancer", "lonely_copy")
    assert found.membership.auc.value < 0.6
    assert found.membership.lonely_auc is not None
    assert found.membership.lonely_auc.value > 0.8


def test_persons_and_not_rows_are_counted() -> None:
    fitted, held_out, _ = parts("mixed")
    owners, others = np.arange(len(fitted)) // 5, np.arange(len(held_out)) // 5
    found = measure_disclosure(fitted, held_out, fitted, fitted_persons=owners, held_out_persons=others)
    assert (found.membership.members, found.membership.others) == (90, 54)
    # A person whose rows are alike has no neighbour among them.
    doubled = pd.concat([fitted, fitted], ignore_index=True)
    twice = measure_overlap_alone(doubled, held_out, persons=np.tile(np.arange(len(fitted)), 2))
    assert not twice.copied


def test_copies_are_seen_without_held_out_rows() -> None:
    fitted, _, other = parts("breast cancer")
    assert measure_overlap_alone(fitted, fitted).copied
    assert not measure_overlap_alone(fitted, other).copied


def test_large_tables_are_sampled_and_said() -> None:
    fitted, held_out = mixed_table(2500, 1), mixed_table(300, 2)
    found = measure_disclosure(fitted, held_out, mixed_table(4500, 3))
    assert found.sampled == "2,000 of 2,500 fitted rows, 4,000 of 4,500 synthetic rows"
    assert found.membership.members == 2000


def test_auc_and_its_interval() -> None:
    rng = np.random.default_rng(0)
    a, b = np.round(rng.normal(0.5, 1, 200), 1), np.round(rng.normal(0, 1, 150), 1)
    found = auc_interval(a, b)
    truth = np.concatenate([np.ones(200), np.zeros(150)])
    assert found.value == pytest.approx(roc_auc_score(truth, np.concatenate([a, b])))
    draws = [auc_interval(rng.choice(a, 200), rng.choice(b, 150)).value for _ in range(400)]
    assert found.low == pytest.approx(np.percentile(draws, 5), abs=0.015)
    assert found.high == pytest.approx(np.percentile(draws, 95), abs=0.015)


def test_ten_persons_prove_nothing() -> None:
    found = auc_interval(np.arange(7.0) + 10, np.arange(3.0), looks=5)
    assert found.value == 1
    assert found.low < 0.6
    assert detectable_auc(7, 3) > 0.95


def test_looking_often_widens_the_interval() -> None:
    a, b = np.arange(50.0), np.arange(50.0) - 3
    once, often = auc_interval(a, b), auc_interval(a, b, looks=10)
    assert often.low < once.low < once.value < once.high < often.high


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_intervals_hold_their_estimate(first: list[int], second: list[int]) -> None:
    for looks in (1, 24):
        auc = auc_interval(np.array(first, float), np.array(second, float), looks)
        assert 0 <= auc.low <= auc.value + 1e-9
        assert auc.value - 1e-9 <= auc.high <= 1
    hits, alarms = sum(x > 4 for x in first), sum(x > 4 for x in second)
    gap = excess_interval(hits, len(first), alarms, len(second))
    assert -1 - 1e-9 <= gap.low <= gap.value + 1e-9
    assert gap.value - 1e-9 <= gap.high <= 1 + 1e-9
    assert 0 <= more_often(hits, len(first), alarms, len(second)) <= 1


def test_enough_persons_bring_the_bound_below_the_limit() -> None:
    needed = persons_for_auc(0.6, 4.0)
    rng = np.random.default_rng(0)
    highs = [auc_interval(rng.normal(size=4 * needed), rng.normal(size=needed)).high for _ in range(60)]
    assert np.mean(highs) == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(
    ("low", "high", "threshold", "outcome"),
    [
        (0.61, 0.70, 0.60, "fail"),
        (0.40, 0.58, 0.60, "pass"),
        (0.55, 0.65, 0.60, "cannot tell"),
        (0.00, 0.01, 0.60, "pass"),
        (0.47, 0.53, 0.50, "pass"),
        (0.56, 0.60, 0.50, "fail"),
    ],
)
def test_membership_is_judged_by_its_interval(low: float, high: float, threshold: float, outcome: str) -> None:
    assert judge_membership(Interval((low + high) / 2, low, high), threshold).outcome == outcome


def test_values_of_few_are_counted_by_person_and_public_words_are_not() -> None:
    real = pd.DataFrame(
        {
            "who": np.repeat(np.arange(60), 2),
            "code": ["A"] * 100 + ["B"] * 18 + ["C"] * 2,
            "sex": ["male"] * 118 + ["female"] * 2,
            "vital": ["yes"] * 100 + ["unknown"] * 18 + ["no"] * 2,
            "age": np.repeat(np.arange(60), 2),
            "flag": [0] * 119 + [1],
        }
    )
    columns = ["code", "sex", "vital", "age", "flag"]
    found = count_values_of_few(real[columns], real[columns], real["who"].to_numpy(), 5)
    counted = {column.column: (column.levels, column.extremes) for column in found.columns}
    # C is held by one person; B by nine; each end of the ages by four persons below the fifth.
    assert counted == {"code": (1, 0), "age": (0, 8)}
    assert found.count == 9
    made = real[columns].assign(code="A", age=30)
    assert count_values_of_few(real[columns], made, real["who"].to_numpy(), 5).count == 0
    assert count_values_of_few(real[columns], real[columns], real["who"].to_numpy(), 5, public=columns).count == 0


def test_controls_are_known_by_name() -> None:
    assert {"row_copy", "patient_copy", "noisy_copy", "lonely_copy", "independent", "smote"} == set(CONTROLS)


def _copies(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    return make_control("row_copy", rows, len(rows), seed)


def _independent(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    return make_control("independent", rows, len(rows), seed)


def test_an_audit_sees_who_is_missed_and_nobody_where_none_is() -> None:
    fitted = parts("breast cancer")[0]
    persons = np.arange(len(fitted))
    told, open_ = audit_loneliest(fitted, persons, _copies), audit_loneliest(fitted, persons, _independent)
    assert told is not None
    assert open_ is not None
    assert told.auc.low > 0.9
    assert open_.auc.low < 0.7
    assert told.fits == 35
    assert audit_loneliest(fitted.head(20), persons[:20], _copies) is None


@pytest.mark.parametrize("columns", [("age",), ("age", "sex"), ("lab",)])
def test_few_coarse_columns_do_not_single_out_by_being_asked_again(columns: tuple[str, ...]) -> None:
    accused = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        whole = pd.DataFrame(
            {
                "age": rng.normal(60, 12, 600).round(),
                "sex": rng.choice(["female", "male"], 600),
                "lab": rng.lognormal(1, 1, 600),
            }
        )[list(columns)]
        fitted, held_out, other = (whole.iloc[cut : cut + 200].reset_index(drop=True) for cut in (0, 200, 400))
        accused += measure_disclosure(fitted, held_out, other, seed).singling_out.risk.low > 0.09
    assert accused == 0
