"""The four situations in which the user wants the selector verified, over real sockets."""

from __future__ import annotations

import json
import logging
import random
from pathlib import Path
from typing import Any

import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.settings import Settings
from clinical_model_selector.synthesizers.catalogue import CATALOGUE
from clinical_model_selector.synthesizers.feasibility import assess
from clinical_model_selector.synthesizers.sizing import gradient_steps
from loopback.formats import plan_from_prompt, says, status
from loopback.server import Act, Recorded, ScriptedServer

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


def settings(openrouter: ScriptedServer | None, ollama: ScriptedServer, **changes: Any) -> Settings:
    remote = {"openrouter_api_key": KEY, "openrouter_base": f"{openrouter.origin}/api/v1"} if openrouter else {}
    return Settings(_env_file=None, ollama_base=ollama.origin, **remote, **changes)


def test_situation_1_openrouter_works(
    openrouter_server: ScriptedServer, ollama_server: ScriptedServer, cohort: Path
) -> None:
    result = ClinicalModelSelector(settings(openrouter_server, ollama_server)).select(cohort, target="died")
    assert result.provenance.provider == "openrouter"
    assert result.provenance.model == "anthropic/claude-3.5-sonnet"
    assert result.provenance.fallback_reason is None
    assert result.provenance.cost_usd == pytest.approx(0.00825)
    assert not ollama_server.requests
    (request,) = openrouter_server.requests
    assert request.path == "/api/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["http-referer"] == "https://gesalp.ai"
    assert request.headers["x-title"]
    body = request.body
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("anthropic/claude-3.5-sonnet", 0.3, 2000)
    assert body["provider"] == {"data_collection": "deny", "require_parameters": True}


