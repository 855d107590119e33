"""Planted canaries: what one person has and nobody else is in no output, no run card and no log, at any level."""

from __future__ import annotations

import json
import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.agents.synthesize import synthesize
from clinical_model_selector.schemas.compliance import POLICIES, Compliance, protection_for
from clinical_model_selector.schemas.errors import SettingsError, SynthesisFailed
from clinical_model_selector.schemas.methods import CATALOGUE, HYPERPARAMETERS
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.synthesizers.adapters import load_adapter
from clinical_model_selector.synthesizers.running import run_plan
from clinical_model_selector.synthesizers.running.fit_process import FitFailed, FitLimits, FitRun
from clinical_model_selector.synthesizers.running.run_plan import Synthesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libraries import python_of

SINGLE = [method for method, entry in CATALOGUE.items() if not entry.histories]
OWN = [method for method in SINGLE if CATALOGUE[method].environment is None]
LEVELS: list[Compliance] = ["research", "hipaa_like", "gdpr_like", "clinical_strict"]
WORD, CODE, NAME, NOTE = "Zqwardcanary", "Q87.19", "Zqcanarysson", "met her Zqnotecanary on the stairs"
EXTREME, LOWEST, EXACT, LATEST = 98765.4321, -43210.9876, 51.987654, 87654.3219

whole = st.integers(0, 10**6)


