"""A race: candidates measured on the table itself, the weaker ones given up early, until the best is clear.

Every split of the table is a block in which all candidates still in the race are measured, so that a lucky split helps
all alike. A score is modelled as candidate + split + noise. What is expected of a candidate is its prior, up to a
common shift, since expected and measured scores need not lie on one scale; the measurements are the evidence. After
each split the candidates are given up that are very likely worse than the leader (successive halving, Jamieson and
Talwalkar 2016, with error bars in place of a fixed half).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ...schemas.methods import Hyperparameters

__all__ = ["Candidate", "RaceOutcome", "Standing", "Trial", "run_race"]

EQUIVALENCE_MARGIN = 0.01
"""Scores nearer than this are equal for every purpose (stated before the measurements were looked at)."""

MAX_SPLITS = 8
"""Splits after which a race ends even with time left: what they cannot separate is not worth separating."""

_NOISE = 0.05
"""Standard deviation of one score over splits, before any was seen (measured: .02 on 1,000 rows, .09 on 100)."""

_NOISE_WEIGHT = 3.0
"""Degrees of freedom that ``_NOISE`` counts for."""

_LEAST_PRIOR_ERROR = 0.03
"""Expected scores are trusted no further than this: their median error on tables left out (benchmark)."""

_GIVE_UP = 1.64
"""Standard errors behind the leader at which a candidate leaves: a chance of one in twenty that it is better."""

_GIVE_UP_AT_ONCE = 3.0
"""The same after a single split, whose noise is only assumed."""

_DEAR = 0.05
"""Share of the budget above which a fit is dear: who is surely expected to be worse does not get one (judgement)."""

_CLEAR = 1.64
"""Standard errors ahead of the second at which the leader is called clear."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One configuration in the race."""

    config: Hyperparameters
    expected_score: float
    expected_error: float
    expected_seconds: float
    """CPU seconds of one fit and its scoring."""
    label: str
    """How it is shown, such as ``cart~0.25``."""
    proposed: bool = False
    """Named by the plan that the race started from."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One fit, judged on rows that it did not see."""

    label: str
    split: int
    score: float | None
    """None where the fit failed."""
    cpu_seconds: float
    parts: dict[str, float | None] = field(default_factory=dict)
    """The figures that the score is made of."""
    failure: str | None = None
    """Why it failed, without any cell."""
    copied: bool = False
    """Its rows were taken for copies of real ones: such a table must not be released, whatever its score."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate at the end of the race; scores and errors as far as they could be told."""

    candidate: Candidate
    trials: tuple[Trial, ...]
    score: float | None
    """Expectation and measurements together, times ``chance``; None where it was never measured or failed."""
    error: float | None
    """Standard error of ``score``'s distance to the leader's."""
    chance: float | None
    """That the table it would make is accepted; None where it was never measured."""
    reason: str
    """Why it left the race; empty for who stayed to the end."""

    @property
    def mean_score(self) -> float | None:
        """Of its trials alone."""
        scores = [trial.score for trial in self.trials if trial.score is not None]
        return sum(scores) / len(scores) if scores else None


@dataclass(frozen=True, slots=True)
class RaceOutcome:
    """All that was tried, best first."""

    standings: tuple[Standing, ...]
    ended: Literal["clear", "equal", "splits", "budget", "interrupted"]
    """``equal``: leader and second lie within the margin, surely enough; ``splits``: no more splits are worth it."""
    splits: int
    cpu_seconds: float

    @property
    def best(self) -> Standing | None:
        """The leader; None where nothing could be measured."""
        return next((standing for standing in self.standings if standing.score is not None), None)

    @property
    def equals(self) -> tuple[Standing, ...]:
        """Who cannot be told from the leader: not behind it by ``_CLEAR`` standard errors."""
        leader = self.best
        if leader is None or leader.score is None:
            return ()
        return tuple(
            standing
            for standing in self.standings
            if standing is not leader
            and standing.score is not None
            and leader.score - standing.score < max(EQUIVALENCE_MARGIN, _CLEAR * (standing.error or 0.0))
        )


def run_race(
    candidates: Sequence[Candidate],
    measure: Callable[[Sequence[tuple[Candidate, int]]], Sequence[Trial]],
    *,
    max_seconds: float,
    watch: Callable[[str, float], None] | None = None,
    batch: int = 1,
    accepted: Callable[[Sequence[Trial]], tuple[float, float]] = lambda trials: (1.0, 0.0),
) -> RaceOutcome:
    """Measure ``candidates`` split by split until the best is clear or the time is spent.

    Args:
        candidates: All different; cheap ones are measured first.
        measure: Fits and scores some pairs of candidate and split number, which begins at 0, in any order.
        max_seconds: CPU seconds for all fits and scores; a fit that would run over is not begun.
        watch: Told what happens and the share of the time that is spent.
        batch: So many pairs are handed to ``measure`` at once, for fits that run side by side.
        accepted: From a candidate's trials the chance that its table is accepted, without which its score is worth
            nothing, and the standard error of this chance.

    Returns:
        Everything that was tried. An interrupt from the keyboard ends the race and keeps what was measured.
    """
    race = _Race(list(candidates), accepted)
    race.spare(_DEAR * max_seconds)
    ended: Literal["clear", "equal", "splits", "budget", "interrupted"] = "splits"
    try:
        for split in range(MAX_SPLITS):
            if not _run_split(race, split, measure, max_seconds, watch, batch):
                ended = "budget"
                break
            race.give_up()
            decision = race.decide()
            if decision is not None:
                ended = decision
                break
    except KeyboardInterrupt:
        ended = "interrupted"
    return RaceOutcome(race.standings(), ended, 1 + max((t.split for t in race.trials), default=-1), race.spent)


