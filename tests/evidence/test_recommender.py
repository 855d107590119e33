from __future__ import annotations

from typing import Any, get_args

import pytest
from builders import constraints, profile, question
from clinical_model_selector.chains.plan_check import check_plan
from clinical_model_selector.evidence.benchmark.results import load_measurements
from clinical_model_selector.evidence.recommender import expected_results as prediction
from clinical_model_selector.evidence.recommender.expected_results import expect
from clinical_model_selector.evidence.recommender.ranking import (
    WEIGHTS,
    EmbeddedRecommender,
    rank,
    rate_config,
    recommend,
)
from clinical_model_selector.schemas.errors import NoFeasibleSynthesizer
from clinical_model_selector.schemas.methods.trees.cart import CART
from clinical_model_selector.schemas.options import Tradeoff
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.profile import SafeProfile
from clinical_model_selector.schemas.question import Question
from clinical_model_selector.schemas.request import Landmark, PreviousRound
from clinical_model_selector.synthesizers.catalogue import CATALOGUE
from clinical_model_selector.synthesizers.sizing import TableShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TRADEOFFS = get_args(Tradeoff)


def again(asked: Question, plan: ModelSelectionPlan, **metrics: Any) -> ModelSelectionPlan:
    previous = PreviousRound.model_validate({"plan": plan.model_dump(), "metrics": metrics})
    return recommend(asked.model_copy(update={"previous": previous}))


def test_weights_are_shares_for_every_tradeoff() -> None:
    assert set(WEIGHTS) == set(TRADEOFFS)
    assert all(sum(weights) == pytest.approx(1.0) for weights in WEIGHTS.values())


@pytest.mark.parametrize("method", [method for method, entry in CATALOGUE.items() if not entry.histories])
def test_expectations_are_shares_and_name_their_source(method: str) -> None:
    found = expect(method, TableShape.of(profile()))
    assert 0 <= found.fidelity <= 1
    assert 0 <= found.utility <= 1
    assert 0 <= found.risk <= 1
    assert 0 <= found.failed_share < 1
    assert found.cost_factor > 0
    own = {c.table for c in load_measurements() if c.method == method and c.failure is None}
    assert (found.stand_in is None) == bool(own)
    assert not own or set(found.measured_on) <= own


def test_a_table_like_a_measured_one_gets_its_figures() -> None:
    own = [c for c in load_measurements() if c.method == "cart" and c.table == "diabetes130_codes"]
    shape = own[0].shape
    assert expect("cart", shape).measured_on[0] == "diabetes130_codes"
    without = expect("cart", shape, frozenset({"diabetes130"}))
    assert not any(name.startswith("diabetes130") for name in without.measured_on)


def test_what_was_never_measured_gets_its_familys_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    others = tuple(cell for cell in load_measurements() if cell.method != "tvae")
    monkeypatch.setattr(prediction, "load_measurements", lambda: tuple(c for c in others if c.method != "ctgan"))
    _forget()
    try:
        assert expect("tvae", TableShape.of(profile())).stand_in == "all synthesizers"
        assert expect("ctgan", TableShape.of(profile())).stand_in == "the gan family"
    finally:
        _forget()


def _forget() -> None:
    for cached in (expect, prediction._basis_of, prediction._likenesses, prediction._effects):
        cached.cache_clear()


def test_errors_are_wide_where_no_table_is_alike_and_that_is_said() -> None:
    usual, odd = TableShape.of(profile()), TableShape.of(profile(400_000, continuous=0, categorical=40, levels=1500))
    like, unlike = expect("cart", usual), expect("cart", odd)
    assert not like.unlike
    assert unlike.unlike
    assert unlike.fidelity_error > like.fidelity_error
    assert unlike.risk_error > like.risk_error
    rationale = recommend(question(profile(400_000, continuous=0, categorical=40, levels=1500))).rationale
    assert "no table like this was measured" in rationale


def test_landmarks_take_the_place_of_expectations_and_move_the_others() -> None:
    shape = TableShape.of(profile())
    label = next(cell.caution for cell in load_measurements() if cell.method == "cart")
    poor = (Landmark(method="cart", caution=label, fidelity=0.2, utility=0.3, risk=0.4),)
    before, after = expect("cart", shape, caution=label), expect("cart", shape, caution=label, landmarks=poor)
    assert after.fitted_here
    assert abs(after.fidelity - 0.2) < abs(before.fidelity - 0.2) / 2
    assert abs(after.risk - 0.4) < abs(before.risk - 0.4)
    # A table on which one does badly is taken for a harder one.
    assert expect("arf", shape, landmarks=poor).fidelity < expect("arf", shape).fidelity


def test_landmarks_are_part_of_the_question() -> None:
    asked = question(allowed=("cart", "gaussian_copula"), compliance="research")
    better = [
        Landmark(method="cart", caution=c, fidelity=0.99, utility=0.99, risk=0.0) for c in CATALOGUE["cart"].cautions
    ]
    worse = Landmark(method="gaussian_copula", caution=0.0, fidelity=0.1, utility=0.1, risk=0.0)
    told = asked.model_copy(update={"landmarks": (*better, worse)})
    assert recommend(told).choice.method == "cart"
    assert "fitted to it once" in recommend(told).rationale


