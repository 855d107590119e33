from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.schemas.column_treatment import OutcomePart
from clinical_model_selector.schemas.methods import CATALOGUE
from clinical_model_selector.synthesizers.adapters import load_adapter
from clinical_model_selector.synthesizers.encoding.table_encoding import Encoding
from sklearn.datasets import load_breast_cancer
from tables import mixed_table

OWN = {
    "gaussian_copula": {"marginal": "empirical", "shrinkage": 0.05},
    "cart": {"min_samples_leaf": 5},
    "outcome_first": {"min_samples_leaf": 5},
    "bayesian_network": {"max_parents": 2, "bins": 12, "prior": 0.5},
    "latent_class": {"classes": 12, "bins": 12, "prior": 0.5, "max_iters": 100},
}
OUTCOME: dict[str, OutcomePart] = {"age": "time", "outcome": "event", "mean radius": "time", "target": "event"}
"""What stands for a time-to-event outcome in the tables below."""


def draw(method: str, table: pd.DataFrame, seed: int = 0, rows: int = 500, **knobs: Any) -> pd.DataFrame:
    encoding = Encoding.of(table, outcome=OUTCOME)
    native = CATALOGUE[method].native_missing
    model = load_adapter(CATALOGUE[method].adapter)(encoding.describe(native_missing=native))
    model.fit(encoding.encode(table, seed, native_missing=native), {**OWN[method], **knobs}, seed)
    return encoding.decode(model.sample(rows))


@pytest.mark.parametrize("method", OWN)
def test_a_mixed_table_comes_back_in_form_and_in_substance(method: str) -> None:
    table = mixed_table(600)
    made = draw(method, table)
    assert made.dtypes.to_dict() == table.dtypes.to_dict()
    assert list(made.columns) == list(table.columns)
    assert made["marker"].isna().mean() == pytest.approx(0.1, abs=0.06)
    assert set(made["ward"].dropna()) <= {"north", "south", "west"}
    gap = table.groupby("outcome")["age"].mean().diff().iloc[-1]
    assert made.groupby("outcome")["age"].mean().diff().iloc[-1] == pytest.approx(gap, rel=0.4)


@pytest.mark.parametrize("method", OWN)
def test_correlations_of_a_real_table_are_kept(method: str) -> None:
    table = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 2, 3, 10, 30]]
    made = draw(method, table, rows=569)
    assert (made.corr() - table.corr()).abs().to_numpy().mean() < 0.1


@pytest.mark.parametrize("method", OWN)
def test_equal_seeds_draw_equally(method: str) -> None:
    table = mixed_table(120)
    pd.testing.assert_frame_equal(draw(method, table, 3), draw(method, table, 3))
    assert not draw(method, table, 3).equals(draw(method, table, 4))


@pytest.mark.parametrize("marginal", ["empirical", "gaussian", "kde"])
def test_every_marginal_keeps_the_mean(marginal: str) -> None:
    table = mixed_table(500)
    made = draw("gaussian_copula", table, marginal=marginal)
    assert made["age"].mean() == pytest.approx(table["age"].mean(), rel=0.1)


def test_full_shrinkage_makes_columns_independent() -> None:
    table = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 2]]
    assert abs(draw("gaussian_copula", table, shrinkage=1.0).corr().iloc[0, 1]) < 0.15


@pytest.mark.parametrize("method", OWN)
@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"x": [1.5] * 30}),
        pd.DataFrame({"x": [1.5] * 30, "y": ["a"] * 30}),
        pd.DataFrame({"y": [None, "a"] * 15}),
        pd.DataFrame({"x": [None, 2.5] * 15, "y": list(range(30))}),
        pd.DataFrame({"y": [f"v{i}" for i in range(30)], "z": range(30)}),
    ],
    ids=["constant", "constants", "one text", "half missing", "all distinct"],
)
def test_degenerate_tables_can_be_drawn_from(method: str, table: pd.DataFrame) -> None:
    assert draw(method, table, rows=40).shape == (40, table.shape[1])


@pytest.mark.parametrize("method", ["bayesian_network", "latent_class"])
def test_missing_cells_come_as_often_and_with_the_same_others(method: str) -> None:
    rng = np.random.default_rng(0)
    group = rng.choice(["a", "b"], 800)
    value = np.where((group == "a") & (rng.random(800) < 0.6), np.nan, rng.normal(size=800))
    made = draw(method, pd.DataFrame({"group": group, "value": value}), rows=2000)
    shares = made["value"].isna().groupby(made["group"]).mean()
    assert shares["a"] == pytest.approx(0.6, abs=0.1)
    assert shares["b"] < 0.05


def test_a_network_learns_an_interaction_that_no_pair_shows() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, 2000), rng.integers(0, 2, 2000)
    noise = rng.random(2000) < 0.1
    table = pd.DataFrame({"a": a, "b": b, "c": (a & b) ^ noise, "d": rng.integers(0, 2, 2000)})
    made = draw("bayesian_network", table, rows=4000)
    shares = made.groupby(["a", "b"])["c"].mean()
    assert shares[1, 1] == pytest.approx(0.9, abs=0.07)
    assert shares.drop((1, 1)).max() < 0.2
