from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.evidence.benchmark.controls import make_control
from clinical_model_selector.evidence.metrics.fidelity import measure_fidelity
from clinical_model_selector.evidence.metrics.joint import measure_joint
from clinical_model_selector.evidence.metrics.utility import measure_global_utility, measure_utility
from clinical_model_selector.evidence.thresholds.quality import judge_quality
from sklearn.datasets import load_breast_cancer
from tables import mixed_table


def halves(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut = len(table) * 7 // 10
    return table.iloc[:cut].reset_index(drop=True), table.iloc[cut:].reset_index(drop=True)


def test_a_table_is_like_itself() -> None:
    table = mixed_table(400)
    found = measure_fidelity(table, table)
    assert found.shapes == found.pairs == 1
    assert found.ks_mean == found.correlation_difference == found.jensen_shannon == found.missing_difference == 0


def test_independent_columns_have_the_shapes_and_not_the_pairs() -> None:
    table = load_breast_cancer(as_frame=True).frame
    found = measure_fidelity(table, make_control("independent", table, len(table), 0))
    assert found.shapes > 0.93
    assert found.pairs == pytest.approx(found.pairs_baseline, abs=0.03)
    assert found.pairs < 0.8
    assert found.correlation_difference == pytest.approx(found.correlation_baseline, rel=0.1)


def test_rare_levels_that_are_lost_are_noticed() -> None:
    real = pd.DataFrame({"x": ["a"] * 95 + ["b"] * 3 + ["c"] * 2, "y": range(100)})
    made = real.assign(x=["a"] * 97 + ["b"] * 3)
    found = measure_fidelity(real, made)
    assert found.rare_coverage == 0.5
    assert found.frequency_skew == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("measured", "noise", "outcome"),
    [
        (0.09, 0.0, "pass"),
        (0.11, None, "fail"),
        (0.11, 0.01, "fail"),
        (0.11, 0.08, "cannot tell"),
        (0.20, 0.08, "fail"),
        (0.09, 0.30, "pass"),
    ],
)
def test_what_chance_makes_is_not_held_against_a_synthesizer(
    measured: float, noise: float | None, outcome: str
) -> None:
    same = measure_fidelity(mixed_table(100), mixed_table(100))
    found = judge_quality(
        "hipaa_like",
        rows=500,
        fidelity=replace(same, ks_mean=measured),
        utility=None,
        noise=None if noise is None else replace(same, ks_mean=noise),
    )
    assert {verdict.name: verdict.outcome for verdict in found}["ks_mean"] == outcome


def test_utility_of_a_copy_is_that_of_the_rows_and_of_noise_none() -> None:
    fitted, held_out = halves(mixed_table(700))
    same = measure_utility(fitted, held_out, fitted, "outcome")
    assert same is not None
    assert same.tstr == same.trtr > 0.75
    assert same.difference == 0
    assert same.ratio is not None
    assert same.ratio.value == 1
    assert same.rare is None
    # A single draw of noise may rank by the right column by accident: the mean tells.
    draws = [
        measure_utility(fitted, held_out, make_control("independent", fitted, 490, seed), "outcome", draws=1)
        for seed in range(6)
    ]
    scores = [draw.score for draw in draws if draw is not None and draw.score is not None]
    assert len(scores) == 6
    assert np.mean(scores) < 0.4


def test_a_number_is_a_regression_and_nothing_to_learn_gives_no_ratio() -> None:
    fitted, held_out = halves(mixed_table(400))
    found = measure_utility(fitted, held_out, fitted, "age")
    assert found is not None
    assert found.task == "regression"
    rng = np.random.default_rng(0)
    coin = mixed_table(400).assign(outcome=rng.permutation(mixed_table(400)["outcome"]))[["ward", "smoker", "outcome"]]
    nothing = measure_utility(*halves(coin), coin, "outcome", seed=1)
    assert nothing is not None
    assert nothing.score is None or nothing.trtr > 0.52


def test_rare_events_have_figures_of_their_own() -> None:
    table = mixed_table(900).assign(rare=lambda t: np.where(t["marker"] > t["marker"].quantile(0.95), "yes", "no"))
    fitted, held_out = halves(table)
    found = measure_utility(fitted, held_out, fitted, "rare")
    assert found is not None
    assert found.rare is not None
    assert found.rare.share < 0.1
    assert found.rare.tstr_pr_auc == found.rare.trtr_pr_auc > 0.5
    noise = measure_utility(fitted, held_out, make_control("independent", fitted, 630, 0), "rare")
    assert noise is not None
    assert noise.rare is not None
    assert noise.rare.tstr_pr_auc < 0.5
    assert noise.rare.tstr_brier > found.rare.tstr_brier


def test_every_column_in_turn_is_a_target() -> None:
    fitted, held_out = halves(mixed_table(700))
    same = measure_global_utility(fitted, held_out, fitted)
    assert {one.column for one in same} == set(fitted)
    assert all(one.ratio in (1, None) for one in same)
    noise = measure_global_utility(fitted, held_out, make_control("independent", fitted, 490, 0))
    learned = [one.ratio for one in noise if one.ratio is not None]
    assert len(learned) >= 3
    assert np.mean(learned) < 0.3


def test_a_forest_tells_independent_columns_and_no_copies() -> None:
    table = load_breast_cancer(as_frame=True).frame.sample(frac=1, random_state=0)
    fitted, held_out = halves(table.reset_index(drop=True))
    persons = np.arange(len(held_out))
    copy = measure_joint(held_out, fitted, persons, fitted=fitted)
    independent = measure_joint(held_out, make_control("independent", fitted, 400, 0), persons)
    assert copy.c2st_auc == copy.c2st_floor
    assert copy.likeness > 0.9
    assert independent.likeness < 0.3
    assert independent.c2st_floor is None
    assert 0.3 < copy.pmse_ratio < 3
    shifted = measure_joint(held_out, fitted.assign(target=1), persons)
    assert shifted.pmse_ratio > 2 * copy.pmse_ratio