def _run_split(
    race: _Race,
    split: int,
    measure: Callable[[Sequence[tuple[Candidate, int]]], Sequence[Trial]],
    max_seconds: float,
    watch: Callable[[str, float], None] | None,
    batch: int,
) -> bool:
    """Measure who is in the race on one split; False where nobody could be for want of time.

    The cheapest come first as long as nothing is measured, and the leaders afterwards: what time is left is theirs.
    """
    scores, _ = race.estimate()
    waiting = sorted(race.running, key=lambda c: (-scores.get(c.label, 0.0), race.cost(c), c.label))
    measured = 0
    while waiting:
        chosen: list[Candidate] = []
        planned = race.spent
        while waiting and len(chosen) < batch:
            candidate = waiting.pop(0)
            if planned + race.cost(candidate) > max_seconds:
                # What is dearer follows, and has no room either.
                race.out_of_time.update(other.label for other in (candidate, *waiting))
                waiting = []
                break
            planned += race.cost(candidate)
            chosen.append(candidate)
        if not chosen:
            break
        if watch is not None:
            names = ", ".join(candidate.label for candidate in chosen)
            watch(f"split {split + 1}: {names}", min(1.0, race.spent / max_seconds))
        for trial in measure([(candidate, split) for candidate in chosen]):
            race.add(trial)
            measured += 1
    # A field of one that is measured again learns nothing about its rank.
    return measured > 1 or (measured == 1 and split == 0)