def test_situation_2_the_key_is_invalid(
    openrouter_server: ScriptedServer,
    ollama_server: ScriptedServer,
    cohort: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    openrouter_server.always(status(401, "No auth credentials found"))
    with caplog.at_level(logging.WARNING, "clinical_model_selector"):
        result = ClinicalModelSelector(settings(openrouter_server, ollama_server)).select(cohort, target="died")
    assert result.provenance.provider == "ollama"
    failed, answered = result.provenance.attempts
    assert (failed.provider, failed.outcome, failed.status) == ("openrouter", "authentication", 401)
    assert "No auth credentials found" in failed.message
    assert answered.outcome == "ok"
    assert len(openrouter_server.requests) == 1
    warning = "\n".join(record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    for part in ("openrouter", "401", "No auth credentials found"):
        assert part in warning
    assert KEY not in caplog.text + result.model_dump_json()
    assert any("ollama" in w and "401" in w for w in result.warnings)


def test_situation_3_ollama_only(ollama_server: ScriptedServer, cohort: Path) -> None:
    result = ClinicalModelSelector(settings(None, ollama_server)).select(cohort, target="died")
    assert (result.provenance.provider, result.provenance.model) == ("ollama", "llama3.1:8b")
    assert [a.outcome for a in result.provenance.attempts] == ["ok"]
    (request,) = ollama_server.requests
    assert request.path == "/api/chat"
    assert request.body["options"]["num_ctx"] == 8192
    assert request.body["format"]["properties"]["choice"]


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def clinical(folder: Path) -> Path:
    """A trial: few hundred patients, labs, stage, time to event."""
    draw = random.Random(1)
    rows = [
        f"{draw.randint(30, 88)},{draw.choice('MF')},{draw.gauss(1.1, 0.4):.2f},{draw.gauss(13, 2):.1f},"
        f"{draw.choice(['I', 'II', 'III', 'IV'])},{draw.randint(20, 2500)},{int(draw.random() < 0.4)}"
        for _ in range(420)
    ]
    return write(folder / "clinical.csv", "age,sex,creatinine,hemoglobin,stage,time,death", rows)


def high_cardinality(folder: Path) -> Path:
    """Encounters with three code columns of about 900 levels each: one-hot encoding explodes."""
    draw = random.Random(2)
    codes = [f"{letter}{number:02d}.{digit}" for letter in "EIJKN" for number in range(36) for digit in range(5)]
    rows = [
        ",".join([*draw.choices(codes, k=3), str(draw.randint(1, 14)), str(int(draw.random() < 0.1))])
        for _ in range(6000)
    ]
    return write(folder / "codes.csv", "diag_1,diag_2,diag_3,time_in_hospital,readmitted", rows)


def mixed(folder: Path) -> Path:
    """Numbers, labels, missing values and a skewed count."""
    draw = random.Random(3)
    rows = [
        f"{draw.gauss(27, 5):.1f},{'' if draw.random() < 0.2 else round(draw.gauss(120, 15))},"
        f"{draw.choice(['never', 'former', 'current'])},{int(draw.expovariate(0.5))},"
        f"{draw.choice(['yes', 'no', ''])},{draw.choice(['A', 'B', 'AB', '0'])},{int(draw.random() < 0.25)}"
        for _ in range(1500)
    ]
    return write(folder / "mixed.csv", "bmi,systolic,smoking,admissions,diabetes,blood_group,outcome", rows)


QUALITY = {
    "clinical": (clinical, "death"),
    "high cardinality": (high_cardinality, "readmitted"),
    "mixed": (mixed, "outcome"),
}


@pytest.mark.parametrize("source", ["openrouter", "embedded"])
@pytest.mark.parametrize("case", QUALITY)
def test_situation_4_quality(
    case: str,
    source: str,
    openrouter_server: ScriptedServer,
    ollama_server: ScriptedServer,
    tmp_path: Path,
) -> None:
    make, target = QUALITY[case]
    table = make(tmp_path)
    changes = {"selector_embedded": "only"} if source == "embedded" else {}
    selector = ClinicalModelSelector(settings(openrouter_server, ollama_server, **changes))
    result = selector.select(table, target=target)
    assert result.provenance.provider == source
    plan, profile = result.plan, profile_table(table, target=target).safe
    # Ranges and cross rules hold once more when the plan is read back.
    assert ModelSelectionPlan.model_validate_json(plan.model_dump_json()) == plan
    feasible = {m for m, item in assess(profile, result._question.constraints).items() if item.feasible}
    assert set(plan.methods) <= feasible
    assert ("ctgan" in feasible) == (case != "high cardinality")
    for config in (plan.choice, *plan.backups):
        steps = gradient_steps(config, profile.rows)
        assert steps is None or steps >= CATALOGUE[config.method].min_steps
        assert (config.knobs().get("batch_size") or 0) <= profile.rows


def test_situation_4_an_infeasible_answer_is_not_taken(
    openrouter_server: ScriptedServer, ollama_server: ScriptedServer, tmp_path: Path
) -> None:
    """A model that insists on CTGAN for a table whose width explodes is asked once more, then passed over."""
    stubborn = {
        "choice": CATALOGUE["ctgan"].hyperparameters.defaults(),
        "backups": [CATALOGUE[m].hyperparameters.defaults() for m in ("cart", "gaussian_copula")],
        "dp": {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0,
        "max_synth_rows": 1000,
        "rationale": "state of the art",
    }
    openrouter_server.always(says(json.dumps(stubborn)))
    result = ClinicalModelSelector(settings(openrouter_server, ollama_server)).select(high_cardinality(tmp_path))
    failed = result.provenance.attempts[0]
    assert (failed.outcome, failed.repairs, len(openrouter_server.requests)) == ("infeasible", 1, 2)
    assert "one-hot" in failed.message
    assert result.provenance.provider == "ollama"
    assert "ctgan" not in result.plan.methods


@pytest.mark.parametrize("policy", ["advise", "enforce", "off"])
def test_measurements_speak_against_a_models_slogan(
    policy: str, openrouter_server: ScriptedServer, ollama_server: ScriptedServer, cohort: Path
) -> None:
    def slogan(recorded: Recorded) -> Act:
        return says(json.dumps({**plan_from_prompt(recorded.body, first="ctgan"), "rationale": "state of the art"}))

    openrouter_server.default = slogan
    selector = ClinicalModelSelector(settings(openrouter_server, ollama_server, selector_evidence_policy=policy))
    # Of many feasible ones a model is offered the best expected alone.
    asked: dict[str, Any] = {"target": "died", "allowed": ["cart", "gaussian_copula", "ctgan", "tvae"]}
    result = selector.select(cohort, **asked)
    told = [text for text in result.warnings if "measurements on" in text]
    assert result.provenance.provider == "openrouter"
    if policy == "off":
        assert (result.evidence, told) == (None, [])
        assert result.plan.choice.method == "ctgan"
        return
    assert result.evidence is not None
    assert result.evidence.choice.method == "ctgan"
    assert len(told) == 1
    assert result.evidence.replaced == (policy == "enforce")
    expected = result.evidence.best.method if policy == "enforce" else "ctgan"
    assert result.plan.choice.method == expected
    again = selector.select(cohort, **asked, evidence_policy="off")
    assert again.provenance.cached
    assert again.plan.choice.method == "ctgan"
