"""The race on made-up candidates whose true scores are set."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from clinical_model_selector.evidence.recommender.acceptance import Acceptance
from clinical_model_selector.evidence.recommender.race import MAX_SPLITS, Candidate, RaceOutcome, Trial, run_race
from clinical_model_selector.schemas.compliance import POLICIES
from clinical_model_selector.schemas.methods import HYPERPARAMETERS

CONFIG = HYPERPARAMETERS["cart"].with_defaults()
SPLITS = np.random.default_rng(7).normal(0, 0.05, MAX_SPLITS)
Measure = Callable[[Sequence[tuple[Candidate, int]]], Sequence[Trial]]


def candidates(expected: Sequence[float], seconds: float = 1.0) -> list[Candidate]:
    return [Candidate(CONFIG, score, 0.05, seconds, f"m{i}") for i, score in enumerate(expected)]


def measured(truth: Sequence[float], noise: float, seed: int = 0) -> Measure:
    rng = np.random.default_rng(seed)

    def measure(pairs: Sequence[tuple[Candidate, int]]) -> list[Trial]:
        return [
            Trial(c.label, s, float(truth[int(c.label[1:])] + SPLITS[s] + rng.normal(0, noise)), c.expected_seconds)
            for c, s in pairs
        ]

    return measure


def best(outcome: RaceOutcome) -> str:
    assert outcome.best is not None
    return outcome.best.candidate.label


@pytest.mark.parametrize("seed", range(5))
def test_measurements_overrule_a_wrong_expectation(seed: int) -> None:
    outcome = run_race(candidates([0.9, 0.8, 0.8]), measured([0.6, 0.8, 0.7], 0.01, seed), max_seconds=100)
    assert (best(outcome), outcome.ended) == ("m1", "clear")


def test_expectations_decide_where_no_time_is_left_to_measure() -> None:
    outcome = run_race(candidates([0.85, 0.9], seconds=10.0), measured([0.8, 0.8], 0.0), max_seconds=5)
    assert outcome.best is None
    assert outcome.ended == "budget"
    assert {standing.reason for standing in outcome.standings} == {"no time left"}


def test_equal_candidates_are_called_equal() -> None:
    outcome = run_race(candidates([0.8, 0.8]), measured([0.8, 0.8], 0.0), max_seconds=100)
    assert outcome.ended in ("equal", "splits")
    assert [standing.candidate.label for standing in outcome.equals] == [
        standing.candidate.label for standing in outcome.standings[1:]
    ]


def test_the_weak_are_given_up_and_told() -> None:
    outcome = run_race(candidates([0.8] * 4), measured([0.8, 0.79, 0.5, 0.4], 0.01), max_seconds=1000)
    trials = {standing.candidate.label: len(standing.trials) for standing in outcome.standings}
    reasons = {standing.candidate.label: standing.reason for standing in outcome.standings}
    assert trials["m3"] < trials["m0"]
    assert reasons["m2"].startswith("behind by ")
    assert reasons["m0"] == ""


def test_no_fit_begins_that_would_run_over() -> None:
    outcome = run_race(candidates([0.8] * 5, seconds=3.0), measured([0.8] * 5, 0.05), max_seconds=20)
    assert outcome.cpu_seconds <= 20


def test_a_dear_candidate_is_left_out_and_the_cheap_ones_race() -> None:
    field = [*candidates([0.8, 0.8]), Candidate(CONFIG, 0.8, 0.05, 500.0, "m2")]
    outcome = run_race(field, measured([0.8, 0.6, 0.9], 0.01), max_seconds=50)
    dear = next(standing for standing in outcome.standings if standing.candidate.label == "m2")
    assert (best(outcome), dear.trials, dear.reason) == ("m0", (), "no time left")


@pytest.mark.parametrize(
    ("expected", "seconds", "proposed", "fitted"),
    [(0.4, 20.0, False, False), (0.4, 1.0, False, True), (0.75, 20.0, False, True), (0.4, 20.0, True, True)],
    ids=["dear and surely worse", "cheap", "not surely worse", "proposed by the plan"],
)
def test_a_dear_fit_is_spared_where_it_is_surely_worse(
    expected: float, seconds: float, proposed: bool, fitted: bool
) -> None:
    field = [*candidates([0.8, 0.8]), Candidate(CONFIG, expected, 0.05, seconds, "m2", proposed)]
    outcome = run_race(field, measured([0.8, 0.7, 0.4], 0.01), max_seconds=100)
    third = next(standing for standing in outcome.standings if standing.candidate.label == "m2")
    assert bool(third.trials) == fitted
    if not fitted:
        assert third.reason == "expected to be behind by 0.40, and dear: not fitted"


def test_who_fails_leaves_with_its_reason() -> None:
    inner = measured([0.9, 0.5, 0.4], 0.01)

    def measure(pairs: Sequence[tuple[Candidate, int]]) -> list[Trial]:
        return [
            Trial("m0", s, None, 1.0, failure="the process died (signal SIGKILL)")
            if c.label == "m0"
            else inner([(c, s)])[0]
            for c, s in pairs
        ]

    outcome = run_race(candidates([0.9, 0.8, 0.8]), measure, max_seconds=100)
    failed = next(standing for standing in outcome.standings if standing.candidate.label == "m0")
    assert (best(outcome), failed.reason, len(failed.trials)) == ("m1", "the process died (signal SIGKILL)", 1)


@pytest.mark.parametrize(
    ("chances", "winner"),
    [
        ([0.5] * 8, "m0"),
        ([0.5, 0.001, *[0.5] * 6], "m0"),
        ([0.03] * 8, "m1"),
        ([0.001, 0.001, *[0.5] * 6], "m1"),
        ([0.001] * 8, "m1"),
    ],
)
def test_what_is_nearly_taken_for_a_copy_again_and_again_is_not_chosen(chances: list[float], winner: str) -> None:
    """Though no look accused it, the final table of more rows would be at risk; a lone accusation is none."""
    inner = measured([0.82, 0.75, 0.6], 0.01)

    def measure(pairs: Sequence[tuple[Candidate, int]]) -> list[Trial]:
        return [
            replace(t, copied=chances[t.split] < 0.005, parts={"persons_chance": chances[t.split], "rows_chance": 0.9})
            if t.label == "m0"
            else t
            for t in inner(pairs)
        ]

    outcome = run_race(candidates([0.8, 0.8, 0.8]), measure, max_seconds=100, accepted=Acceptance(POLICIES["research"]))
    assert best(outcome) == winner
    chance = {standing.candidate.label: standing.chance for standing in outcome.standings}
    assert chance["m1"] == pytest.approx(1.0, abs=0.02)
    assert (chance["m0"] or 0.0) < (chance["m1"] or 0.0)


def test_who_copies_leaves_with_its_reason() -> None:
    inner = measured([0.95, 0.75], 0.01)

    def measure(pairs: Sequence[tuple[Candidate, int]]) -> list[Trial]:
        return [replace(t, copied=t.label == "m0") for t in inner(pairs)]

    outcome = run_race(candidates([0.8, 0.8]), measure, max_seconds=100)
    accused = next(standing for standing in outcome.standings if standing.candidate.label == "m0")
    assert best(outcome) == "m1"
    assert accused.reason == "its rows are copies of real ones on 2 of 2 splits"


def test_what_time_is_left_is_the_leaders() -> None:
    outcome = run_race(candidates([0.8] * 4), measured([0.75, 0.74, 0.8, 0.73], 0.01), max_seconds=5.5)
    fits = {standing.candidate.label: len(standing.trials) for standing in outcome.standings}
    assert fits == {"m0": 1, "m1": 1, "m2": 2, "m3": 1}


def test_an_interrupt_keeps_what_was_measured() -> None:
    inner, calls = measured([0.77, 0.8], 0.0), iter(range(100))

    def measure(pairs: Sequence[tuple[Candidate, int]]) -> Sequence[Trial]:
        if next(calls) == 3:
            raise KeyboardInterrupt
        return inner(pairs)

    outcome = run_race(candidates([0.8, 0.8]), measure, max_seconds=100)
    assert (best(outcome), outcome.ended) == ("m1", "interrupted")


def test_equal_questions_get_equal_answers() -> None:
    runs = [run_race(candidates([0.8] * 3), measured([0.7, 0.71, 0.72], 0.02), max_seconds=60) for _ in range(2)]
    assert runs[0] == runs[1]


def test_the_race_beats_the_expectation_it_starts_from() -> None:
    """Over 60 made-up tables whose expectations are as wrong as measured ones are."""
    rng = np.random.default_rng(3)
    raced, expected = [], []
    for seed in range(60):
        truth = rng.normal(0.7, 0.04, 6)
        guess = truth + rng.normal(0, 0.05, 6)
        outcome = run_race(candidates(guess.tolist()), measured(truth.tolist(), 0.025, seed), max_seconds=40)
        raced.append(truth.max() - truth[int(best(outcome)[1:])])
        expected.append(truth.max() - truth[guess.argmax()])
    assert np.mean(raced) < 0.5 * np.mean(expected)