class _Race:
    """The state of a race: trials, who left and why."""

    def __init__(self, candidates: list[Candidate], accepted: Callable[[Sequence[Trial]], tuple[float, float]]) -> None:
        self.candidates = candidates
        self.accepted = accepted
        self.trials: list[Trial] = []
        self.left: dict[str, str] = {}
        self.unfit: set[str] = set()
        """Who failed or copies: no winner, whatever its scores."""
        self.out_of_time: set[str] = set()
        self.spent = 0.0

    @property
    def running(self) -> list[Candidate]:
        return [candidate for candidate in self.candidates if candidate.label not in self.left]

    def add(self, trial: Trial) -> None:
        self.trials.append(trial)
        self.spent += trial.cpu_seconds
        if trial.failure is not None:
            self.left[trial.label] = trial.failure
            self.unfit.add(trial.label)
        own = [other.copied for other in self.of(trial.label)]
        if sum(own) > 1 and 2 * sum(own) >= len(own):
            self.left[trial.label] = f"its rows are copies of real ones on {sum(own)} of {len(own)} splits"
            self.unfit.add(trial.label)

    def of(self, label: str) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.label == label)

    def cost(self, candidate: Candidate) -> float:
        """CPU seconds of its next trial: what it took, else what is expected."""
        own = [trial.cpu_seconds for trial in self.of(candidate.label)]
        return max(own) if own else candidate.expected_seconds

    def measured(self) -> list[Candidate]:
        scored = {trial.label for trial in self.trials if trial.score is not None}
        return [candidate for candidate in self.candidates if candidate.label in scored - self.unfit]

    def spare(self, seconds: float) -> None:
        """Leave out whose fit takes longer than ``seconds`` where it is surely expected to be behind."""
        best = max(self.candidates, key=lambda candidate: candidate.expected_score)
        for candidate in self.candidates:
            behind = best.expected_score - candidate.expected_score
            sure = behind > _GIVE_UP * math.hypot(best.expected_error, candidate.expected_error)
            if sure and candidate.expected_seconds > seconds and not candidate.proposed:
                self.left[candidate.label] = f"expected to be behind by {behind:.2f}, and dear: not fitted"

    def give_up(self) -> None:
        """Let go of who is surely enough behind the leader."""
        scores, covariance = self.estimate()
        if len(scores) < 2:
            return
        labels = list(scores)
        leader = max(labels, key=lambda label: scores[label])
        sure = _GIVE_UP if max(trial.split for trial in self.trials) else _GIVE_UP_AT_ONCE
        for label in labels:
            if label in self.left or label == leader:
                continue
            behind = scores[leader] - scores[label]
            if behind > max(EQUIVALENCE_MARGIN, sure * _distance_error(labels, covariance, leader, label)):
                self.left[label] = f"behind by {behind:.3f} after split {1 + max(t.split for t in self.trials)}"

    def decide(self) -> Literal["clear", "equal"] | None:
        """Whether the leader is known; among several only after two splits, since one does not tell its own noise."""
        scores, covariance = self.estimate()
        running = [label for label in scores if label not in self.left]
        if len(running) < 2:
            return "clear"
        if max(trial.split for trial in self.trials) < 1:
            return None
        labels = list(scores)
        leader, *others = sorted(running, key=lambda label: -scores[label])
        errors = {label: _distance_error(labels, covariance, leader, label) for label in others}
        behind = {label: scores[leader] - scores[label] for label in others}
        if all(behind[label] > _CLEAR * errors[label] for label in others):
            return "clear"
        if all(behind[label] + _CLEAR * errors[label] < 2 * EQUIVALENCE_MARGIN for label in others):
            return "equal"
        return None

    def estimate(self) -> tuple[dict[str, float], np.ndarray]:
        """Score of each measured candidate, times its chance to be accepted, and the covariance of these figures.

        Weighted least squares on ``score = candidate + split + noise``. Each candidate has a row of prior evidence, its
        expected score plus a shift that is common to all and free.
        """
        labels = [candidate.label for candidate in self.measured()]
        if not labels:
            return {}, np.zeros((0, 0))
        position = {label: i for i, label in enumerate(labels)}
        trials = [trial for trial in self.trials if trial.label in position and trial.score is not None]
        splits = sorted({trial.split for trial in trials})
        width = len(labels) + len(splits) + 1
        rows, values, weights = [], [], []
        noise = self._noise(trials)
        for trial in trials:
            row = np.zeros(width)
            row[position[trial.label]] = 1.0
            row[len(labels) + splits.index(trial.split)] = 1.0
            rows.append(row)
            assert trial.score is not None
            values.append(trial.score)
            weights.append(1 / noise)
        for candidate in self.candidates:
            if candidate.label in position:
                row = np.zeros(width)
                row[position[candidate.label]] = 1.0
                row[-1] = -1.0
                rows.append(row)
                values.append(candidate.expected_score)
                weights.append(1 / max(candidate.expected_error, _LEAST_PRIOR_ERROR))
        # Splits sum to zero, or candidates and splits could not be told apart.
        rows.append(np.concatenate([np.zeros(len(labels)), np.ones(len(splits)), [0.0]]))
        values.append(0.0)
        weights.append(1e3)
        matrix, weight = np.array(rows), np.array(weights)
        precision = (matrix * weight[:, None] ** 2).T @ matrix
        covariance = np.linalg.pinv(precision)
        solved = covariance @ ((matrix * weight[:, None] ** 2).T @ np.array(values, dtype=float))
        qualities, covariance = solved[: len(labels)], covariance[: len(labels), : len(labels)]
        chances, errors = np.array([self.accepted(self.of(label)) for label in labels]).T
        covariance = covariance * np.outer(chances, chances) + np.diag((qualities * errors) ** 2)
        return dict(zip(labels, (qualities * chances).tolist(), strict=True)), covariance

    @staticmethod
    def _noise(trials: Sequence[Trial]) -> float:
        """Standard deviation of a score once candidate and split are taken out, drawn towards ``_NOISE``."""
        labels = sorted({trial.label for trial in trials})
        splits = sorted({trial.split for trial in trials})
        freedom = len(trials) - len(labels) - len(splits) + 1
        if freedom < 1:
            return _NOISE
        matrix = np.zeros((len(trials), len(labels) + len(splits)))
        for i, trial in enumerate(trials):
            matrix[i, labels.index(trial.label)] = 1.0
            matrix[i, len(labels) + splits.index(trial.split)] = 1.0
        values = np.array([trial.score for trial in trials], dtype=float)
        fitted, *_ = np.linalg.lstsq(matrix, values, rcond=None)
        residual = float(((values - matrix @ fitted) ** 2).sum())
        return math.sqrt((_NOISE_WEIGHT * _NOISE**2 + residual) / (_NOISE_WEIGHT + freedom))

    def standings(self) -> tuple[Standing, ...]:
        scores, covariance = self.estimate()
        labels = list(scores)
        # Whoever left is no winner, however its figure moved afterwards.
        staying = [label for label in labels if label not in self.left]
        leader = max(staying or labels, key=lambda label: scores[label]) if labels else None
        result = []
        for candidate in self.candidates:
            label = candidate.label
            error = _distance_error(labels, covariance, leader, label) if leader and label in scores else None
            reason = self.left.get(label, "no time left" if label in self.out_of_time else "")
            chance = self.accepted(self.of(label))[0] if label in scores else None
            result.append(Standing(candidate, self.of(label), scores.get(label), error, chance, reason))
        return tuple(sorted(result, key=lambda standing: _rank(standing, leader)))


def _rank(standing: Standing, leader: str | None) -> tuple[bool, bool, float, str]:
    label = standing.candidate.label
    return (label != leader, standing.score is None, -(standing.score or 0.0), label)


def _distance_error(labels: list[str], covariance: np.ndarray, first: str, second: str) -> float:
    i, j = labels.index(first), labels.index(second)
    return float(math.sqrt(max(0.0, covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])))
