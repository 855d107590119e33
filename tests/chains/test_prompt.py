from __future__ import annotations

from builders import profile, question
from clinical_model_selector.chains.prompt import SYSTEM, build_messages, render_user_message
from clinical_model_selector.evidence.recommender.ranking import rank, recommend
from clinical_model_selector.profiling import describe_for_prompt
from clinical_model_selector.schemas.request import PreviousRound
from clinical_model_selector.synthesizers.catalogue import CATALOGUE


def test_the_prompt_states_constraints_table_and_every_synthesizer_once() -> None:
    asked = question(tradeoff="privacy", deployment="saas", max_fit_seconds=600.0)
    text = render_user_message(asked)
    assert "trade-off: privacy" in text
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
    for item in rank(asked):
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


def test_no_slogans() -> None:
    text = (SYSTEM + render_user_message(question(profile(5000)))).lower()
    for slogan in ("state of the art", "state-of-the-art", "sota", "best in class", "cutting edge"):
        assert slogan not in text
