"""Evaluate a table of several rows a patient: what a patient's rows say together, and whose history was in the fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from ..schemas.base import Frozen
from ..schemas.column_treatment import Treatment
from ..schemas.compliance import ValueProtection
from ..schemas.errors import TableError
from ..synthesizers.encoding.sets.linked_set import LinkedSet
from ..synthesizers.encoding.sets.prepared_set import PreparedSet, prepare_set
from ..synthesizers.running.run_histories import one_table, protect_set
from .histories.disclosure import PatientDisclosure, attack_patients
from .histories.read_set import as_made, cut_longest, histories_of
from .histories.scores import measure_histories
from .histories.table import Array
from .history_plots import Band, Curve, draw_bands, draw_deciles, draw_transitions
from .metrics.side_by_side import Marginal

__all__ = ["HISTORY_FIGURES", "ComparedSets", "HistoryEvaluation", "compare_histories", "evaluate_histories"]

_FEWEST_PATIENTS = 20
"""Held-out patients below which the figures are noise."""

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


_MOST_PATIENTS = 3000
"""Fitted, held-out and synthetic patients that are compared, of each at most so many (judgement): whole tables of
100,000 rows took minutes, and single rows are held against the whole table elsewhere."""


class HistoryEvaluation(Frozen):
    """Figures by patient, beside those of real patients of the fit against held-out ones."""

    patients_fitted: int
    """Compared: of more than 3,000 a random 3,000."""
    patients_held_out: int
    figures: dict[str, float | None]
    floor: dict[str, float | None]
    """The same for the real patients of the fit, without values of few and the longest histories cut where the fit saw
    them so; its membership is a copy's."""
    curves: tuple[Curve, ...] = ()
    bands: tuple[Band, ...] = ()
    """Numbers over time."""
    transitions: tuple[Marginal, ...] = ()
    """What follows what, real beside synthetic."""
    patients: PatientDisclosure | None = None
    """Whole patients under attack; of a set with the set, and None here."""


@dataclass(frozen=True, slots=True)
class ComparedSets:
    """Real and synthetic tables of patients, prepared as for a fit.

    Attributes:
        tables: The real tables.
        model: The same, prepared.
        fitted: Positions of the patients whom the fit saw.
        held_out: Positions of those whom it did not see.
        made: The synthetic tables, prepared.
        protection: How values of few patients were kept out of the fit; None where they were not.
    """

    tables: LinkedSet
    model: PreparedSet
    fitted: Array
    held_out: Array
    made: PreparedSet
    protection: ValueProtection | None = None

    @classmethod
    def of(
        cls,
        tables: LinkedSet,
        made: Mapping[str, pd.DataFrame],
        fitted: Array,
        held_out: Array,
        protection: ValueProtection | None = None,
    ) -> Self:
        """Prepare the tables; ``made`` holds the synthetic ones by name."""
        model = prepare_set(tables)
        return cls(tables, model, fitted, held_out, prepare_set(as_made(tables, made), like=model), protection)

    @property
    def enough(self) -> bool:
        """Whether there are patients enough on both sides for figures that are no noise."""
        return min(len(self.fitted), len(self.held_out)) >= _FEWEST_PATIENTS

    def thinned(self, seed: int) -> Self:
        """The same for so many patients of each side as are looked at, drawn at random."""
        rng = np.random.default_rng(seed)
        sides = (self.fitted, self.held_out, np.arange(len(self.made.people)))
        if max(map(len, sides)) <= _MOST_PATIENTS:
            return self
        fitted, held_out, made = (
            np.sort(rng.choice(side, _MOST_PATIENTS, replace=False)) if len(side) > _MOST_PATIENTS else side
            for side in sides
        )
        return replace(self, fitted=fitted, held_out=held_out, made=self.made.take(made))

    def seen(self) -> PreparedSet:
        """The fitted patients as the fit saw them."""
        fitted = self.model.take(self.fitted)
        if self.protection is None:
            return fitted
        try:
            return protect_set(fitted, self.protection)[0]
        except TableError:
            # A part of the patients may be too few for what all of them bore.
            return fitted


def evaluate_histories(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    treatments: tuple[Treatment, ...],
    fitted: Array,
    held_out: Array,
    seed: int = 0,
    protection: ValueProtection | None = None,
) -> HistoryEvaluation | None:
    """Compare histories; None where the table has none, or too few patients were held out.

    Args:
        real: The raw real table.
        synthetic: The synthetic one.
        treatments: One for each real column.
        fitted: Patients' keys whom the fit saw.
        held_out: Those whom it did not see.
        seed: Of classifiers and folds.
        protection: How values of few patients were kept out of the fit.
    """
    if not any(item.part for item in treatments) or not any(item.patient for item in treatments):
        return None
    tables = one_table(real, treatments)
    item = tables.events[0]
    if item.key not in synthetic.columns:
        return None
    keys = tables.keys().astype(str)
    inside, outside = (np.flatnonzero(keys.isin(set(map(str, part)))) for part in (fitted, held_out))
    if min(len(inside), len(outside)) < _FEWEST_PATIENTS:
        return None
    sets = ComparedSets.of(tables, {item.name: synthetic}, inside, outside, protection)
    histories, patients = compare_histories(sets, seed)
    return histories[item.name].model_copy(update={"patients": patients})


def compare_histories(
    sets: ComparedSets, seed: int = 0
) -> tuple[dict[str, HistoryEvaluation], PatientDisclosure | None]:
    """The histories of each event table, and the attack on whole patients; nothing where too few were held out.

    Args:
        sets: What is compared.
        seed: Of classifiers and folds.
    """
    if not sets.enough:
        return {}, None
    sets = sets.thinned(seed)
    fitted, held_out = (histories_of(sets.tables, sets.model, sets.model.take(p)) for p in (sets.fitted, sets.held_out))
    synthetic = histories_of(sets.tables, sets.model, sets.made)
    seen = histories_of(sets.tables, sets.model, sets.seen())
    if sets.protection is not None:
        seen = [cut_longest(item, sets.protection.k) for item in seen]
    found = {
        item.name: HistoryEvaluation(
            patients_fitted=len(sets.fitted),
            patients_held_out=len(sets.held_out),
            figures=measure_histories(fitted[i], held_out[i], synthetic[i], seed=seed).as_dict(),
            floor=measure_histories(fitted[i], held_out[i], seen[i], seed=seed).as_dict(),
            curves=draw_deciles(fitted[i], synthetic[i]),
            bands=draw_bands(fitted[i], synthetic[i]),
            transitions=draw_transitions(fitted[i], synthetic[i]),
        )
        for i, item in enumerate(sets.tables.events)
    }
    return found, attack_patients(fitted, held_out, synthetic, seed)