def planted(seed: int, rows: int, place: int) -> pd.DataFrame:
    """A registry in which one person has every canary."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "nat_id": [f"Zqid{10**6 + i}" for i in range(rows)],
            "surname": [f"{a}{b}" for a, b in zip(rng.choice(["Ber", "Lin", "Nor"], rows), range(rows), strict=True)],
            "ward": rng.choice(["asthma", "eczema", "gout"], rows),
            "diagnosis": rng.choice(["I10.0", "E11.9", "J45.0"], rows),
            "marker": rng.normal(50, 9, rows).round(6),
            "score": rng.integers(0, 4, rows),
            "dose": rng.normal(3, 1, rows).round(6),
            "note": [f"patient said that day {i} was fine and left again later" for i in range(rows)],
            "outcome": rng.choice(["dead", "alive"], rows),
            "followup_days": rng.exponential(400, rows).round(4),
            "relapse": rng.choice(["yes", "no"], rows),
        }
    )
    for column, canary in (
        ("surname", NAME), ("ward", WORD), ("diagnosis", CODE), ("marker", EXTREME), ("score", 9), ("note", NOTE)
    ):  # fmt: skip
        table.loc[place % rows, column] = canary
    table.loc[(place + 1) % rows, "marker"] = LOWEST
    table.loc[(place + 2) % rows, "dose"] = EXACT
    table.loc[place % rows, "followup_days"] = LATEST
    return table


def plan_of(method: str) -> ModelSelectionPlan:
    config = HYPERPARAMETERS[method].with_defaults()
    backups = [HYPERPARAMETERS[name].with_defaults() for name in ("cart", "gaussian_copula", "arf") if name != method]
    return ModelSelectionPlan(
        choice=config, backups=backups[:2], dp=DPSettings.spent_by(config), sample_multiplier=3.0, max_synth_rows=2000,
        rationale="",
    )  # fmt: skip


def fit_here(table: pd.DataFrame, encoding: Any, config: Any, *, rows: int, seed: int, **other: Any) -> FitRun:
    """As ``run_fit``, without a process of its own."""
    entry = CATALOGUE[config.method]
    coded = encoding.encode(table, seed, native_missing=entry.native_missing)
    model = load_adapter(entry.adapter)(encoding.describe(native_missing=entry.native_missing))
    drawn = model.fit(coded, config.knobs(), seed).sample(rows)
    return FitRun(encoding.decode(drawn), 0.1, 0.1, 0.1, 1, {})


def assert_no_canary(made: Synthesis, real: pd.DataFrame, told: str) -> None:
    written = made.table.to_csv(index=False) + made.card.model_dump_json() + told
    for canary in (WORD, CODE, NAME, NOTE, "Zqnotecanary", "Zqid", str(EXTREME), str(LOWEST), str(EXACT), str(LATEST)):
        assert canary not in written, canary
    assert not set(real["surname"]) & set(made.table.astype(str).to_numpy().ravel())
    assert made.table["marker"].between(0, 100).all()
    assert not set(made.table["dose"]) >= {EXACT}
    assert made.table["followup_days"].between(0, 10_000).all()
    assert set(made.table["score"].dropna()) <= {0, 1, 2, 3}


@pytest.mark.parametrize("method", OWN)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=whole, place=whole, rows=st.integers(90, 160), level=st.sampled_from(LEVELS))
def test_own_synthesizers_give_no_canary_out(
    method: str, seed: int, place: int, rows: int, level: Compliance,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(run_plan, "run_fit", fit_here)
    caplog.set_level(logging.DEBUG)
    real, told = planted(seed, rows, place), []
    made = synthesize(real, plan_of(method), seed=seed, protection=protection_for(level), say=told.append)
    assert made.card.method == method
    assert made.card.protection is not None
    assert made.card.protection.k == POLICIES[level].min_persons
    assert_no_canary(made, real, "\n".join(told) + caplog.text)


@pytest.mark.parametrize("method", SINGLE)
def test_no_canary_enters_a_worker(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[str] = []

    def note(table: pd.DataFrame, encoding: Any, config: Any, *, seed: int, **other: Any) -> FitRun:
        entry = CATALOGUE[config.method]
        coded = encoding.encode(table, seed, native_missing=entry.native_missing, private=config.is_dp)
        described = json.dumps(encoding.describe(native_missing=entry.native_missing))
        entered.append(table.to_csv() + coded.to_csv() + described + str(encoding))
        raise FitFailed("crash", "it is only looked at", 0.0)

    monkeypatch.setattr(run_plan, "run_fit", note)
    with pytest.raises(SynthesisFailed):
        synthesize(planted(3, 150, 7), plan_of(method), seed=1, protection=protection_for("research"))
    assert len(entered) == len(plan_of(method).methods)
    for text in entered:
        for canary in (WORD, CODE, NAME, NOTE, "Zqid", str(EXTREME), str(LOWEST), str(EXACT), str(LATEST)):
            assert canary not in text, canary


SMALL: dict[str, dict[str, Any]] = {
    "arf": {"num_trees": 10, "max_iters": 2},
    "nrgboost": {"num_trees": 5},
    "ctgan": {"epochs": 2, "batch_size": 100},
    "tvae": {"epochs": 2, "batch_size": 100},
    "tabddpm": {"n_iter": 3, "num_timesteps": 20},
    "argn": {"max_epochs": 2, "max_training_time": 1},
    "argn_dp": {"max_epochs": 2, "max_training_time": 1},
    "dpctgan": {"epochs": 20, "batch_size": 50, "sigma": 10.0, "preprocessor_eps": 0.5},
}
"""Budgets of seconds, below what is offered."""


@pytest.mark.own_environment
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the plan is not validated, on purpose
@pytest.mark.parametrize("method", SINGLE)
def test_one_real_fit_gives_no_canary_out(method: str) -> None:
    python_of(method)
    config = HYPERPARAMETERS[method].model_construct(**{**HYPERPARAMETERS[method].defaults(), **SMALL.get(method, {})})
    plan = plan_of(method).model_copy(
        update={"choice": config, "dp": DPSettings.spent_by(config), "sample_multiplier": 1.0}
    )
    treatments = ["nat_id", "surname", "note"]
    real, told = planted(5, 400, 11), []
    made = synthesize(
        real, plan, seed=2, protection=protection_for("hipaa_like"), limits=FitLimits(seconds=300), say=told.append
    )
    assert (made.card.method, made.card.failures) == (method, ())
    assert not set(treatments) & {c for c in made.table if made.table[c].notna().any() and c != "nat_id"}
    assert_no_canary(made, real, "\n".join(told))


def test_protection_can_be_switched_off_at_research_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert protection_for("research", off=True) is None
    for level in LEVELS[1:]:
        with pytest.raises(SettingsError, match="research only"):
            protection_for(level, off=True)
        with pytest.raises(SettingsError, match="fewer than 11"):
            protection_for(level, k=5)
    assert protection_for("research", k=2) is not None
    monkeypatch.setattr(run_plan, "run_fit", fit_here)
    made = synthesize(planted(3, 150, 7), plan_of("cart"), seed=1, protection=None)
    assert (made.card.protection, made.card.unprotected) == (None, "switched off")


def test_a_formal_guarantee_is_left_alone_and_anything_less_is_protected(monkeypatch: pytest.MonkeyPatch) -> None:
    table = planted(3, 300, 7)[["marker", "outcome"]]
    entered: list[float] = []

    def note(table: pd.DataFrame, encoding: Any, config: Any, **other: Any) -> FitRun:
        entered.append(float(table["marker"].max()))
        return fit_here(table, encoding, HYPERPARAMETERS["cart"].with_defaults(), rows=50, seed=1)

    monkeypatch.setattr(run_plan, "run_fit", note)
    public: dict[str, Any] = {"marker": (0.0, 100.0), "outcome": ("alive", "dead")}
    formal = synthesize(table, plan_of("dp_mst"), seed=1, public=public, held_out=0.0)
    assert (formal.card.unprotected, formal.card.protection) == ("formal guarantee", None)
    half = synthesize(table, plan_of("dp_mst"), seed=1, public={"outcome": public["outcome"]}, held_out=0.0)
    assert half.card.unprotected is None
    assert half.card.protection is not None
    assert half.card.dp is not None
    assert not half.card.dp.public_bounds
    days = pd.date_range("2019-01-01", periods=len(table))
    stay = pd.to_timedelta(np.arange(len(table)) % 40, unit="D")
    dated = table.assign(admission=days.astype(str), discharge=(days + stay).astype(str))
    known = {**public, "admission": (0.0, 1.0), "discharge": (0.0, 40.0)}
    loose = synthesize(dated, plan_of("dp_mst"), seed=1, public=known, held_out=0.0).card
    assert loose.dp is not None
    assert (loose.unprotected, loose.dp.public_bounds) == (None, False)
    assert loose.protection is not None
    assert formal.card.dp is not None
    assert formal.card.dp.public_bounds
    assert entered[0] == EXTREME
    assert max(entered[1:]) < 101


def test_the_run_card_says_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_plan, "run_fit", fit_here)
    table = planted(3, 200, 7).assign(hospital="Central")
    card = synthesize(table, plan_of("cart"), seed=1).card
    changes = {change.column: change.change for change in card.changes}
    assert "constant" in changes["hospital"]
    assert "left out" in changes["note"] or "new keys" in changes["note"]
    assert "fewer than 11 patients" in changes["ward"]
    assert "surname" in changes
    assert WORD not in card.model_dump_json()


@pytest.mark.parametrize("way", ["shuffled", "other types"])
def test_rows_are_taken_in_an_order_of_their_own(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_plan, "run_fit", fit_here)
    table = planted(3, 150, 7)
    first = synthesize(table, plan_of("cart"), seed=1)
    if way == "shuffled":
        again = table.sample(frac=1.0, random_state=4).reset_index(drop=True)
    else:
        again = table.assign(score=table["score"].astype("Int64"))
    second = synthesize(again, plan_of("cart"), seed=1)
    assert first.table.astype(str).equals(second.table.astype(str))


def test_the_canaries_are_really_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_plan, "run_fit", fit_here)
    text = synthesize(planted(3, 150, 7), plan_of("cart"), seed=1, protection=None, held_out=0.0).table.to_csv()
    assert WORD in text or CODE in text or str(EXTREME) in text
