"""Survival, regression, missing cells, subgroups and rules: against textbook figures and controls known to be bad."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.evidence.benchmark.controls import make_control
from clinical_model_selector.evidence.metrics.missingness import measure_missingness
from clinical_model_selector.evidence.metrics.plausibility import measure_plausibility
from clinical_model_selector.evidence.metrics.regression import measure_inference
from clinical_model_selector.evidence.metrics.subgroups import measure_subgroups
from clinical_model_selector.evidence.metrics.survival import (
    concordance,
    is_event,
    kaplan_meier,
    log_rank,
    measure_survival,
    restricted_mean,
)
from clinical_model_selector.profiling.rule_miner import mine_rules
from scipy import stats
from tables import mixed_table


def cohort(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Survival that depends on age and marker, with censoring."""
    rng = np.random.default_rng(seed)
    table = mixed_table(rows, seed).drop(columns=["outcome"])
    hazard = np.exp((table["age"] - 55) / 15 + (table["marker"].fillna(5) - 6) / 3)
    time, end = rng.exponential(1000 / hazard), rng.uniform(200, 2500, rows)
    return table.assign(days=np.minimum(time, end).round().astype(int), died=(time <= end).astype(int))


def halves(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut = len(table) * 7 // 10
    return table.iloc[:cut].reset_index(drop=True), table.iloc[cut:].reset_index(drop=True)


def test_a_curve_is_that_of_scipy_and_its_band_greenwoods() -> None:
    table = cohort(200)
    times, events = table["days"].to_numpy(float), table["died"].to_numpy(bool)
    grid = np.linspace(0, 1500, 30)
    curve, error = kaplan_meier(times, events, grid)
    sample = stats.CensoredData.right_censored(times, ~events)
    reference = stats.ecdf(sample).sf
    assert curve == pytest.approx(reference.evaluate(grid))
    low = reference.confidence_interval(method="linear").low
    inside = (curve > 0.2) & (curve < 0.9)
    assert (curve - 1.96 * error)[inside] == pytest.approx(low.evaluate(grid)[inside], abs=1e-3)


def test_the_restricted_mean_of_uncensored_times_is_their_mean() -> None:
    times = np.array([1.0, 2.0, 3.0, 10.0])
    assert restricted_mean(times, np.ones(4, bool), 20.0) == pytest.approx(times.mean())
    assert restricted_mean(times, np.ones(4, bool), 5.0) == pytest.approx(np.minimum(times, 5).mean())


def test_ranking_right_wrong_and_not_at_all() -> None:
    times, events = np.array([1.0, 2.0, 3.0, 4.0]), np.array([True, True, False, True])
    assert concordance(times, events, -times) == 1
    assert concordance(times, events, times) == 0
    assert concordance(times, events, np.zeros(4)) == 0.5


def test_a_difference_of_survival_is_seen() -> None:
    one, other = cohort(300, 1), cohort(300, 2)
    first, second = ((t["days"].to_numpy(float), t["died"].to_numpy(bool)) for t in (one, other))
    assert log_rank(*first, *second) > 0.01
    assert log_rank(*first, second[0] / 3, second[1]) < 1e-6


@pytest.mark.parametrize(("labels", "event"), [([0, 1, 1], 1), ([1, 2, 2], 2), (["alive", "dead", "alive"], "dead")])
def test_which_level_is_the_event(labels: list[object], event: object) -> None:
    cells = pd.Series(labels)
    assert list(is_event(cells, cells)) == [label == event for label in labels]


def test_survival_of_a_copy_and_of_independent_columns() -> None:
    fitted, held_out = halves(cohort())
    same = measure_survival(fitted, held_out, fitted, "days", "died")
    assert same is not None
    assert same.curve_difference < 0.03
    assert same.log_rank_p > 0.05
    assert same.c_index_synthetic == same.c_index_real
    assert same.c_index_real is not None
    assert same.c_index_real > 0.65
    noise = measure_survival(fitted, held_out, make_control("independent", fitted, 420, 0), "days", "died")
    assert noise is not None
    assert noise.c_index_synthetic is not None
    assert noise.c_index_synthetic < same.c_index_real - 0.05
    assert measure_survival(fitted, held_out, fitted.assign(died=0), "days", "died") is not None
    assert measure_survival(fitted.assign(died=0), held_out.assign(died=0), fitted, "days", "died") is None


@pytest.mark.parametrize("target", ["marker", "died", "stage"])
def test_the_same_rows_lead_to_the_same_conclusions(target: str) -> None:
    table = cohort()
    same = measure_inference(table, table, target)
    assert same is not None
    assert (same.overlap, same.sign, same.significance) == (1, 1, 1)
    other = measure_inference(table, make_control("independent", table, 600, 0), target)
    assert other is not None
    assert other.overlap < 0.9
    assert other.significance < 1


def test_more_synthetic_rows_are_no_more_evidence() -> None:
    table = cohort()
    thrice = measure_inference(table, pd.concat([table] * 3, ignore_index=True), "marker")
    assert thrice is not None
    assert thrice.overlap > 0.99


def test_too_few_rows_or_one_class_teach_no_coefficients() -> None:
    assert measure_inference(cohort(20), cohort(20), "marker") is None
    assert measure_inference(cohort(200).assign(died=0), cohort(200), "died") is None


def test_gaps_that_depend_on_values_are_missed_by_independent_columns() -> None:
    table = mixed_table(800)
    table["dose"] = np.where(table["age"] > 55, np.nan, table["age"])
    table["days"] = np.where(table["dose"].isna(), np.nan, 1.0)
    same, other = (measure_missingness(table, one) for one in (table, make_control("independent", table, 800, 0)))
    assert (same.share_difference, same.together_difference, same.dependence_difference) == (0, 0, 0)
    assert other.share_difference < 0.1
    assert other.together_difference is not None
    assert other.together_difference > 0.1
    assert other.dependence_difference is not None
    assert other.dependence_difference > 0.05
    assert measure_missingness(table[["age"]], table[["age"]]).together_difference is None


def test_a_subgroup_that_is_lost_or_served_worse_shows() -> None:
    fitted, held_out = halves(mixed_table(900))
    made = fitted[fitted["ward"] != "west"].reset_index(drop=True)
    groups = {(g.column, g.place): g for g in measure_subgroups(fitted, held_out, made, ["ward", "age"], "outcome")}
    lost = min((g for g in groups.values() if g.column == "ward"), key=lambda g: g.synthetic_share)
    assert lost.synthetic_share == 0
    assert lost.real_share > 0.2
    assert lost.gap is not None
    assert {place for column, place in groups if column == "age"} == {1, 2, 3}
    assert all(g.tstr is None for g in measure_subgroups(fitted, held_out, made, ["ward"]))


def test_independent_columns_break_rules_and_real_rows_keep_them() -> None:
    table = mixed_table(600)
    table["upper"] = table["age"] + table["visits"] + 1
    fitted, held_out = halves(table)
    rules = mine_rules(fitted)
    assert rules
    noise = measure_plausibility(rules, fitted, make_control("independent", fitted, 400, 0), held_out)
    assert noise.broken_rows > 0.2
    assert noise.worst[0].rule == "age < upper"
    assert noise.held_out_rows == 0
    assert measure_plausibility(rules, fitted, fitted, held_out.head(0)).broken_rows == 0
