"""Every figure of synthetic histories beside the real ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .codes import bigram_distance, copresence_error, once_codes, repeated_share
from .course import (
    compare_drifts,
    compare_gaps,
    compare_lengths,
    compare_steps,
    compare_visits,
    intraclass,
    lag_one,
    transition_distance,
)
from .disclosure import measure_nearness
from .prediction import pair_auc, patient_auc, predict_next
from .survival import after_end, survival_distance
from .table import Histories, on_ranks_of

__all__ = ["HistoryScores", "choose_predicted", "mean_scores", "measure_histories"]


@dataclass(frozen=True, slots=True)
class HistoryScores:
    """Distances and errors are 0 where nothing differs; None where the table has nothing to measure them on.

    Correlations, ICC and the next value are taken on ranks among the real values: else outliers would make them.
    """

    rows_per_patient: float
    """Mean rows a patient, over the real one."""
    length: float
    """Kolmogorov-Smirnov distance of rows a patient."""
    gap: float | None
    """The same of the times between visits."""
    first: float | None
    last: float | None
    """Mean distance of the columns at the first and at the last visit."""
    lag_one: float | None
    """Mean error of the correlation of a number with the one before."""
    lag_one_within: float | None
    """The same after each patient's mean is taken off."""
    intraclass: float | None
    """Mean error of the share of variance between patients."""
    step: float | None
    drift: float | None
    transitions: float | None
    bigrams: float | None
    copresence: float | None
    once_repeated: float | None
    """Of the rows with a code that comes once a patient: share of those that repeat it."""
    survival: float | None
    after_end: float | None
    """Share of the visits after their patient's end."""
    pair_auc: float | None
    patient_auc: float | None
    """AUC of a classifier of real and synthetic, by visits with the one before and by patients; 0.5: it cannot tell."""
    next_value: float | None
    """R² or AUC, on real visits, of a model of the next value learnt on synthetic ones."""
    membership_auc: float | None
    """AUC of telling patients of the fit from held-out ones."""
    nearer_share: float | None
    """Share of the fit's patients nearer to a synthetic one than the nearest 5 % of the held-out patients are."""

    def as_dict(self) -> dict[str, float | None]:
        """Name to figure."""
        return asdict(self)


def measure_histories(
    fitted: Histories,
    held_out: Histories,
    other: Histories,
    *,
    strangers: Histories | None = None,
    like: Histories | None = None,
    predict: object | None = None,
    seed: int = 0,
) -> HistoryScores:
    """Hold ``other`` against held-out patients, and attack it by the patients that it was made from.

    Args:
        fitted: Patients whom the synthesizer saw.
        held_out: Patients of the same source whom it did not see; the yardstick.
        other: What is judged: synthetic histories, or a control.
        strangers: Held-out patients for the attack, where the yardstick is not as they are in the table.
        like: What rows a patient are held against; the patients of the fit where it is not given.
        predict: Column whose next value is foretold; by default the first code, else the number with the strongest
            memory, else the first category.
        seed: Of classifiers and folds.
    """
    real, made = on_ranks_of(held_out, held_out), on_ranks_of(held_out, other)
    predict = choose_predicted(real) if predict is None else predict
    membership = measure_nearness(fitted, held_out if strangers is None else strangers, other)
    once = {name: once_codes(fitted, name) for name in held_out.codes}
    return HistoryScores(
        rows_per_patient=_rows_per_patient(other) / max(_rows_per_patient(like or fitted), 1e-9),
        length=compare_lengths(held_out, other),
        gap=compare_gaps(held_out, other),
        first=compare_visits(held_out, other, "firsts"),
        last=compare_visits(held_out, other, "lasts"),
        lag_one=_error([(lag_one(real, name), lag_one(made, name)) for name in real.numbers]),
        lag_one_within=_error(
            [(lag_one(real, name, within=True), lag_one(made, name, within=True)) for name in real.numbers]
        ),
        intraclass=_error([(intraclass(real, name), intraclass(made, name)) for name in real.numbers]),
        step=compare_steps(held_out, other),
        drift=compare_drifts(held_out, other),
        transitions=transition_distance(held_out, other),
        bigrams=_mean([bigram_distance(held_out, other, name) for name in held_out.codes]),
        copresence=_mean([copresence_error(held_out, other, name) for name in held_out.codes]),
        once_repeated=_mean([repeated_share(other, name, once[name]) for name in held_out.codes]),
        survival=survival_distance(held_out, other),
        after_end=after_end(other),
        pair_auc=pair_auc(held_out, other, seed),
        patient_auc=patient_auc(held_out, other, seed),
        next_value=None if predict is None else predict_next(made, real, predict, seed),
        membership_auc=membership.auc,
        nearer_share=membership.nearer,
    )


def mean_scores(scores: list[HistoryScores]) -> dict[str, float | None]:
    """Mean of each figure over several runs, of those that have it."""
    return {name: _mean([getattr(item, name) for item in scores]) for name in HistoryScores.__dataclass_fields__}


def choose_predicted(real: Histories) -> Any:
    """The column whose next value tells most: a code, else the number with the strongest memory, else a category."""
    if real.codes:
        return real.codes[0]
    if real.numbers:
        return max(real.numbers, key=lambda name: np.nan_to_num(lag_one(real, name), nan=-1.0))
    return real.states[0] if real.states else None


def _rows_per_patient(histories: Histories) -> float:
    return len(histories.owners) / max(len(histories.patients), 1)


def _error(pairs: list[tuple[float, float]]) -> float | None:
    """Mean absolute difference over the columns that the real table has a figure for; none in the other counts as 0."""
    return _mean([abs(mine - float(np.nan_to_num(theirs))) for mine, theirs in pairs if not np.isnan(mine)])


def _mean(figures: list[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None and not np.isnan(figure)]
    return float(np.mean(known)) if known else None