def test_larger_leaves_are_expected_to_disclose_less() -> None:
    shape = TableShape.of(profile())
    risks = [expect("cart", shape, caution=level).risk for level in CATALOGUE["cart"].cautions]
    assert risks == sorted(risks, reverse=True)


@pytest.mark.parametrize(
    ("fields", "family"),
    [
        ({"tradeoff": "fidelity", "allowed": ("cart", "gaussian_copula", "arf", "tvae", "ctgan")}, "sequential trees"),
        ({"tradeoff": "privacy", "allowed": ("gaussian_copula", "tvae", "ctgan")}, "copula"),
        ({"require_dp": True}, "marginals"),
        ({"allowed": ("ctgan", "tvae", "dpctgan"), "tradeoff": "utility"}, "vae"),
        ({"allowed": ("ctgan", "tvae", "arf", "argn", "dpctgan"), "deployment": "saas"}, "trees"),
    ],
)  # fmt: skip
def test_constraints_make_the_choice(fields: dict[str, Any], family: str) -> None:
    assert CATALOGUE[recommend(question(**fields)).choice.method].family == family


def test_rationale_gives_the_figures_it_rests_on() -> None:
    asked = question()
    plan, ranked = recommend(asked), rank(asked)
    assert f"{ranked[0].expectation.fidelity:.2f}" in plan.rationale
    assert f"{ranked[0].expectation.risk:.2f}" in plan.rationale
    assert f"{ranked[1].method} {ranked[1].score:.2f}" in plan.rationale
    assert "680 rows" in plan.rationale


def test_privacy_asks_for_larger_leaves_than_fidelity() -> None:
    def leaf(tradeoff: str) -> int:
        item = next(r for r in rank(question(tradeoff=tradeoff, compliance="research")) if r.method == "cart")
        return int(item.config.knobs()["min_samples_leaf"])

    assert leaf("privacy") >= leaf("fidelity")
    assert leaf("privacy") > 5


def test_somebody_elses_configuration_is_rated_as_the_nearest_measured_one() -> None:
    asked = question(compliance="research")
    small, large = (rate_config(CART.with_defaults(min_samples_leaf=n), asked) for n in (6, 44))
    assert small.config.knobs() == {"min_samples_leaf": 5}
    assert large.config.knobs() == {"min_samples_leaf": 50}
    assert small.expectation.risk > large.expectation.risk


def test_replanning_changes_what_failed() -> None:
    asked = question(allowed=("cart", "arf", "gaussian_copula", "tvae"))
    first = recommend(asked)
    own = first.choice.method
    assert again(asked, first, failed=True).choice.method != own
    risky = again(asked, first, membership_auc=0.75)
    assert CATALOGUE[risky.choice.method].family != CATALOGUE[own].family
    assert "0.75" in risky.rationale
    assert again(asked, first, fidelity=0.99, utility=0.99, membership_auc=0.51).choice.method == own


def test_poor_fidelity_of_a_deep_synthesizer_doubles_its_steps() -> None:
    asked = question(allowed=("tvae", "ctgan", "tabddpm"), tradeoff="utility")
    first = recommend(asked)
    assert first.choice.method in ("tvae", "tabddpm")
    second = again(asked, first, fidelity=0.4)
    knob = "n_iter" if second.choice.method == "tabddpm" else "epochs"
    assert second.choice.method == first.choice.method
    assert second.choice.knobs()[knob] > first.choice.knobs()[knob]


def test_it_is_a_runnable() -> None:
    asked = question()
    assert EmbeddedRecommender().invoke(asked) == recommend(asked)
    assert EmbeddedRecommender().batch([asked, asked]) == [recommend(asked)] * 2


profiles = st.builds(
    profile,
    rows=st.integers(50, 500_000),
    continuous=st.integers(0, 30),
    categorical=st.integers(1, 30),
    levels=st.integers(2, 2000),
    patients=st.none() | st.integers(50, 5000),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    safe=profiles,
    tradeoff=st.sampled_from(TRADEOFFS),
    compliance=st.sampled_from(["research", "hipaa_like", "gdpr_like", "clinical_strict"]),
    deployment=st.sampled_from(["internal", "saas"]),
    require_dp=st.booleans(),
    seconds=st.none() | st.floats(1, 1e5),
)
def test_every_answer_passes_the_check_or_is_refused_with_reasons(
    safe: SafeProfile, tradeoff: str, compliance: str, deployment: str, require_dp: bool, seconds: float | None
) -> None:
    limits = constraints(compliance=compliance, tradeoff=tradeoff, deployment=deployment, max_fit_seconds=seconds)
    limits = limits.model_copy(update={"require_dp": limits.require_dp or require_dp})
    asked = Question(profile=safe, constraints=limits)
    try:
        plan = recommend(asked)
    except NoFeasibleSynthesizer as error:
        refusal = error
    else:
        assert check_plan(plan, asked) == ()
        return
    assert all(refusal.reasons.values())
