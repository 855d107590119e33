"""MST and AIM: exact noise, one budget that adds up, sensitivities, codes and draws; the estimate itself is mbi's."""

from __future__ import annotations

import math
import pickle
import sys
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.synthesizers.adapters import load_adapter
from clinical_model_selector.synthesizers.adapters.private import dp_aim, dp_mst, noise
from clinical_model_selector.synthesizers.adapters.private.accountant import (
    Accountant,
    Overspent,
    affordable_rho,
    delta_of,
)
from clinical_model_selector.synthesizers.adapters.private.domain import code_table, merge_rare_levels
from clinical_model_selector.synthesizers.adapters.private.junction_model import (
    JunctionModel,
    Measurement,
    conditional_tables,
)
from clinical_model_selector.synthesizers.adapters.private.marginals import GRID, count_cells, score
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

PRIVATE = ("dp_mst", "dp_aim")


@pytest.mark.parametrize("variance", [Fraction(1, 3), Fraction(17, 16), Fraction(40), Fraction(90_001, 16)])
def test_noise_has_the_shape_that_is_paid_for(variance: Fraction) -> None:
    drawn = [noise.discrete_gaussian(variance) for _ in range(8000)]
    values = np.arange(-3000, 3001)
    weights = np.exp(-(values**2) / (2 * float(variance)))
    weights /= weights.sum()
    expected = float((weights * values**2).sum())
    # Eight standard errors: none of a million runs may fail by chance.
    assert abs(np.mean(drawn)) < 8 * math.sqrt(expected / 8000)
    assert abs(np.mean(np.square(drawn)) / expected - 1) < 8 * math.sqrt(3 / 8000)
    counts = Counter(drawn)
    for value in (-1, 0, 1, 2):
        share = float(weights[value + 3000])
        assert abs(counts[value] / 8000 - share) < 8 * math.sqrt(share * (1 - share) / 8000) + 1e-4


def test_a_choice_has_the_chances_of_the_exponential_mechanism() -> None:
    scores, allowed = [0, 3, 6, 60], (0, 1, 2)
    counts = Counter(noise.choose(scores, Fraction(1, 2), 2, lambda place: place in allowed) for _ in range(6000))
    weights = np.exp(np.array(scores[:3]) * 0.5 / 4)
    for place, share in enumerate(weights / weights.sum()):
        assert abs(counts[place] / 6000 - share) < 8 * math.sqrt(share * (1 - share) / 6000)
    assert set(counts) == set(allowed)
    assert noise.choose([1, 2], Fraction(1), 1, lambda place: False) is None


@given(epsilon=st.floats(0.01, 20), delta=st.floats(1e-9, 1e-3))
def test_the_budget_in_zcdp_is_within_epsilon_and_delta(epsilon: float, delta: float) -> None:
    rho = float(affordable_rho(epsilon, delta))
    assert 0 < rho < epsilon
    assert delta_of(rho, epsilon) <= delta
    assert delta_of(1.01 * rho, epsilon) > delta
    # Never less than the classic conversion gives (Bun & Steinke 2016, proposition 1.3), never more than one look at
    # Gaussian noise really costs (Balle & Wang 2018, theorem 8).
    assert rho >= (math.sqrt(math.log(1 / delta) + epsilon) - math.sqrt(math.log(1 / delta))) ** 2 * (1 - 1e-6)
    deviation = 1 / math.sqrt(2 * rho)
    left, right = 1 / (2 * deviation) - epsilon * deviation, -1 / (2 * deviation) - epsilon * deviation
    assert norm.cdf(left) - math.exp(epsilon + norm.logcdf(right)) <= delta


def test_known_figures_of_the_conversion() -> None:
    # Of rho 0.1 at epsilon 3, and of the budget at epsilon 1, worked out with 50 digits over a grid of orders.
    for rho, epsilon in ((0.1, 3.0), (0.03, 1.0), (2.0, 10.0)):
        orders = np.linspace(1.0001, 200, 400_000)
        bound = (orders - 1) * (orders * rho - epsilon) + orders * np.log1p(-1 / orders) - np.log(orders - 1)
        assert delta_of(rho, epsilon) == pytest.approx(float(np.exp(bound.min())), rel=1e-5)


