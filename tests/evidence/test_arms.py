"""Arms: what they are allowed, how they are compared, and the goals in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from clinical_model_selector.evidence.benchmark.arms import (
    ARM_WORDS,
    COMPARISONS,
    MARGIN,
    compare_arms,
    judge_difference,
    propose_embedded,
)
from clinical_model_selector.evidence.benchmark.goals import (
    GOAL_TABLE,
    Goal,
    Right,
    broken,
    compare_on_goals,
    question_for,
    read_goals,
)
from clinical_model_selector.evidence.benchmark.peer_test import judge_ranking, run_peer_test
from clinical_model_selector.evidence.benchmark.results import Measured, load_measurements
from clinical_model_selector.evidence.recommender.ranking import rank, recommend
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.methods import CATALOGUE, HYPERPARAMETERS, TableShape
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.schemas.question import Question
from clinical_model_selector.synthesizers.feasibility import assess

GOALS = Path(__file__).parents[2] / "benchmarks" / "goals.toml"


def cells(table: str, scores: dict[str, tuple[float, ...]]) -> list[Measured]:
    shape = TableShape(500, 6, 3, 9, 3, 0, 0.0)
    return [
        Measured(
            table=table, origin=table, method=method, seed=seed, shape=shape, failure=None, fidelity=score,
            utility=score, risk=1 - score, membership_auc=0.5, membership_low=0.4, membership_high=0.55,
            cpu_seconds=0.1, fitted_rows=350,
        )
        for method, own in scores.items()
        for seed, score in enumerate(own)
    ]  # fmt: skip


CELLS = [
    *cells("a", {"cart": (0.9, 0.9), "gaussian_copula": (0.5, 0.5), "latent_class": (0.2, 0.2)}),
    *cells("b", {"cart": (0.8, 0.8), "gaussian_copula": (0.6, 0.6), "latent_class": (0.2, 0.2)}),
    *cells("c", {"cart": (0.3, 0.3), "gaussian_copula": (0.7, 0.7), "latent_class": (0.2, 0.2)}),
]


def takes(*methods: str):
    return lambda question: [HYPERPARAMETERS[method].with_defaults() for method in methods]


def test_arms_are_scored_by_their_first_proposal_and_by_the_best_of_four() -> None:
    report = compare_arms(CELLS, {"embedded": takes("cart", "gaussian_copula")}, scenarios=("none",))
    arms = report["arms"]
    first, best = (0.9 + 0.8 + 0.3) / 3, (0.9 + 0.8 + 0.7) / 3
    weight, speed = 0.99, 0.01  # of the balanced weights; these fits take no time
    assert arms["embedded"]["one_fit"] == pytest.approx(weight * first + speed)
    assert arms["embedded"]["four_fits"] == pytest.approx(weight * best + speed)
    assert arms["race"]["one_fit"] == pytest.approx(weight * best + speed)
    # Of other origins: cart wins b but the copula c, and so on; on c cart won both others.
    assert arms["majority"]["one_fit"] == pytest.approx(weight * first + speed)
    assert arms["random"]["one_fit"] == pytest.approx(weight * (1.6 + 1.6 + 1.2) / 9 + speed)


def test_where_nothing_was_measured_twice_nothing_is_raced() -> None:
    once = [cell for cell in CELLS if cell.seed == 0]
    report = compare_arms(once, {"embedded": takes("cart", "gaussian_copula")}, scenarios=("none",))
    assert report["arms"].keys() == {"majority", "random", "embedded"}
    assert report["arms"]["embedded"]["four_fits"] is None
    assert {(item["arm"], item["fits"]) for item in report["differences"]} == {("embedded", 1)}


def test_no_answer_scores_nothing() -> None:
    report = compare_arms(CELLS, {"embedded": takes(), "llm alone": takes("tvae")}, scenarios=("none",))
    assert report["arms"]["embedded"]["one_fit"] == report["arms"]["embedded"]["four_fits"] == 0
    assert report["arms"]["llm alone"]["one_fit"] == 0


def test_only_pairs_of_arms_that_were_asked_are_compared() -> None:
    report = compare_arms(CELLS, {"embedded": propose_embedded}, scenarios=("none", "privacy"))
    pairs = {(item["arm"], item["against"]) for item in report["differences"]}
    assert pairs == {("embedded", "majority"), ("race", "embedded")}
    every = {name: takes("cart") for name in ("embedded", "llm alone", "llm + evidence", "llm + shuffled evidence")}
    report = compare_arms(CELLS, every, scenarios=("none",))
    assert {(item["arm"], item["against"]) for item in report["differences"]} == set(COMPARISONS)
    same = [item for item in report["differences"] if item["against"] == "llm alone"]
    assert {item["verdict"] for item in same} == {"equivalent"}
    assert {name for pair in COMPARISONS for name in pair} <= ARM_WORDS.keys()


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.005, 0.008, "equivalent"), (0.002, 0.009, "equivalent"), (0.002, 0.02, "better"), (-0.03, -0.001, "worse"),
     (-0.02, 0.001, "not settled"), (-0.5, 0.5, "not settled")],
)  # fmt: skip
def test_what_an_interval_says(low: float, high: float, verdict: str) -> None:
    assert judge_difference(low, high) == verdict
    assert MARGIN == 0.01


def test_unknown_scenarios_and_empty_measurements_are_refused() -> None:
    with pytest.raises(SettingsError, match="--scenarios: unknown nonsense"):
        compare_arms(CELLS, {}, scenarios=("nonsense",))
    with pytest.raises(SettingsError, match="nothing can be judged"):
        compare_arms(cells("a", {"cart": (0.5,)}), {})


def test_the_judged_tables_origin_is_kept_from_every_arm() -> None:
    seen: list[frozenset[str]] = []

    def arm(question: Question) -> list[object]:
        seen.append(question.left_out)
        return []

    compare_arms(CELLS, {"embedded": arm}, scenarios=("none",))  # type: ignore[dict-item]
    assert set(seen) == {frozenset({"a"}), frozenset({"b"}), frozenset({"c"})}


def test_the_shipped_measurements_compare() -> None:
    report = compare_arms(load_measurements(), {"embedded": propose_embedded}, scenarios=("none",))
    assert report["origins"] >= 10
    assert report["arms"]["embedded"]["one_fit"] > report["arms"]["random"]["one_fit"]


def plan_of(method: str, *backups: str, multiplier: float = 1.0, most: int = 50_000, **knobs: object):
    choice = HYPERPARAMETERS[method].with_defaults(**knobs)
    return ModelSelectionPlan(
        choice=choice, backups=[HYPERPARAMETERS[name].with_defaults() for name in backups],
        dp=DPSettings.spent_by(choice), sample_multiplier=multiplier, max_synth_rows=most, rationale="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("right", "plan", "faults"),
    [
        ({"private": True}, plan_of("cart"), ("private",)),
        ({"private": True}, plan_of("dp_mst"), ()),
        ({"private": False}, plan_of("dp_mst"), ("private",)),
        ({"epsilon_at_most": 0.5}, plan_of("dp_mst"), ("epsilon_at_most",)),
        ({"epsilon_at_most": 0.5}, plan_of("dp_mst", epsilon=0.4), ()),
        ({"families": ("gan",)}, plan_of("cart"), ("families",)),
        ({"not_families": ("gan",)}, plan_of("cart", "ctgan"), ()),
        ({"not_families": ("gan",), "backups_too": True}, plan_of("cart", "ctgan"), ("not_families",)),
        ({"methods": ("cart",)}, plan_of("arf"), ("methods",)),
        ({"not_methods": ("cart",), "backups_too": True}, plan_of("arf", "cart"), ("not_methods",)),
        ({"own": True}, plan_of("tvae"), ("own",)),
        ({"free": True}, plan_of("ctgan"), ("free",)),
        ({"free": True}, plan_of("cart"), ()),
        ({"seconds_at_most": 1.0}, plan_of("tabddpm"), ("seconds_at_most",)),
        ({"rows_at_most": 500}, plan_of("cart"), ("rows_at_most",)),
        ({"rows_at_most": 500}, plan_of("cart", most=500), ()),
        ({"rows_at_least": 2000}, plan_of("cart", multiplier=2.0), ()),
        ({"knob": "min_samples_leaf", "knob_at_least": 30}, plan_of("cart", min_samples_leaf=40), ()),
        ({"knob": "min_samples_leaf", "knob_at_least": 30}, plan_of("cart"), ("knob_at_least",)),
        ({"knob": "min_samples_leaf", "knob_at_least": 30}, plan_of("arf"), ("knob",)),
        ({}, None, ("no plan",)),
    ],
)
def test_what_breaks_a_goal(right: dict[str, object], plan: ModelSelectionPlan | None, faults: tuple[str, ...]) -> None:
    assert broken(Goal(name="g", words="w", right=Right.model_validate(right)), plan) == faults


def test_forty_goals_each_of_which_some_plan_meets_and_the_recommender_does_not_by_itself() -> None:
    goals = read_goals(GOALS)
    assert len(goals) == 40
    feasible = {
        name: item.config
        for name, item in assess(question_for(goals[0]).profile, question_for(goals[0]).constraints).items()
        if item.feasible and item.config is not None
    }
    assert {entry.family for entry in map(CATALOGUE.__getitem__, feasible)} >= {
        "copula", "trees", "graphical", "gan", "vae", "diffusion", "autoregressive", "marginals",
    }  # fmt: skip
    for goal in goals:
        assert any(not broken(goal, plan) for plan in plans_towards(goal, feasible)), goal.name
    report = compare_on_goals(goals, {"embedded": recommend, "nobody": lambda question: None})
    # Whoever does not read the words is right now and then by chance.
    assert report["embedded"]["share"] <= 0.5
    assert report["nobody"] == {
        "right": 0, "goals": 40, "share": 0.0, "broken": {goal.name: ["no plan"] for goal in goals},
    }  # fmt: skip


def plans_towards(goal: Goal, feasible: dict[str, object]) -> list[ModelSelectionPlan]:
    """One plan for every feasible choice, with what the goal says of rows, budget, knob and backups."""
    right = goal.right
    rows = right.rows_at_most or GOAL_TABLE.rows
    plans = []
    for method, config in feasible.items():
        knobs = dict(config.knobs())  # type: ignore[attr-defined]
        if right.knob in knobs and method in (right.methods or ()):
            knobs[right.knob] = int(right.knob_at_least or right.knob_at_most or 0)
        if right.epsilon_at_most is not None:
            for name in HYPERPARAMETERS[method].epsilon_fields:
                knobs[name] = right.epsilon_at_most / 2
        choice = HYPERPARAMETERS[method].with_defaults(**knobs)
        others = [
            other
            for other in feasible
            if other != method
            and CATALOGUE[other].family not in right.not_families
            and (right.families is None or CATALOGUE[other].family in right.families)
            and not (right.free and CATALOGUE[other].source_available_only)
        ]
        plans.append(
            ModelSelectionPlan(
                choice=choice, backups=[HYPERPARAMETERS[other].with_defaults() for other in others[:2]],
                dp=DPSettings.spent_by(choice), sample_multiplier=rows / GOAL_TABLE.rows, max_synth_rows=50_000,
                rationale="",
            )
        )  # fmt: skip
    return plans


def test_every_goal_is_asked_with_nothing_of_it_in_a_field() -> None:
    for goal in read_goals(GOALS):
        question = question_for(goal)
        assert question.goal == goal.words
        assert question.constraints.model_copy(update={"goal": None}) == question_for(
            Goal(name="x", words="x", right=Right())
        ).constraints.model_copy(update={"goal": None})
    assert len(rank(question)) >= 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("goal = 1", "not a list of goals"),
        ("[[goal]]\nname = 'a'", "words"),
        ("[[goal]]\nname = 'a'\nwords = 'b'\nright = { rows = 1 }", "rows"),
        ("[[goal]]\nname = 'a'\nwords = 'b'\nright = {}\n" * 2, "two goals have one name"),
    ],
)
def test_a_wrong_list_of_goals_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "goals.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=message):
        read_goals(path)


TRUTH = {"a": 3.0, "b": 2.0, "c": 1.0}


@pytest.mark.parametrize(("ranking", "top", "regret"), [("abc", 1.0, 0.0), ("bac", 0.0, 0.5), ("cba", 0.0, 1.0)])
def test_a_ranking_is_judged_by_its_first_and_by_its_order(ranking: str, top: float, regret: float) -> None:
    figures = judge_ranking(list(ranking), TRUTH)
    assert (figures["top_1"], figures["regret"]) == (top, regret)
    assert figures["ndcg"] <= 1
    assert (figures["ndcg"] == pytest.approx(1)) == (ranking == "abc")


def test_the_peers_question_is_asked_of_tables_whose_origin_nobody_knows() -> None:
    many = [
        replace(cell, table=f"{cell.table}{i}", origin=f"{cell.table}{i}", shapes=cell.fidelity)
        for i in range(2)
        for cell in CELLS
        if cell.table != "c"
    ]
    report = run_peer_test(many, ("a0", "b0"))
    assert report["candidates"] == ["cart", "gaussian_copula", "latent_class"]
    assert report["intents"].keys() == {"privacy", "fidelity", "latency"}
    # Cart is the best of all four tables, in fidelity and in privacy, so who looks at the others is right.
    for who in ("majority", "3 nearest tables"):
        assert report["intents"]["fidelity"][who] == pytest.approx({"top_1": 1.0, "ndcg": 1.0, "regret": 0.0})
    assert report["intents"]["fidelity"]["lot"]["top_1"] < 0.6
    with pytest.raises(SettingsError, match="not among the measurements: wilt"):
        run_peer_test(many, ("a0", "wilt"))
