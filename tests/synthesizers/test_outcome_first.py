"""Outcome first: time and event are drawn before all else, and what they say of the other columns is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.agents.resolve_request import resolve
from clinical_model_selector.agents.synthesize import synthesize
from clinical_model_selector.agents.tune import list_candidates
from clinical_model_selector.evidence.metrics.survival import kaplan_meier
from clinical_model_selector.evidence.recommender.ranking import recommend
from clinical_model_selector.evidence.refit import refit_of
from clinical_model_selector.schemas.errors import SynthesisFailed
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.schemas.request import SelectionRequest
from clinical_model_selector.schemas.settings import Settings
from clinical_model_selector.synthesizers.adapters.trees.outcome_first import Synthesizer
from clinical_model_selector.synthesizers.encoding.table_encoding import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLE = Path(__file__).parents[2] / "examples" / "gbsg2.csv"


def cohort(rows: int, seed: int, share: float = 0.4, **more: Any) -> pd.DataFrame:
    """Who has the marker dies sooner; follow-up ends at 1,000 days."""
    rng = np.random.default_rng(seed)
    marker = rng.normal(size=rows)
    died = rng.exponential(600 * np.exp(-marker) / max(share, 0.05), rows)
    lost = rng.uniform(100, 1000, rows)
    columns = {
        "age": rng.integers(30, 80, rows),
        "marker": marker,
        "days": np.minimum(died, lost).round(1),
        "death": np.where(died <= lost, "yes", "no"),
    }
    return pd.DataFrame({**columns, **more})


def draw(table: pd.DataFrame, rows: int, leaf: int = 5, seed: int = 0) -> pd.DataFrame:
    encoding = Encoding.of(table, outcome={"days": "time", "death": "event"})
    model = Synthesizer(encoding.describe())
    return encoding.decode(model.fit(encoding.encode(table, seed), {"min_samples_leaf": leaf}, seed).sample(rows))


def curve(table: pd.DataFrame, grid: Any) -> Any:
    return kaplan_meier(table["days"].to_numpy(dtype=float), (table["death"] == "yes").to_numpy(), grid)[0]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(40, 400),
    share=st.floats(0.0, 1.0),
    leaf=st.sampled_from([5, 20, 50]),
)
def test_events_come_as_often_and_times_stay_in_their_range(seed: int, rows: int, share: float, leaf: int) -> None:
    table = cohort(rows, seed, share)
    made = draw(table, 2000, leaf, seed)
    real, drawn = (table["death"] == "yes").mean(), (made["death"] == "yes").mean()
    assert drawn == pytest.approx(real, abs=2 / 2000)
    if table["death"].value_counts().min() >= 5:  # rarer events share the times of the others
        for event in set(made["death"]):
            own, times = (frame.loc[frame["death"] == event, "days"] for frame in (table, made))
            assert times.between(own.min(), own.max()).all()
    assert made["days"].between(table["days"].min(), table["days"].max()).all()


@pytest.mark.parametrize("leaf", [5, 50])
def test_the_curve_is_kept_and_so_is_what_shortens_life(leaf: int) -> None:
    table = cohort(600, 3)
    made = draw(table, 3000, leaf)
    grid = np.linspace(0, 900, 20)
    assert np.abs(curve(table, grid) - curve(made, grid)).max() < 0.03
    died = [frame[frame["death"] == "yes"] for frame in (table, made)]
    real, drawn = (frame.groupby(frame["days"] < 200)["marker"].mean() for frame in died)
    assert (drawn - real).abs().max() < 0.3
    assert drawn[True] > drawn[False]


def test_times_are_drawn_between_real_ones() -> None:
    table = cohort(300, 5).assign(days=lambda cells: cells["days"] + np.random.default_rng(0).random(300).round(5))
    made = draw(table, 300)
    assert made["days"].isin(table["days"]).mean() < 0.05


@pytest.mark.parametrize(
    "change",
    [
        {"days": lambda cells: cells["days"].where(cells.index % 7 > 0)},
        {"death": lambda cells: cells["death"].where(cells.index % 7 > 0)},
        {"days": lambda cells: cells["days"] // 200},
        {"death": "yes"},
        {"death": lambda cells: cells.index % 8},
        {"death": lambda cells: cells["age"] + 0.5},
        {"days": 3.5},
    ],
    ids=["no time", "no event", "few times", "all died", "many events", "numeric event", "one time"],
)
def test_odd_outcomes_can_be_drawn(change: dict[str, Any]) -> None:
    table = cohort(150, 1).assign(**change)
    made = draw(table, 100)
    assert list(made) == list(table)
    assert made.dtypes.to_dict() == table.dtypes.to_dict()
    for name in ("days", "death"):
        assert made[name].isna().mean() == pytest.approx(table[name].isna().mean(), abs=0.15)


def plan(*backups: str) -> ModelSelectionPlan:
    configs = [HYPERPARAMETERS[method].with_defaults() for method in ("outcome_first", *backups)]
    return ModelSelectionPlan(
        choice=configs[0], backups=configs[1:], dp=DPSettings.spent_by(configs[0]), sample_multiplier=1.0,
        max_synth_rows=300, rationale="",
    )  # fmt: skip


def test_a_plan_with_it_is_carried_out_and_its_outcome_is_what_the_profile_found() -> None:
    made = synthesize(EXAMPLE, plan(), seed=1)
    assert (made.card.method, made.card.failures) == ("outcome_first", ())
    parts = {item.outcome: item.column for item in made.card.treatments if item.outcome is not None}
    assert parts == {"time": "time", "event": "cens"}


def test_rules_leave_its_outcome_in_the_fit() -> None:
    table = cohort(400, 6)
    table = table.assign(
        vital=np.where(table["death"] == "yes", "dead", "living"), treated=(table["days"] * 0.7).round(1)
    )
    made = synthesize(table[["vital", "treated", *cohort(1, 0)]], plan(), seed=1)
    assert (made.card.method, made.card.failures) == ("outcome_first", ())
    assert made.card.rules is not None
    kept = {rule.how for rule in made.card.rules.kept if {"days", "death"} & set(rule.rule.columns)}
    assert "repaired" in kept
    assert (made.table["treated"] <= made.table["days"]).mean() > 0.95


def test_without_an_outcome_it_says_so_and_the_backup_is_taken() -> None:
    table = cohort(200, 2).drop(columns="death")
    made = synthesize(table, plan("cart"), seed=1)
    assert made.card.method == "cart"
    assert [failure.method for failure in made.card.failures] == ["outcome_first"]
    assert "needs a time and an event" in made.card.failures[0].reason
    with pytest.raises(SynthesisFailed, match="needs a time and an event"):
        synthesize(table, plan(), seed=1)


def test_a_race_tries_it_where_the_profile_finds_an_outcome_alone() -> None:
    settings = Settings(_env_file=None)
    for columns, tried in (([], True), (["time"], False)):
        question = resolve(SelectionRequest(table=pd.read_csv(EXAMPLE).drop(columns=columns)), settings).question
        labels = {candidate.label for candidate in list_candidates(question, recommend(question), settings)}
        assert {"outcome_first~0.25", "outcome_first~1"} <= labels if tried else "outcome_first" not in str(labels)


def test_an_audit_fits_it_again_with_its_outcome() -> None:
    card = synthesize(EXAMPLE, plan(), seed=1).card
    refit = refit_of(card)
    assert refit is not None
    made = refit(pd.read_csv(EXAMPLE), 3)
    assert made["time"].isin(pd.read_csv(EXAMPLE)["time"]).mean() < 1
