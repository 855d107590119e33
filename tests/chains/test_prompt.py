from __future__ import annotations

import pytest
from builders import profile, question
from clinical_model_selector.chains.prompt import (
    LEGEND,
    MOST_OFFERED,
    SYSTEM,
    _figure,
    build_messages,
    offered_methods,
    render_user_message,
)
from clinical_model_selector.chains.providers.plan_schema import SchemaForm, plan_schema, schema_text
from clinical_model_selector.chains.sample_prompts import wordy_messages
from clinical_model_selector.evidence.recommender.ranking import rank, recommend
from clinical_model_selector.evidence.recommender.review_choice import NOTICEABLE
from clinical_model_selector.profiling import describe_for_prompt
from clinical_model_selector.schemas.request import PreviousRound
from clinical_model_selector.synthesizers.catalogue import CATALOGUE


def test_the_prompt_states_constraints_table_and_every_synthesizer_once() -> None:
    asked = question(tradeoff="privacy", deployment="saas", max_fit_seconds=600.0)
    text = render_user_message(asked)
    assert "trade-off: privacy; score = 0.15 fidelity + 0.15 utility + 0.7 (1 - risk)" in text
    assert "total epsilon at most 1, delta at most 1e-05" in text
    assert "at most 600 CPU seconds" in text
    assert describe_for_prompt(asked.profile) in text
    for method in CATALOGUE:
        assert text.count(f"\n- {method} [") + text.count(f"\n- {method}:") == 1
    feasible, refused = text.split("# Not feasible here")
    assert "- ctgan: BSL-1.1 bars" in refused
    assert "- ctgan" not in feasible


def test_feasible_synthesizers_come_with_hyperparameters_to_start_from() -> None:
    asked = question()
    text = render_user_message(asked)
    offered = [item for item in rank(asked) if item.method in offered_methods(asked)]
    assert len(offered) == MOST_OFFERED
    for item in offered:
        for name in item.assessment.config.knobs():  # type: ignore[union-attr]
            assert f"{name}=" in text


def test_equal_questions_give_equal_messages() -> None:
    assert build_messages(question()) == build_messages(question())
    assert build_messages(question())[0].content == SYSTEM


def test_a_previous_round_is_told_with_its_figures() -> None:
    asked = question()
    previous = PreviousRound.model_validate(
        {"plan": recommend(asked).model_dump(), "metrics": {"fidelity": 0.71, "membership_auc": 0.66, "note": "secret"}}
    )
    text = render_user_message(asked.model_copy(update={"previous": previous}))
    assert recommend(asked).choice.method in text.split("# Previous round")[1]
    assert "fidelity 0.710, membership AUC 0.660" in text
    assert "secret" not in text


def test_ranges_stand_beside_the_hyperparameters() -> None:
    text = render_user_message(question(allowed=("cart", "gaussian_copula", "tvae", "argn")))
    assert "min_samples_leaf=50 (5 to 50)" in text
    assert "marginal=empirical (empirical|gaussian|kde)" in text
    assert "(1 to 3 numbers, each 16 to 512)" in text
    assert "(16 to 4096 or None)" in text


def test_ties_are_named_as_ties() -> None:
    asked = question(allowed=("gaussian_copula", "bayesian_network", "latent_class", "tvae"))
    scores = {item.method: item.score for item in rank(asked)}
    best = max(scores.values())
    equal = [method for method, score in scores.items() if best - score < NOTICEABLE]
    assert f"Equal within 0.05, which seeds make: {', '.join(equal)}; decide by the goal." in render_user_message(asked)
    assert "Equal within" not in render_user_message(question(allowed=("cart",)))


def test_the_profiles_line_has_a_legend() -> None:
    assert LEGEND in render_user_message(question())


def test_no_praise_that_a_figure_could_contradict() -> None:
    text = render_user_message(question())
    assert all(entry.strength not in text for entry in CATALOGUE.values())


def test_no_slogans() -> None:
    text = (SYSTEM + render_user_message(question(profile(5000)))).lower()
    for slogan in ("state of the art", "state-of-the-art", "sota", "best in class", "cutting edge"):
        assert slogan not in text


@pytest.mark.parametrize("form", ["plain", "bounded"])
def test_prompt_and_schema_of_thirty_columns_stay_below_5000_tokens(form: SchemaForm) -> None:
    """Bytes per token as cl100k counts them in these very texts: 2.6 in prompts, 3.7 in schemas."""
    asked, messages = wordy_messages(columns=30)
    offered = offered_methods(asked)
    prompt = sum(len(str(message.content).encode()) for message in messages)
    assert prompt / 2.6 + len(schema_text(form, offered)) / 3.7 < 5_000
    assert len(offered) == MOST_OFFERED
    assert sum(CATALOGUE[method].dp is not None for method in offered) == 2


def test_the_schema_lets_name_who_is_offered_and_nobody_else() -> None:
    asked = question(allowed=("cart", "tvae", "arf"))
    schema = plan_schema("plain", offered_methods(asked))
    members = {m["properties"]["method"]["const"] for m in schema["$defs"].values() if "method" in m["properties"]}
    assert members == {"cart", "tvae", "arf"}
    for union in (schema["properties"]["choice"], schema["properties"]["backups"]["items"]):
        assert len(union["anyOf"]) == 3
    assert schema is plan_schema("plain", offered_methods(asked))


def test_figures_can_be_kept_from_a_model_for_judging_it() -> None:
    asked = question()
    measured = render_user_message(asked)
    bare = render_user_message(asked.model_copy(update={"figures": "none"}))
    told = bare.split("# Feasible")[1]
    assert "±" in measured
    assert not any(sign in told for sign in ("±", "score 0", "Equal within"))
    names = [line.split(" ")[1] for line in told.splitlines() if line.startswith("- ") and "CPU s" in line]
    assert names == sorted(item.method for item in rank(asked))
    for item in rank(asked):
        for name in item.config.knobs():
            assert f"{name}=" in told


def test_shuffled_figures_are_all_there_and_none_is_its_own() -> None:
    asked = question()
    shuffled = asked.model_copy(update={"figures": "shuffled"})
    text = render_user_message(shuffled)
    assert text == render_user_message(shuffled)
    own = {item.method: f"score {item.score:.2f}, fidelity" for item in rank(asked)}
    lines = {line.split(" ")[1]: line for line in text.splitlines() if line.startswith("- ") and "score" in line}
    assert lines.keys() == own.keys()
    scores = [line.split("score ")[1][:4] for line in lines.values()]
    assert scores == sorted(scores, reverse=True)
    assert sorted(scores) == sorted(f"{item.score:.2f}" for item in rank(asked))
    expected = {item.method: item.expectation for item in rank(asked)}
    moved = [m for m in lines if f"fidelity {_figure(expected[m].fidelity, expected[m].fidelity_error)}" in lines[m]]
    assert len(moved) <= 1
