from __future__ import annotations

import json
from pathlib import Path

import pytest
from clinical_model_selector.agents.benchmark_selectors import make_arms, make_planners, make_selector
from clinical_model_selector.evidence.benchmark.arms import compare_arms
from clinical_model_selector.evidence.benchmark.goals import Goal, Right, compare_on_goals
from clinical_model_selector.evidence.benchmark.regret import report_regret
from clinical_model_selector.evidence.benchmark.results import load_measurements
from clinical_model_selector.schemas.errors import ProvidersUnavailable, SettingsError
from loopback.formats import plan_from_prompt, says, status
from loopback.server import Responder, ScriptedServer

from .conftest import Run

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


def test_a_model_that_believes_its_prompt_is_told_from_one_that_knows(at: ScriptedServer) -> None:
    """The loopback model takes what stands first: right with the figures, led astray by others'."""
    report = compare_arms(CELLS, make_arms("openrouter"), scenarios=("none",))
    arms = report["arms"]
    assert arms["llm + evidence"]["one_fit"] == pytest.approx(arms["embedded"]["one_fit"])
    assert arms["llm + shuffled evidence"]["one_fit"] < arms["llm + evidence"]["one_fit"]
    verdicts = {(item["arm"], item["against"], item["fits"]): item["verdict"] for item in report["differences"]}
    assert verdicts["llm + evidence", "embedded", 1] == "equivalent"
    texts = [json.dumps(request.body, ensure_ascii=False) for request in at.requests]
    bare = [text for text in texts if "nothing was measured for this question" in text]
    assert len(bare) == len(texts) / 3
    assert not any("±" in text.split("# Feasible")[1] for text in bare)


def test_goals_reach_the_model_in_words_and_a_model_that_reads_them_is_told_apart(at: ScriptedServer) -> None:
    goals = [
        Goal(name="few", words="Two hundred rows at most, please.", right=Right(rows_at_most=200)),
        Goal(name="graph", words="The generator has to be a graph to show.", right=Right(families=("graphical",))),
    ]

    def reads(to: Responder) -> None:
        words = json.dumps(to.recorded.body)
        plan = plan_from_prompt(to.recorded.body, first="bayesian_network" if "graph to show" in words else None)
        says(json.dumps({**plan, "max_synth_rows": 200 if "Two hundred" in words else 50_000}))(to)

    at.always(reads)
    planners = make_planners("openrouter")
    report = compare_on_goals(goals, planners)
    assert {name: own["right"] for name, own in report.items()} == {
        "embedded": 0, "llm alone": 2, "llm + evidence": 2, "llm + shuffled evidence": 2,
    }  # fmt: skip


def test_the_command_compares_without_a_key(run: Run, tmp_path: Path) -> None:
    goals = tmp_path / "goals.toml"
    goals.write_text("[[goal]]\nname = 'any'\nwords = 'As you like.'\nright = {}\n")
    done = run("benchmark", "arms", "--goals", str(goals), "--scenarios", "none")
    assert done.code == 0
    assert "goals in words, embedded: 1 of 1 right" in done.out
    assert "embedded less majority" in done.out
    wrong = run("benchmark", "arms", "--scenarios", "nonsense")
    assert wrong.code == 2
    assert "unknown nonsense" in wrong.err


def test_the_peers_question_is_answered_from_the_shipped_measurements(run: Run) -> None:
    report = json.loads(run("benchmark", "peers", "--json").out)
    assert len(report["tables"]) == 7
    assert report["intents"].keys() == {"privacy", "fidelity", "latency"}
    assert report["all"]["recommender, figure"]["ndcg"] > report["all"]["lot"]["ndcg"]
    assert "3 nearest tables" in run("benchmark", "peers").out
