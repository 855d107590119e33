"""``run_auto``: what each round learns from the last, when it ends, and which round is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.agents.auto import AutoRound, _order, run_auto
from clinical_model_selector.evidence.evaluation import Evaluation
from clinical_model_selector.schemas.errors import NoFeasibleSynthesizer, SynthesisFailed
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.schemas.request import EvidenceMetrics
from clinical_model_selector.schemas.result import Provenance, SelectionResult
from clinical_model_selector.schemas.settings import Settings
from tables import mixed_table


def plan(*methods: str, **choice: Any) -> ModelSelectionPlan:
    configs = [HYPERPARAMETERS[name].with_defaults() for name in methods]
    return ModelSelectionPlan(
        choice=HYPERPARAMETERS[methods[0]].with_defaults(**choice),
        backups=configs[1:],
        dp=DPSettings(enabled=False, epsilon=None, delta=None),
        sample_multiplier=1.0,
        max_synth_rows=240,
        rationale="",
    )


class Scripted:
    """Answers with the plans it was given, one a round, and remembers what it was told."""

    def __init__(self, root: Path, *plans: ModelSelectionPlan | Exception) -> None:
        self.settings = Settings(selector_embedded="only", selector_environments=str(root))
        self._plans = list(plans)
        self.asked: dict[str, Any] = {}
        self.told: list[EvidenceMetrics] = []

    def select(self, table: Any, **request: Any) -> SelectionResult:
        self.asked = request
        return self._next()

    def replan(self, result: SelectionResult, metrics: EvidenceMetrics) -> SelectionResult:
        self.told.append(metrics)
        return self._next()

    def _next(self) -> SelectionResult:
        found = self._plans.pop(0)
        if isinstance(found, Exception):
            raise found
        made = Provenance(provider="embedded", attempts=(), seconds=0.0, fingerprint="f", versions={})
        return SelectionResult(plan=found, provenance=made)


def run(selector: Scripted, **how: Any) -> tuple[AutoRound, tuple[AutoRound, ...], list[str]]:
    said: list[str] = []
    table: pd.DataFrame = mixed_table(240)
    best, rounds = run_auto(
        table, selector=cast("ClinicalModelSelector", selector), max_seconds=0, seed=1, say=said.append,
        **{"target": "outcome", "compliance": "clinical_strict", **how},
    )  # fmt: skip
    return best, rounds, said


def test_each_round_is_told_of_the_last_and_a_failed_choice_is_no_measurement(tmp_path: Path) -> None:
    selector = Scripted(
        tmp_path,
        plan("arf", "gaussian_copula", "cart"),
        plan("cart", "arf", "tvae"),
        plan("gaussian_copula", "cart", "arf"),
    )
    best, rounds, said = run(selector, rounds=3, goal="teach", epsilon_max=1.0, max_fit_seconds=60.0)
    assert selector.asked["goal"] == "teach"
    assert selector.asked["max_fit_seconds"] == 60.0
    assert [one.synthesis.card.method for one in rounds] == ["gaussian_copula", "cart", "gaussian_copula"]
    assert selector.told[0] == EvidenceMetrics(failed=True)
    assert selector.told[1].fidelity is not None
    assert selector.told[1].membership_auc is not None
    assert len(selector.told) == 2
    assert best is max(rounds, key=_order)
    assert any("arf failed" in line for line in said)


def test_a_round_in_which_nothing_runs_is_left_out(tmp_path: Path) -> None:
    selector = Scripted(tmp_path, plan("arf", "ctgan", "tvae"), plan("cart", "arf", "tvae"))
    best, rounds, _ = run(selector, rounds=2)
    assert [one.number for one in rounds] == [2]
    assert best is rounds[0]
    assert selector.told == [EvidenceMetrics(failed=True)]


def test_nothing_that_runs_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SynthesisFailed, match="clinical-model-selector environments --create arf"):
        run(Scripted(tmp_path, plan("arf", "ctgan", "tvae")), rounds=1)


@pytest.mark.parametrize(
    "after", [NoFeasibleSynthesizer({"cart": "why"}), plan("cart", "gaussian_copula", "arf")], ids=["none", "the same"]
)
def test_finished_rounds_are_kept_where_no_further_plan_can_be_had(
    after: ModelSelectionPlan | Exception, tmp_path: Path
) -> None:
    best, rounds, said = run(Scripted(tmp_path, plan("cart", "arf", "tvae"), after), rounds=5)
    assert rounds == (best,)
    assert said[-1].startswith("no further plan")


def test_it_ends_where_nothing_fails(tmp_path: Path) -> None:
    # Coarse enough that no value belongs to few persons.
    table = mixed_table(400)[["age", "stage", "smoker", "ward", "outcome"]].assign(age=lambda t: t["age"].round(-1))
    table = table.assign(age=table["age"].clip(30, 70))
    selector = Scripted(tmp_path, plan("gaussian_copula", "cart", "arf"), RuntimeError("asked once too often"))
    best, rounds = run_auto(
        table,
        selector=cast("ClinicalModelSelector", selector),
        max_seconds=0,
        seed=8,
        rounds=2,
        compliance="research",
        held_out=0.3,
    )
    assert not best.evaluation.failed
    assert best.evaluation.release != "no"
    assert len(rounds) == 1


def test_a_refused_release_is_outweighed_by_nothing(tmp_path: Path) -> None:
    selector = Scripted(tmp_path, plan("gaussian_copula", "cart", "arf"), plan("cart", "gaussian_copula", "arf"))
    _, (first, second), _ = run(selector, rounds=2)
    refused = replace(first, score=1.0, evaluation=decided(first.evaluation, "no", failed=False))
    open_ = replace(second, score=0.0, evaluation=decided(second.evaluation, "not shown", failed=True))
    assert max((refused, open_), key=_order) is open_


def decided(evaluation: Evaluation, release: str, *, failed: bool) -> Evaluation:
    decision = evaluation.decision.model_copy(update={"release": release})
    kept = tuple(v for v in evaluation.verdicts if failed or v.outcome != "fail")
    return evaluation.model_copy(update={"decision": decision, "verdicts": kept})


def test_before_each_round_the_plan_is_shown(tmp_path: Path) -> None:
    seen: list[ModelSelectionPlan] = []
    first = plan("cart", "arf", "tvae")
    run(Scripted(tmp_path, first), rounds=1, before=seen.append)
    assert seen == [first]
