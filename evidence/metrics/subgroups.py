"""Subgroups: are they as common as in the real table, and does a model trained on synthetic rows serve them as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .comparable import MISSING, Array, as_category, as_number, numeric_columns
from .models import Task, make_task, predict, score

__all__ = ["FEWEST_ROWS", "Subgroup", "measure_subgroups"]

FEWEST_ROWS = 20
"""Held-out rows below which nothing is said of a subgroup."""
_MOST_LEVELS = 6
_BANDS = 3


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One group, such as a sex or an age band."""

    column: str
    place: int
    """The so-many-th commonest level, or the so-many-th band of a number from below: no level is named."""
    real_share: float
    synthetic_share: float
    tstr: float | None
    """AUC or R² on the group's held-out rows, trained on synthetic rows; None where it cannot be tested."""
    trtr: float | None

    @property
    def gap(self) -> float | None:
        """How much worse the group is served than by a model trained on real rows."""
        return None if self.tstr is None or self.trtr is None else self.trtr - self.tstr


def measure_subgroups(
    fitted: pd.DataFrame,
    held_out: pd.DataFrame,
    synthetic: pd.DataFrame,
    columns: Sequence[object],
    target: object = None,
    seed: int = 0,
) -> tuple[Subgroup, ...]:
    """The groups of ``columns``: the commonest levels, or thirds of a number.

    Args:
        fitted: Real rows of the fit.
        held_out: Real rows to test on.
        synthetic: Synthetic rows.
        columns: Such as sex, age, ethnicity: the quasi-identifiers.
        target: What models predict; without it shares alone are told.
        seed: Of the models.
    """
    task = None if target is None else make_task((fitted, synthetic, held_out), target)
    predictions = None if task is None else [predict(task, side, seed) for side in (0, 1)]
    tested = held_out if target is None else held_out[held_out[target].notna()]
    numeric = numeric_columns(fitted)
    groups = []
    for name in columns:
        if name == target or name not in fitted.columns:
            continue
        real, made, test = _groups(fitted[name], (fitted[name], synthetic[name], tested[name]), name in numeric)
        for group in range(int(real.max()) + 1 if len(real) else 0):
            rows = np.flatnonzero(test == group)
            if len(rows) < FEWEST_ROWS:
                continue
            tstr = trtr = None
            if task is not None and predictions is not None:
                trtr, tstr = (_score_group(task, predicted, rows) for predicted in predictions)
            groups.append(
                Subgroup(str(name), group + 1, float((real == group).mean()), float((made == group).mean()), tstr, trtr)
            )
    return tuple(groups)


def _score_group(task: Task, predicted: Array, rows: Array) -> float | None:
    truth = task.targets[-1][rows]
    if len(np.unique(truth)) < 2:
        return None
    return score(task, predicted, rows)


def _groups(reference: pd.Series, sides: tuple[pd.Series, ...], numeric: bool) -> list[Array]:
    """Group number of each row; -1 for what is in none."""
    if numeric:
        values = as_number(reference)
        edges = np.unique(np.quantile(values[~np.isnan(values)], np.arange(1, _BANDS) / _BANDS))
        return [
            np.where(np.isnan(as_number(side)), -1, np.searchsorted(edges, as_number(side), side="right"))
            for side in sides
        ]
    counts = pd.Series(as_category(reference)).value_counts()
    order = {level: i for i, level in enumerate([level for level in counts.index if level != MISSING][:_MOST_LEVELS])}
    return [np.array([order.get(label, -1) for label in as_category(side)]) for side in sides]
