"""Whole patients under attack: each one's history as one row, before the attacks that tables of single rows meet.

A copy of a patient may hide among rows: each of them looks like many others', and together they are his or hers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..disclosure.distances import MOST_REAL, MOST_SYNTHETIC, measure_distances, thin_persons
from ..disclosure.membership import Membership, measure_membership
from ..disclosure.overlap import Overlap, count_exact, measure_overlap
from ..metrics.comparable import Array
from .summary import summarise_all
from .table import Histories

__all__ = ["PatientDisclosure", "attack_patients"]


@dataclass(frozen=True, slots=True)
class PatientDisclosure:
    """What synthetic patients tell of the patients of the fit, and not of others."""

    membership: Membership
    overlap: Overlap
    """Synthetic patients that lie on one real patient."""


def attack_patients(
    fitted: Sequence[Histories], held_out: Sequence[Histories], made: Sequence[Histories], seed: int = 0
) -> PatientDisclosure:
    """Attack synthetic patients; of many thousands a sample is looked at.

    Args:
        fitted: Patients of the fit, event table by event table.
        held_out: Patients of the same source whom the fit never saw.
        made: Synthetic patients.
        seed: Of samples and draws.
    """
    rng = np.random.default_rng(seed)
    members, others, drawn = (
        _thin(rows, most, rng)
        for rows, most in zip(
            _patient_rows(fitted, held_out, made), (MOST_REAL, MOST_REAL, MOST_SYNTHETIC), strict=True
        )
    )
    distances = measure_distances(members, others, drawn, np.arange(len(members)), np.arange(len(others)))
    return PatientDisclosure(
        measure_membership(distances, seed),
        measure_overlap(distances, count_exact(drawn, members), count_exact(drawn, others)),
    )


def _patient_rows(*parts: Sequence[Histories]) -> list[pd.DataFrame]:
    """A row a patient: the summaries of all event tables side by side, statics once."""
    columns: list[list[Array]] = [[] for _ in parts]
    for i in range(len(parts[0])):
        tables = [_without_statics(part[i]) if i else part[i] for part in parts]
        for found, rows in zip(columns, summarise_all(tables[0].join(tables[1]), tables), strict=True):
            found.append(rows)
    return [pd.DataFrame(np.column_stack(found)) for found in columns]


def _without_statics(histories: Histories) -> Histories:
    return replace(histories, patients=histories.patients[[]])


def _thin(rows: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    return rows.iloc[thin_persons(rows, np.arange(len(rows)), most, rng)].reset_index(drop=True)
