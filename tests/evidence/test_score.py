"""The score and its parts."""

from __future__ import annotations

import pytest
from clinical_model_selector.evidence.benchmark.controls import make_control
from clinical_model_selector.evidence.recommender.score import ScoreParts, Scorer, quick_score
from clinical_model_selector.evidence.recommender.weighing import WEIGHTS, rescale, score_cell
from clinical_model_selector.synthesizers.protection.protect_table import protect_table
from sklearn.datasets import load_breast_cancer, load_wine
from tables import mixed_table


@pytest.fixture(scope="module")
def scored() -> dict[str, ScoreParts]:
    table = load_breast_cancer(as_frame=True).frame.sample(frac=1, random_state=0).reset_index(drop=True)
    train, held_out = table.head(380), table.tail(189).reset_index(drop=True)
    scorer = Scorer(train, held_out, target="target")
    return {name: scorer.score(make_control(name, train, 380, 1)) for name in ("row_copy", "independent", "smote")} | {
        "held out": scorer.score(held_out)
    }


def test_fidelity_runs_from_independent_columns_to_real_rows(scored: dict[str, ScoreParts]) -> None:
    assert scored["independent"].fidelity < 0.1
    assert scored["row_copy"].fidelity > 0.9
    assert scored["held out"].fidelity > 0.9


def test_what_protection_changed_is_held_against_no_synthesizer() -> None:
    """178 rows of distinct numbers: beside unprotected ends even a copy that learned protected rows came near 0."""
    table = load_wine(as_frame=True).frame.sample(frac=1, random_state=0).reset_index(drop=True)
    train, held_out = table.head(125), table.tail(53).reset_index(drop=True)
    protected = protect_table(train, k=11).table
    made = {name: make_control(name, protected, 125, 1) for name in ("row_copy", "independent", "smote")}
    blind = Scorer(train, held_out, target="target")
    seeing = Scorer(train, held_out, target="target", protected=protected)
    assert blind.score(made["smote"]).fidelity < 0.1
    fidelity = {name: seeing.score(synthetic).fidelity for name, synthetic in made.items()}
    assert fidelity["row_copy"] > 0.9
    assert fidelity["smote"] > 0.6
    assert fidelity["independent"] < 0.2


def test_utility_is_nothing_where_nothing_is_taught_and_never_less(scored: dict[str, ScoreParts]) -> None:
    assert scored["independent"].utility == pytest.approx(0, abs=0.1)
    assert scored["row_copy"].utility == pytest.approx(1, abs=0.05)


def test_privacy_is_nothing_for_a_copy_and_all_for_who_knows_nobody(scored: dict[str, ScoreParts]) -> None:
    assert scored["row_copy"].privacy == pytest.approx(0, abs=0.01)
    assert scored["independent"].privacy > 0.85  # type: ignore[operator]
    assert scored["row_copy"].copied
    assert scored["smote"].copied
    assert not scored["independent"].copied


def test_the_raw_figures_are_kept(scored: dict[str, ScoreParts]) -> None:
    assert scored["smote"].raw.keys() >= {"shapes", "pairs", "likeness", "target_ratio", "other_ratio", "copy_auc"}


def test_the_same_seed_scores_alike_whether_prepared_or_not() -> None:
    table = mixed_table(400)
    train, held_out = table.head(280), table.tail(120).reset_index(drop=True)
    made = make_control("smote", train, 280, 0)
    once = quick_score(train, held_out, made, target="outcome", tradeoff="privacy", seconds=10.0)
    scorer = Scorer(train, held_out, target="outcome")
    scorer.score(train)
    assert scorer.score(made, tradeoff="privacy", seconds=10.0) == once


def test_few_held_out_persons_leave_privacy_open() -> None:
    table = mixed_table(60)
    parts = quick_score(table.head(52), table.tail(8).reset_index(drop=True), table.head(52))
    assert parts.privacy is None
    assert parts.membership_auc is None
    assert 0 <= parts.score <= 1


@pytest.mark.parametrize(
    ("value", "independent", "real", "expected"),
    [(0.5, 0.5, 0.9, 0), (0.9, 0.5, 0.9, 1), (0.7, 0.5, 0.9, 0.5), (0.4, 0.5, 0.9, 0), (0.95, 0.5, 0.9, 1),
     (0.8, 0.9, 0.9, 0.9), (0.9, 0.9, 0.9, 1)],
)  # fmt: skip
def test_rescaled(value: float, independent: float, real: float, expected: float) -> None:
    assert rescale(value, independent, real) == pytest.approx(expected)


@pytest.mark.parametrize("tradeoff", WEIGHTS)
def test_scores_lie_between_nothing_and_all(tradeoff: str) -> None:
    assert score_cell(tradeoff, 1, 1, 0, 0.1) == pytest.approx(1)  # type: ignore[arg-type]
    assert score_cell(tradeoff, 0, 0, 1, 1e5) == pytest.approx(0)  # type: ignore[arg-type]
    assert score_cell(tradeoff, 0.5, None, 0.5, 100) == pytest.approx(0.5)  # type: ignore[arg-type]
    assert score_cell(tradeoff, 0.5, 0.5, None, 100) == pytest.approx(0.5)  # type: ignore[arg-type]


def test_a_column_that_the_goal_is_about_weighs_more() -> None:
    table = load_wine(as_frame=True).frame.sample(frac=1, random_state=0).reset_index(drop=True)
    train, held_out = table.head(125), table.tail(53).reset_index(drop=True)
    made = train.assign(flavanoids=train["flavanoids"].sample(frac=1, random_state=1).to_numpy())
    plain = Scorer(train, held_out, target="target").score(made).raw["other_ratio"]
    asked = Scorer(train, held_out, target="target", emphasis=["flavanoids"]).score(made).raw["other_ratio"]
    assert plain is not None
    assert asked is not None
    assert asked < plain - 0.1