def test_the_accountant_writes_down_and_refuses() -> None:
    accountant = Accountant(Fraction(1, 10))
    _, deviation = accountant.measure(np.zeros(3, dtype=np.int64), Fraction(6, 100), "first")
    assert 1 / (2 * deviation**2) == pytest.approx(float(accountant.spent[0][1]))
    assert Fraction(5, 100) < accountant.spent[0][1] <= Fraction(6, 100)
    with pytest.raises(Overspent):
        accountant.measure(np.zeros(3, dtype=np.int64), Fraction(6, 100), "second")
    assert accountant.choose([0, 1], 1, Fraction(1, 100), "choice") in (0, 1)
    assert accountant.left == Fraction(1, 10) - accountant.spent[0][1] - accountant.spent[1][1]
    assert accountant.spent[1][1] <= Fraction(1, 100)
    with pytest.raises(Overspent):
        accountant.choose([0, 1], 1, Fraction(1, 10), "choice")
    for rho in (Fraction(0), Fraction(-1)):
        with pytest.raises(Overspent):
            accountant.measure(np.zeros(1, dtype=np.int64), rho, "nothing")


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=40),
    new=st.tuples(st.integers(0, 2), st.integers(0, 3)),
    shares=st.lists(st.floats(0, 9), min_size=12, max_size=12),
)
def test_one_row_more_changes_a_count_by_one_and_a_score_by_no_more_than_is_told(
    rows: list[tuple[int, int]], new: tuple[int, int], shares: list[float]
) -> None:
    before, after = (count_cells(np.array(table), [3, 4], (0, 1)) for table in (rows, [*rows, new]))
    assert sorted(after - before) == [0] * 11 + [1]
    expected = np.array(shares)
    assert abs(score(after, expected, 3.7) - score(before, expected, 3.7)) <= GRID


def frame(rows: int = 400, seed: int = 0) -> tuple[pd.DataFrame, dict[str, dict[str, Any]]]:
    """Coded rows of three categories and two numbers, as an adapter gets them."""
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 3, rows)
    table = pd.DataFrame(
        {
            "c1": base.astype(str).astype(object),
            "c2": np.where(rng.random(rows) < 0.8, base, 0).astype(str).astype(object),
            "c3": np.where(rng.random(rows) < 0.2, None, (base % 2).astype(str).astype(object)),
            "c4": rng.integers(20, 90, rows).astype(float),
            "c5": np.where(rng.random(rows) < 0.3, np.nan, rng.exponential(2, rows).clip(0, 20)),
        }
    )
    facts = {
        "c1": {"kind": "categorical", "levels": ["0", "1", "2"], "missing": False},
        "c2": {"kind": "categorical", "levels": ["0", "1", "2"], "missing": False},
        "c3": {"kind": "categorical", "levels": ["0", "1"], "missing": True},
        "c4": {"kind": "numeric", "lower": 18, "upper": 95, "integer": True, "missing": False, "public": True},
        "c5": {"kind": "numeric", "lower": 0.0, "upper": 20.0, "integer": False, "missing": True, "public": True},
    }
    return table, facts


