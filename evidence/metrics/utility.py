"""Utility: models trained on synthetic rows (TSTR) beside models trained on real ones (TRTR), both tested on real.

One target with two kinds of model and several draws of the training rows; and every column in turn as the target
(global utility, as TabStruct means it), for a table is good for more than the one question that was thought of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ..disclosure.intervals import Interval
from .comparable import Array
from .models import Kind, Task, make_task, predict, score, score_rare

__all__ = ["MIN_ABOVE_CHANCE", "ColumnUtility", "Utility", "measure_global_utility", "measure_utility", "ratio_of"]

MIN_ABOVE_CHANCE = 0.02
"""A real score nearer to chance than this teaches nothing that a ratio could be taken of."""
_DRAWS = 3
_BOOTSTRAP = 200
_KINDS: tuple[Kind, ...] = ("forest", "linear")
_RARE = 0.1
"""Share of the rarest class below which PR-AUC and Brier score are told."""


@dataclass(frozen=True, slots=True)
class Utility:
    """Means over draws and models, all tested on the same held-out real rows."""

    task: Literal["classification", "regression"]
    tstr: float
    """AUC (mean of one class against the rest) or R²."""
    trtr: float
    ratio: Interval | None
    """TSTR over TRTR, both above chance, with a bootstrap interval; None where the real rows teach nothing."""
    rare: RareEvent | None = None
    """Of a rare class; None where there is none."""

    @property
    def difference(self) -> float:
        """TRTR less TSTR: what is lost."""
        return self.trtr - self.tstr

    @property
    def score(self) -> float | None:
        """The ratio within 0 and 1."""
        return None if self.ratio is None else min(1.0, max(0.0, self.ratio.value))


@dataclass(frozen=True, slots=True)
class RareEvent:
    """The rarest class: an AUC says little of it."""

    share: float
    tstr_pr_auc: float
    trtr_pr_auc: float
    tstr_brier: float
    trtr_brier: float


@dataclass(frozen=True, slots=True)
class ColumnUtility:
    """One column as the target."""

    column: str
    tstr: float
    trtr: float
    ratio: float | None
    """Within 0 and 1; None where the real rows teach nothing."""


def measure_utility(
    fitted: pd.DataFrame,
    held_out: pd.DataFrame,
    synthetic: pd.DataFrame,
    target: object,
    seed: int = 0,
    *,
    draws: int = _DRAWS,
    kinds: tuple[Kind, ...] = _KINDS,
) -> Utility | None:
    """TSTR and TRTR for ``target``; None where it cannot be tested (see ``make_task``).

    Args:
        fitted: Real rows of the fit.
        held_out: Real rows to test on.
        synthetic: Synthetic rows.
        target: The column.
        seed: Of draws and models.
        draws: The first takes all training rows, the others resample them.
        kinds: Models to take the mean over.
    """
    task = make_task((fitted, synthetic, held_out), target)
    if task is None:
        return None
    real: list[Array] = []
    made: list[Array] = []
    for draw in range(draws):
        for kind in kinds:
            for position, side in ((0, real), (1, made)):
                side.append(predict(task, position, seed + draw, kind=kind, rows=_resample(task, position, draw, seed)))
    tstr, trtr = _mean_score(task, made), _mean_score(task, real)
    learned = trtr - task.chance > MIN_ABOVE_CHANCE
    return Utility(
        task="regression" if task.regression else "classification",
        tstr=tstr,
        trtr=trtr,
        ratio=_ratio(task, made, real, seed) if learned else None,
        rare=_rare(task, made, real),
    )


def measure_global_utility(
    fitted: pd.DataFrame,
    held_out: pd.DataFrame,
    synthetic: pd.DataFrame,
    seed: int = 0,
    *,
    trees: int = 50,
    columns: int | None = None,
) -> tuple[ColumnUtility, ...]:
    """Every column that can be tested in turn as the target; at most ``columns`` of them, drawn at random."""
    rng = np.random.default_rng(seed)
    utilities: list[ColumnUtility] = []
    for position in rng.permutation(len(fitted.columns)):
        if columns is not None and len(utilities) == columns:
            break
        name = fitted.columns[position]
        task = make_task((fitted, synthetic, held_out), name)
        if task is None:
            continue
        trtr, tstr = (score(task, predict(task, side, seed, trees=trees)) for side in (0, 1))
        utilities.append(ColumnUtility(str(name), tstr, trtr, ratio_of(tstr, trtr, task.chance)))
    return tuple(utilities)


def ratio_of(tstr: float, trtr: float, chance: float) -> float | None:
    """TSTR over TRTR, both above chance, within 0 and 1; None where the real rows teach nothing."""
    if trtr - chance <= MIN_ABOVE_CHANCE:
        return None
    return min(1.0, max(0.0, (tstr - chance) / (trtr - chance)))


def _resample(task: Task, table: int, draw: int, seed: int) -> Array | None:
    if draw == 0:
        return None
    size = len(task.targets[table])
    return np.random.default_rng((seed, draw)).integers(0, size, size)


def _mean_score(task: Task, predictions: list[Array], rows: Array | None = None) -> float:
    return float(np.mean([score(task, predicted, rows) for predicted in predictions]))


def _rare(task: Task, made: list[Array], real: list[Array]) -> RareEvent | None:
    if task.regression:
        return None
    y = task.targets[-1]
    share = min(float((y == label).mean()) for label in task.classes if (y == label).any())
    if share > _RARE:
        return None
    first, second = (np.mean([score_rare(task, chances) for chances in side], axis=0) for side in (made, real))
    return RareEvent(share, float(first[0]), float(second[0]), float(first[1]), float(second[1]))


def _ratio(task: Task, made: list[Array], real: list[Array], seed: int) -> Interval:
    rng = np.random.default_rng(seed)
    size = len(task.targets[-1])
    draws = []
    for _ in range(_BOOTSTRAP):
        rows = rng.integers(0, size, size)
        if not task.regression and len(np.unique(task.targets[-1][rows])) < 2:
            continue
        above = _mean_score(task, real, rows) - task.chance
        if above > MIN_ABOVE_CHANCE:
            draws.append((_mean_score(task, made, rows) - task.chance) / above)
    value = (_mean_score(task, made) - task.chance) / (_mean_score(task, real) - task.chance)
    low, high = np.percentile(draws, [2.5, 97.5]) if draws else (-np.inf, np.inf)
    return Interval(float(value), float(low), float(high))
