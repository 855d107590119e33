"""The one definition of a score: how good a synthetic table is for a trade-off, in four parts between 0 and 1.

- fidelity: the mean of column shapes, pair trends and likeness (a forest cannot tell real from synthetic), rescaled so
  that independent columns are 0 and real rows are 1. Both ends are made of the rows as the fit saw them, values of few
  persons kept out, and the forest looks at these: what protection changed is no synthesizer's doing.
- utility: models trained on synthetic over models trained on real rows, both above chance and within 0 and 1: half for
  the target, half for the mean over every other column that can be learned.
- privacy: 1 - risk; the risk is ``max(0, AUC - 0.5)`` of the scaled-distance attack by person, as a share of a copy's.
- speed: 1 at a CPU second, 0 at ten thousand, on a log scale.

The score is their weighted mean. Where a part cannot be measured its weight goes to the others. Two depths: ``quick``
for races (at most two CPU seconds on 1,000 rows x 20 columns), ``full`` for evaluations, with more rows, trees, draws
and models. A table-and-synthesizer's score is the mean over its seeds; a seed whose fit failed scores 0.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from ...schemas.options import Tradeoff
from ..disclosure.distances import measure_distances, thin_persons
from ..disclosure.intervals import Interval
from ..disclosure.measure import rows_as_persons
from ..disclosure.membership import Membership, measure_membership
from ..disclosure.overlap import Overlap, count_exact, measure_overlap
from ..metrics.comparable import Array
from ..metrics.fidelity import measure_fidelity, shuffle_columns
from ..metrics.joint import likeness, tell_apart
from ..metrics.models import Task, make_task, predict, score
from ..metrics.utility import MIN_ABOVE_CHANCE, ratio_of
from .weighing import rescale, score_cell, speed_of

__all__ = ["ScoreDepth", "ScoreParts", "Scorer", "quick_score"]

ScoreDepth = Literal["quick", "full"]

_FEWEST_UNSEEN = 100
"""Held-out rows below which the fitted rows are the better yardstick of fidelity (judgement)."""


_EMPHASISED = 3.0
"""How much more a column that the goal is about weighs among those taken as targets (judgement)."""


@dataclass(frozen=True, slots=True)
class _Effort:
    """How much of the tables a depth looks at."""

    rows: int
    trees: int
    target_draws: int
    columns: int | None
    """Other columns taken as targets; None is all."""
    column_trees: int


_EFFORTS: dict[ScoreDepth, _Effort] = {
    "quick": _Effort(rows=1000, trees=40, target_draws=2, columns=6, column_trees=15),
    "full": _Effort(rows=2000, trees=80, target_draws=3, columns=10, column_trees=30),
}


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """One number per part, their weighted mean, and the raw figures they are made of."""

    score: float
    fidelity: float
    utility: float | None
    privacy: float | None
    """None where too few persons were held out."""
    speed: float
    membership_auc: Interval | None
    """Of the scaled-distance attack, one-sided at 95 %: what a cap on the risk is held against."""
    overlap: Overlap
    """With the real table; a table whose overlap is beyond chance must not be released, whatever its score."""
    raw: dict[str, float | None] = field(default_factory=dict)

    @property
    def copied(self) -> bool:
        """Whether rows were taken for copies of real ones."""
        return self.overlap.copied


class Scorer:
    """Scores synthetic tables against one split of a real table; what depends on the split alone is done once."""

    def __init__(
        self,
        train: pd.DataFrame,
        held_out: pd.DataFrame,
        *,
        target: object = None,
        train_persons: Array | None = None,
        held_out_persons: Array | None = None,
        protected: pd.DataFrame | None = None,
        emphasis: Collection[object] = (),
        depth: ScoreDepth = "quick",
        seed: int = 0,
    ) -> None:
        """Prepare.

        Args:
            train: Real rows that synthesizers are fitted to.
            held_out: Real rows of other persons, with the same columns.
            target: Column that matters most; None where none does.
            train_persons: Whose row each is; by default every row is a person's.
            held_out_persons: The same of the held-out rows.
            protected: The rows of ``train``, in their order, as the fits saw them; by default as they are.
            emphasis: Columns that matter for the goal besides: they are looked at first, and each counts thrice.
            depth: How much is looked at.
            seed: Of samples and models.
        """
        self._effort = _EFFORTS[depth]
        self._seed = seed
        rng = np.random.default_rng(seed)
        rows = thin_persons(train, rows_as_persons(train, train_persons), self._effort.rows, rng)
        others = thin_persons(held_out, rows_as_persons(held_out, held_out_persons), self._effort.rows, rng)
        self._train_persons = rows_as_persons(train, train_persons)[rows]
        self._held_out_persons = rows_as_persons(held_out, held_out_persons)[others]
        self._train = train.iloc[rows].reset_index(drop=True)
        self._held_out = held_out.iloc[others].reset_index(drop=True)
        self._whole = train, held_out
        self._target = target
        self._emphasis = frozenset(emphasis)
        unseen = len(self._held_out) >= _FEWEST_UNSEEN
        self._real = self._held_out if unseen else self._train
        self._seen = self._train if protected is None else protected[list(train.columns)].iloc[rows]
        self._seen = self._seen.reset_index(drop=True)
        # Both ends of the scale are samples like a synthetic table is, so that chance is not held against either.
        again = self._seen.iloc[rng.integers(0, len(self._seen), len(self._seen))].reset_index(drop=True)
        self._floor = self._raw_fidelity(shuffle_columns(again, rng))
        self._ceiling = {**self._look(self._seen if unseen else again), "likeness": 1.0}
        self._columns = self._learnable(rng)
        task = None if target is None else make_task((self._train, self._held_out), target)
        self._target_taught = None if task is None else self._taught(task, 0)
        """What real rows teach of the target; None where they hold too little of it."""

    def score(self, synthetic: pd.DataFrame, *, tradeoff: Tradeoff = "balanced", seconds: float = 1.0) -> ScoreParts:
        """Score one synthetic table.

        Args:
            synthetic: Rows with the same columns, made from ``train``.
            tradeoff: Whose weights are taken.
            seconds: CPU seconds of its fit.
        """
        rng = np.random.default_rng(self._seed)
        made = synthetic[list(self._train.columns)].reset_index(drop=True)
        if len(made) > self._effort.rows:
            made = made.iloc[np.sort(rng.choice(len(made), self._effort.rows, replace=False))].reset_index(drop=True)
        figures = self._raw_fidelity(made)
        fidelity = rescale(*(sum(one.values()) / len(one) for one in (figures, self._floor, self._ceiling)))
        target, others = self._utility(made)
        known = [value for value in (target, others) if value is not None]
        utility = sum(known) / len(known) if known else None
        membership, overlap = self._disclosure(synthetic, made)
        risk = None if membership is None else membership.risk
        return ScoreParts(
            score=score_cell(tradeoff, fidelity, utility, risk, seconds),
            fidelity=fidelity,
            utility=utility,
            privacy=None if risk is None else 1 - risk,
            speed=speed_of(seconds),
            membership_auc=None if membership is None else membership.attacks[0].auc,
            overlap=overlap,
            raw={
                **figures,
                **{f"{name}_independent": value for name, value in self._floor.items()},
                **{f"{name}_real": value for name, value in self._ceiling.items()},
                "target_ratio": target,
                "other_ratio": others,
                "copy_auc": None if membership is None else membership.copy_auc,
            },
        )

    def _look(self, made: pd.DataFrame) -> dict[str, float]:
        found = measure_fidelity(self._real, made, self._seed, brief=True)
        return {"shapes": found.shapes, "pairs": found.pairs}

    def _raw_fidelity(self, made: pd.DataFrame) -> dict[str, float]:
        # Who copies the rows that it saw pays for it in privacy.
        auc = tell_apart(
            self._seen, made, self._seed, self._train_persons, trees=self._effort.trees, most=self._effort.rows
        )
        return {**self._look(made), "likeness": likeness(auc)}

    def _learnable(self, rng: np.random.Generator) -> list[tuple[object, float]]:
        """Columns that real rows teach something about, with what they teach."""
        found: list[tuple[object, float]] = []
        others = [name for name in self._train.columns if name != self._target]
        # Those of the goal first; of the others as many as the effort allows, drawn at random.
        for place in sorted(rng.permutation(len(others)), key=lambda place: others[place] not in self._emphasis):
            if self._effort.columns is not None and len(found) == self._effort.columns:
                break
            task = make_task((self._train, self._held_out), others[place])
            if task is None:
                continue
            trtr = score(task, predict(task, 0, self._seed, trees=self._effort.column_trees))
            if trtr - task.chance > MIN_ABOVE_CHANCE:
                found.append((others[place], trtr))
        return found

    def _utility(self, made: pd.DataFrame) -> tuple[float | None, float | None]:
        target = None
        if self._target_taught is not None:
            task = make_task((self._train, made, self._held_out), self._target)
            # Real rows teach it: synthetic ones that hold too few of its values do not.
            target = 0.0 if task is None else ratio_of(self._taught(task, 1), self._target_taught, task.chance)
        ratios = []
        weights = [_EMPHASISED if name in self._emphasis else 1.0 for name, _ in self._columns]
        for name, trtr in self._columns:
            task = make_task((self._train, made, self._held_out), name)
            if task is None:
                ratios.append(0.0)
                continue
            tstr = score(task, predict(task, 1, self._seed, trees=self._effort.column_trees))
            ratios.append(ratio_of(tstr, trtr, task.chance) or 0.0)
        others = sum(w * r for w, r in zip(weights, ratios, strict=True)) / sum(weights) if ratios else None
        return target, others

    def _taught(self, task: Task, table: int) -> float:
        """Mean over models and draws; the first draw takes all rows, the others resample them."""
        scores = []
        for draw in range(self._effort.target_draws):
            size = len(task.targets[table])
            rows = None if draw == 0 else np.random.default_rng((self._seed, draw)).integers(0, size, size)
            scores.append(score(task, predict(task, table, self._seed + draw, trees=self._effort.trees, rows=rows)))
        return sum(scores) / len(scores)

    def _disclosure(self, synthetic: pd.DataFrame, made: pd.DataFrame) -> tuple[Membership | None, Overlap]:
        distances = measure_distances(self._train, self._held_out, made, self._train_persons, self._held_out_persons)
        exact = count_exact(synthetic[list(self._train.columns)], self._whole[0])
        enough = len(np.unique(self._held_out_persons)) >= 10
        overlap = measure_overlap(distances, exact, None)
        return (measure_membership(distances, self._seed, brief=True) if enough else None), overlap


def quick_score(
    train: pd.DataFrame,
    held_out: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    target: object = None,
    tradeoff: Tradeoff = "balanced",
    train_persons: Array | None = None,
    held_out_persons: Array | None = None,
    seconds: float = 1.0,
    seed: int = 0,
) -> ScoreParts:
    """The quick score of one table; who scores several against the same split keeps a ``Scorer``."""
    scorer = Scorer(
        train, held_out, target=target, train_persons=train_persons, held_out_persons=held_out_persons, seed=seed
    )
    return scorer.score(synthetic, tradeoff=tradeoff, seconds=seconds)
