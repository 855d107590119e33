from __future__ import annotations

from typing import Any

import pytest
from builders import profile, question
from clinical_model_selector.chains.plan_check import check_plan, plan_cautions
from clinical_model_selector.evidence.recommender.ranking import recommend
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.question import Question

DP_ON = {"enabled": True, "epsilon": 1.0, "delta": 1e-5}


def config(method: str, **changes: Any) -> dict[str, Any]:
    return {**HYPERPARAMETERS[method].defaults(), **changes}


def changed(**changes: Any) -> ModelSelectionPlan:
    base = {
        "choice": config("cart"),
        "backups": [config("gaussian_copula"), config("arf")],
        "dp": {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0,
        "max_synth_rows": 600,
        "rationale": "figures",
    }
    return ModelSelectionPlan.model_validate({**base, **changes})


def dp_plan(**changes: Any) -> ModelSelectionPlan:
    return changed(
        choice=config("dp_mst"), backups=[config("dp_aim"), config("dpctgan", batch_size=100)], dp=DP_ON, **changes
    )


FORBIDDEN: dict[str, tuple[ModelSelectionPlan, Question, tuple[str | int, ...], str]] = {
    "choice not allowed": (
        changed(),
        question(allowed=("arf", "tvae", "gaussian_copula")),
        ("choice", "method"),
        "not_allowed",
    ),
    "backup not allowed": (
        changed(),
        question(allowed=("cart", "gaussian_copula", "tvae")),
        ("backups", 1, "method"),
        "not_allowed",
    ),
    "backup's licence": (
        changed(backups=[config("arf"), config("tvae", epochs=600)]),
        question(deployment="saas"),
        ("backups", 1, "method"),
        "licence",
    ),
    "no privacy where required": (changed(), question(require_dp=True), ("choice", "method"), "no_dp"),
    "backup without privacy": (
        changed(choice=config("dp_mst"), backups=[config("dp_aim"), config("cart")], dp=DP_ON),
        question(require_dp=True),
        ("backups", 1, "method"),
        "no_dp",
    ),
    "epsilon of the choice": (dp_plan(), question(epsilon_max=0.5), ("choice", "dp_mst", "epsilon"), "epsilon"),
    "epsilon of the plan": (dp_plan(), question(epsilon_max=0.5), ("dp", "epsilon"), "epsilon"),
    "epsilon of a backup": (dp_plan(), question(epsilon_max=0.5), ("backups", 0, "dp_aim", "epsilon"), "epsilon"),
    "delta above one over rows": (dp_plan(), question(delta_max=1e-6), ("choice", "dp_mst", "delta"), "delta"),
    "width": (
        changed(backups=[config("arf"), config("ctgan")]),
        question(profile(100_000, categorical=4, levels=700)),
        ("backups", 1, "method"),
        "too_wide",
    ),
    "undertrained": (
        changed(backups=[config("arf"), config("ctgan")]),
        question(),
        ("backups", 1, "ctgan", "epochs"),
        "undertrained",
    ),
    "batch over rows": (
        changed(backups=[config("arf"), config("ctgan", batch_size=1000, epochs=2000)]),
        question(),
        ("backups", 1, "ctgan", "batch_size"),
        "batch_over_rows",
    ),
    "too slow": (
        changed(backups=[config("arf"), config("ctgan", epochs=2000)]),
        question(max_fit_seconds=60.0),
        ("backups", 1, "ctgan", "method"),
        "too_slow",
    ),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_what_is_forbidden_is_found_where_it_stands(case: str) -> None:
    plan, asked, loc, kind = FORBIDDEN[case]
    assert (loc, kind) in [(v.loc, v.type) for v in check_plan(plan, asked)]


def test_fewer_backups_are_fine_where_no_other_method_is_feasible_and_that_is_said() -> None:
    two = question(allowed=("cart", "arf"))
    assert check_plan(changed(backups=[config("arf")]), two) == ()
    assert [v.type for v in check_plan(changed(backups=[]), two)] == ["too_few_backups"]
    alone = question(allowed=("cart",))
    assert check_plan(changed(backups=[]), alone) == ()
    assert any("only 1 synthesizer is feasible" in caution for caution in plan_cautions(changed(backups=[]), alone))
    assert [v.type for v in check_plan(changed(backups=[config("arf")]), question())] == ["too_few_backups"]


@pytest.mark.parametrize("methods", [("cart",), ("dp_mst", "cart"), ("ctgan", "arf", "cart")])
def test_the_recommender_plans_with_what_is_feasible(methods: tuple[str, ...]) -> None:
    asked = question(allowed=methods)
    plan = recommend(asked)
    assert set(plan.methods) == set(methods)
    assert check_plan(plan, asked) == ()


@pytest.mark.parametrize(("rows", "least", "fails"), [(680, 68, False), (680, 67, True), (90_000, 4_999, True)])
def test_a_plan_makes_at_least_a_tenth_of_the_rows(rows: int, least: int, fails: bool) -> None:
    plan = changed(max_synth_rows=least, backups=[config("gaussian_copula"), config("arf")])
    assert ("too_few_rows" in {v.type for v in check_plan(plan, question(profile(rows)))}) is fails


def test_a_sound_plan_has_no_violation() -> None:
    assert check_plan(changed(), question()) == ()
    assert check_plan(dp_plan(), question(profile(5000), require_dp=True)) == ()


def test_recommended_privacy_is_a_caution_and_not_a_violation() -> None:
    asked = question()
    assert any("recommends differential privacy" in c for c in plan_cautions(recommend(asked), asked))
    assert plan_cautions(dp_plan(), asked) == []
    assert plan_cautions(dp_plan(), question(profile(5000, patients=5000))) == []
    few = plan_cautions(dp_plan(), question(profile(5000, patients=40)))
    assert ["about 40 patients" in few[0], "independent" in few[1]] == [True, True]
    assert plan_cautions(changed(), question(compliance="research")) == []
