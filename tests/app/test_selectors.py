from __future__ import annotations

import json

import pytest
from clinical_model_selector.agents.benchmark_selectors import make_selector
from clinical_model_selector.evidence.benchmark.regret import report_regret
from clinical_model_selector.evidence.benchmark.results import load_measurements
from clinical_model_selector.schemas.errors import ProvidersUnavailable, SettingsError
from loopback.formats import plan_from_prompt, says, status
from loopback.server import ScriptedServer

CELLS = tuple(cell for cell in load_measurements() if cell.table in ("gbsg2", "pima", "pbc"))


@pytest.fixture
def at(openrouter_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-v1-0000")
    monkeypatch.setenv("OPENROUTER_BASE", f"{openrouter_server.origin}/api/v1")
    return openrouter_server


def test_a_models_choice_is_judged_and_the_judged_table_kept_from_it(at: ScriptedServer) -> None:
    asked = report_regret(CELLS, make_selector("openrouter"))
    assert at.requests
    # The loopback model takes what is expected to do best, and so errs where the recommender does. A plan needs three
    # feasible synthesizers, and so cannot be had in every scenario.
    pairs = zip(asked["scenarios"], report_regret(CELLS)["scenarios"], strict=True)
    same = [
        one["scenario"] for one, own in pairs if one["regret"]["selector"] == pytest.approx(own["regret"]["selector"])
    ]
    assert {"none", "privacy", "risk cap", "saas"} <= set(same)


def test_an_answer_that_cannot_stand_scores_nothing(at: ScriptedServer) -> None:
    at.always(says("I would take TabDDPM."))
    report = report_regret(CELLS, make_selector("openrouter"))
    for row in report["scenarios"]:
        assert row["regret"]["selector"]["mean"] == pytest.approx(row["oracle"])


def test_nobody_at_home_is_no_judgement_of_a_model(at: ScriptedServer) -> None:
    at.always(status(401, "No auth credentials found"))
    with pytest.raises(ProvidersUnavailable):
        report_regret(CELLS, make_selector("openrouter"))


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(SettingsError, match="embedded, openrouter or ollama"):
        make_selector("oracle")


def test_the_prompt_carries_the_figures_that_the_recommender_goes_by(at: ScriptedServer) -> None:
    report_regret(CELLS, make_selector("openrouter"))
    text = json.dumps(at.requests[0].body)
    assert "score 0." in text
    assert "\\u00b1" in text or "±" in text
    assert plan_from_prompt(at.requests[0].body)["choice"]["method"]
