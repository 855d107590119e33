from __future__ import annotations

from typing import Any

import pytest
from builders import constraints, profile, question
from clinical_model_selector.chains.plan_check import check_plan
from clinical_model_selector.evidence.recommender.ranking import rank, recommend
from clinical_model_selector.evidence.recommender.review_choice import apply_evidence
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.question import Question


def answer(asked: Question, first: str) -> ModelSelectionPlan:
    """A feasible plan whose choice is ``first``, whatever the evidence says."""
    configs = {one.method: one.config for one in rank(asked)}
    others = [method for method in configs if method != first][:2]
    choice = configs[first]
    return ModelSelectionPlan.model_validate(
        {
            "choice": choice.model_dump(),
            "backups": [configs[method].model_dump() for method in others],
            "dp": {
                "enabled": choice.is_dp,
                "epsilon": choice.total_epsilon if choice.is_dp else None,
                "delta": choice.total_delta if choice.is_dp else None,
            },
            "sample_multiplier": 1.0,
            "max_synth_rows": 500,
            "rationale": "state of the art",
        }
    )


def asked_with(policy: str, **fields: Any) -> Question:
    return question(**fields, evidence_policy=policy)


def test_the_best_choice_is_agreed_with() -> None:
    asked = asked_with("enforce")
    plan, note = apply_evidence(recommend(asked), asked)
    assert plan == recommend(asked)
    assert note is not None
    assert (note.agrees, note.replaced) == (True, False)
    assert note.choice == note.best


@pytest.mark.parametrize("policy", ["advise", "enforce", "off"])
def test_a_worse_choice_is_told_of_replaced_or_let_be(policy: str) -> None:
    asked = asked_with(policy)
    worst = rank(asked)[-1]
    given = answer(asked, worst.method)
    plan, note = apply_evidence(given, asked)
    if policy == "off":
        assert (plan, note) == (given, None)
        return
    best = rank(asked)[0]
    assert note is not None
    assert (note.agrees, note.replaced) == (False, policy == "enforce")
    assert (note.choice.method, note.best.method) == (worst.method, best.method)
    assert worst.method in note.sentence
    if policy == "advise":
        assert plan == given
        return
    assert plan.choice == best.config
    assert plan.backups[0] == given.choice
    assert check_plan(plan, asked) == ()
    assert best.method in plan.rationale


def test_a_replaced_choice_keeps_budget_and_backups_in_order() -> None:
    safe = profile(5000)
    limits = constraints(compliance="hipaa_like", require_dp=True)
    asked = Question(profile=safe, constraints=limits.model_copy(update={"evidence_policy": "enforce"}))
    for one in rank(asked):
        plan, _ = apply_evidence(answer(asked, one.method), asked)
        assert plan.dp.enabled
        assert plan.dp.epsilon == plan.choice.total_epsilon
        assert check_plan(plan, asked) == ()
