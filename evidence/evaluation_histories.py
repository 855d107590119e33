"""Evaluate a table of several rows a patient: what a patient's rows say together, and whose history was in the fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..schemas.base import Frozen
from ..schemas.column_treatment import Treatment
from ..synthesizers.encoding.linked_set import LinkedSet
from ..synthesizers.running.run_histories import one_table
from .histories.read_set import as_made, read_histories
from .histories.scores import measure_histories
from .histories.survival import followed, survival_curve
from .histories.table import Array, Histories

__all__ = ["HISTORY_FIGURES", "Curve", "HistoryEvaluation", "evaluate_histories", "evaluate_set_histories"]

_FEWEST_PATIENTS = 20
"""Held-out patients below which the figures are noise."""
_SHARES = tuple(round(0.1 * i, 1) for i in range(1, 10))
"""Deciles: between two of them lie a tenth of the patients, so that none is seen alone."""

HISTORY_FIGURES = {
    "rows_per_patient": "mean rows a patient, over the real one",
    "length": "distance of rows a patient",
    "gap": "distance of the times between rows",
    "first": "mean distance of the columns at the first row",
    "last": "the same at the last row",
    "lag_one": "error of the correlation of a number with the one before",
    "lag_one_within": "the same after each patient's mean is taken off",
    "intraclass": "error of the share of variance between patients",
    "step": "distance of the changes from row to row",
    "drift": "distance of last less first",
    "transitions": "distance of what follows what, for few levels",
    "bigrams": "the same for many codes",
    "copresence": "error of which codes go together in a patient",
    "once_repeated": "rows that repeat a code that comes once a patient",
    "survival": "greatest distance of the Kaplan-Meier curves",
    "after_end": "share of rows after the end of follow-up",
    "pair_auc": "AUC of telling real rows and the ones before them from synthetic ones",
    "patient_auc": "the same for whole patients",
    "next_value": "R² or AUC of foretelling the next value, learnt on synthetic and tried on real rows",
    "membership_auc": "AUC of telling patients of the fit from others by their histories",
    "nearer_share": "patients of the fit nearer to a synthetic one than the nearest 5 % of others",
}
"""Figure → what it measures; the floor is what the real patients of the fit get."""


class Curve(Frozen):
    """A line of the real and of the synthetic table."""

    name: str
    at: tuple[float, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]


class HistoryEvaluation(Frozen):
    """Figures by patient, beside those of real patients of the fit against held-out ones."""

    patients_fitted: int
    patients_held_out: int
    figures: dict[str, float | None]
    floor: dict[str, float | None]
    """The same for the real patients of the fit; its membership is a copy's."""
    curves: tuple[Curve, ...] = ()


def evaluate_histories(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    treatments: tuple[Treatment, ...],
    fitted: Array,
    held_out: Array,
    seed: int = 0,
) -> HistoryEvaluation | None:
    """Compare histories; None where the table has none, or too few patients were held out.

    Args:
        real: The raw real table.
        synthetic: The synthetic one.
        treatments: One for each real column.
        fitted: Patients' keys whom the fit saw.
        held_out: Those whom it did not see.
        seed: Of classifiers and folds.
    """
    if not any(item.part for item in treatments) or not any(item.patient for item in treatments):
        return None
    tables = one_table(real, treatments)
    key = tables.events[0].key
    if key not in synthetic.columns or min(len(np.unique(fitted)), len(np.unique(held_out))) < _FEWEST_PATIENTS:
        return None
    made = {tables.events[0].name: synthetic}
    inside, outside = _some(tables, fitted), _some(tables, held_out)
    return evaluate_set_histories(tables, made, inside, outside, seed)[tables.events[0].name]


def evaluate_set_histories(
    tables: LinkedSet, made: Mapping[str, pd.DataFrame], inside: LinkedSet, outside: LinkedSet, seed: int = 0
) -> dict[str, HistoryEvaluation]:
    """The histories of each event table of a set.

    Args:
        tables: The whole real set.
        made: Name → synthetic table.
        inside: The patients whom the fit saw.
        outside: Those whom it did not see.
        seed: Of classifiers and folds.
    """
    if min(len(inside.keys()), len(outside.keys())) < _FEWEST_PATIENTS:
        return {}
    fitted, held_out = read_histories(tables, inside), read_histories(tables, outside)
    synthetic = read_histories(tables, as_made(tables, made))
    return {
        item.name: HistoryEvaluation(
            patients_fitted=len(fitted[i].patients),
            patients_held_out=len(held_out[i].patients),
            figures=measure_histories(fitted[i], held_out[i], synthetic[i], seed=seed).as_dict(),
            floor=measure_histories(fitted[i], held_out[i], fitted[i], seed=seed).as_dict(),
            curves=_curves(fitted[i], synthetic[i]),
        )
        for i, item in enumerate(tables.events)
    }


def _some(tables: LinkedSet, keys: Array) -> LinkedSet:
    """The rows of those patients, whose keys are told as texts."""
    own = tables.keys()
    return tables.take(own[own.astype(str).isin(set(map(str, keys)))])


def _curves(real: Histories, made: Histories) -> tuple[Curve, ...]:
    found = [_deciles("rows a patient", real.lengths, made.lengths)]
    if real.times is not None and made.times is not None and len(real.follows) and len(made.follows):
        gaps = [one.times[one.follows] - one.times[one.follows - 1] for one in (real, made) if one.times is not None]
        found.append(_deciles("time between rows", *gaps))
    if real.ends is not None and real.events is not None and made.events is not None:
        ends = followed(real)
        grid = np.quantile(ends, _SHARES)
        lines = [survival_curve(followed(one), one.events, grid) for one in (real, made) if one.events is not None]
        found.append(_curve("share without the event", grid, *lines))
    return tuple(found)


def _deciles(name: str, real: Array, made: Array) -> Curve:
    return _curve(name, np.array(_SHARES), np.quantile(real, _SHARES), np.quantile(made, _SHARES))


def _curve(name: str, at: Any, real: Any, made: Any) -> Curve:
    rounded = [tuple(float(f"{x:.2g}") for x in line) for line in (at, real, made)]
    return Curve(name=name, at=rounded[0], real=rounded[1], synthetic=rounded[2])