def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimate by the one-way marginals alone, where mbi would be called."""

    def estimate(sizes: list[int], measurements: list[Measurement], total: float) -> JunctionModel:
        tables = {item.clique: np.maximum(item.values, 0.0) + 1e-9 for item in measurements if len(item.clique) == 1}
        return conditional_tables(sizes, tables, dict.fromkeys(tables, ()))

    for module in (dp_mst, dp_aim):
        monkeypatch.setattr(module, "estimate_model", estimate)
    monkeypatch.setattr(
        dp_aim, "model_megabytes", lambda sizes, cliques: max(math.prod(sizes[c] for c in q) for q in cliques) / 2**17
    )


@pytest.mark.parametrize("method", PRIVATE)
@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"epsilon": 0.05, "proc_epsilon": 0.01},
        {"epsilon": 9.0, "n_bins": 50},
        {"epsilon": 0.1, "proc_epsilon": 1.0},
        # The sum is told rounded down.
        {"epsilon": 0.05174803715214935, "proc_epsilon": 0.12259096130103316},
    ],
)
def test_every_look_adds_up_to_the_budget(
    method: str, knobs: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_library(monkeypatch)
    table, facts = frame()
    config = HYPERPARAMETERS[method].with_defaults(**knobs)
    model: Any = load_adapter(f"private.{method}")(facts).fit(table, config.knobs(), 1)
    rho = affordable_rho(config.total_epsilon, config.total_delta)
    spent = sum((price for _, price in model.spent), Fraction(0))
    assert spent <= rho
    assert delta_of(float(spent), config.total_epsilon) <= config.total_delta
    assert spent > rho * Fraction(97, 100)
    kinds = Counter(what.split()[0] for what, _ in model.spent)
    assert kinds["number"] == 1
    assert kinds["bins"] == 2
    bins = sum(price for what, price in model.spent if what.startswith("bins"))
    assert float(bins / rho) == pytest.approx(min(config.knobs()["proc_epsilon"] / config.total_epsilon, 0.5), rel=0.01)
    if method == "dp_mst":
        assert kinds == {"number": 1, "bins": 2, "marginal": 5 + 4, "edge": 4}


@pytest.mark.parametrize("method", PRIVATE)
def test_rows_stay_within_bounds_and_the_model_keeps_none(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_library(monkeypatch)
    table, facts = frame()
    table.loc[0, "c4"] = 77.123456
    model = load_adapter(f"private.{method}")(facts).fit(table, HYPERPARAMETERS[method].with_defaults().knobs(), 1)
    made = model.sample(700)
    assert list(made) == list(table)
    assert len(made) == 700
    assert set(made["c1"]) <= {"0", "1", "2"}
    assert set(made["c3"].dropna()) == {"0", "1"}
    assert made["c3"].isna().any()
    assert made["c4"].between(17.5, 95.5).all()
    assert made["c5"].dropna().between(0, 20).all()
    assert 0.1 < made["c5"].isna().mean() < 0.5
    model.reseed(3)
    first = model.sample(50)
    model.reseed(3)
    pd.testing.assert_frame_equal(model.sample(50), first)
    assert len(pickle.dumps(model)) < 30_000
    assert all(not isinstance(part, pd.DataFrame) for part in vars(model).values())


def test_the_seed_has_no_say_in_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    without_library(monkeypatch)
    table, facts = frame()
    knobs = HYPERPARAMETERS["dp_mst"].with_defaults().knobs()
    seen: list[tuple[float, ...]] = []
    original = dp_mst.estimate_model

    def note(sizes: list[int], measurements: list[Measurement], total: float) -> JunctionModel:
        seen.append((total, *(float(item.values.sum()) for item in measurements)))
        return original(sizes, measurements, total)

    monkeypatch.setattr(dp_mst, "estimate_model", note)
    for _ in range(2):
        load_adapter("private.dp_mst")(facts).fit(table, knobs, 7)
    assert seen[0] != seen[1]


@pytest.mark.parametrize("columns", [["c1"], ["c4"], ["c1", "c5"]])
@pytest.mark.parametrize("method", PRIVATE)
def test_few_columns_are_enough(method: str, columns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    without_library(monkeypatch)
    table, facts = frame()
    knobs = HYPERPARAMETERS[method].with_defaults().knobs()
    model = load_adapter(f"private.{method}")({name: facts[name] for name in columns})
    assert len(model.fit(table[columns], knobs, 1).sample(20)) == 20


def test_no_bin_is_chosen_without_paying() -> None:
    table, facts = frame()
    accountant = Accountant(Fraction(1, 1000))
    with pytest.raises(Overspent):
        code_table(table, facts, accountant, Fraction(1, 100), 5, 400.0)
    accountant = Accountant(Fraction(50))
    codes, columns = code_table(table, facts, accountant, Fraction(50), 5, 400.0)
    assert [column.size for column in columns[:3]] == [3, 3, 3]
    assert all(2 <= column.size <= 7 for column in columns[3:])
    assert set(codes[table["c5"].isna(), 4]) == {columns[4].size - 1}
    assert (np.bincount(codes[:, 3]) > 40).all()
    restored = columns[3].restore(codes[:, 3], np.random.default_rng(0))
    assert np.corrcoef(restored, table["c4"])[0, 1] > 0.9


def test_wide_bounds_do_not_fill_up_with_noise() -> None:
    """Of rows that all lie in the first of forty cells, few come back from the empty ones."""
    facts = {"c1": {"kind": "numeric", "lower": 0, "upper": 3000, "integer": True, "missing": False}}
    table = pd.DataFrame({"c1": np.random.default_rng(0).integers(0, 50, 500).astype(float)})
    for _ in range(20):
        codes, (column,) = code_table(table, facts, Accountant(Fraction(1)), Fraction(3, 1000), 4, 500.0)
        restored = column.restore(codes[:, 0], np.random.default_rng(0))
        assert (restored > 76).mean() < 0.2


def test_rare_levels_share_a_code_and_come_back_by_their_own_weight() -> None:
    facts = {"c1": {"kind": "categorical", "levels": [str(i) for i in range(6)], "missing": True}}
    table = pd.DataFrame({"c1": ["0"] * 50 + ["1"] * 40 + ["2", "3"]})
    _, (column,) = code_table(table, facts, Accountant(Fraction(1)), Fraction(0), 5, 92.0)
    merged, mapping = merge_rare_levels(column, np.array([50, 40, 9, 1, -5, 0, 0]), 10.0)
    assert mapping.tolist() == [0, 1, 2, 2, 2, 2, 2]
    drawn = Counter(merged.restore(np.full(3000, 2), np.random.default_rng(0)).tolist())
    assert set(drawn) == {"2", "3", "4", "5", None}
    assert drawn["2"] > 4 * drawn["3"]


@given(seed=st.integers(0, 1000))
def test_draws_follow_the_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.random((3, 4)), rng.random((4, 2))
    second *= (first.sum(axis=0) / second.sum(axis=1))[:, None]
    model = conditional_tables([3, 4, 2], {(0, 1): first, (1, 2): second}, {(0, 1): ((1, 2),), (1, 2): ((0, 1),)})
    codes = model.draw(20_000, rng)
    for clique, table in (((0, 1), first), ((1, 2), second)):
        drawn = count_cells(codes, [3, 4, 2], clique) / 20_000
        assert np.abs(drawn - (table / table.sum()).ravel()).max() < 0.03


def test_nothing_but_the_estimate_needs_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    without_library(monkeypatch)
    table, facts = frame(60)
    load_adapter("private.dp_mst")(facts).fit(table, HYPERPARAMETERS["dp_mst"].with_defaults().knobs(), 1)
    assert not {"mbi", "jax"} & set(sys.modules)
