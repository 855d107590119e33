"""Whole patients under attack: each one's history as one row, before the attacks that tables of single rows meet.

A copy of a patient may hide among rows: each of them looks like many others', and together they are his or hers alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from ..disclosure.distances import MOST_REAL, MOST_SYNTHETIC, measure_distances, thin_persons
from ..disclosure.membership import Membership, measure_membership
from ..disclosure.overlap import Overlap, count_exact, measure_overlap
from ..metrics.comparable import Array
from .summary import summarise_all
from .table import Histories

__all__ = ["Nearness", "PatientDisclosure", "attack_patients", "measure_nearness"]

_NEAREST_SHARE = 0.05


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


@dataclass(frozen=True, slots=True)
class Nearness:
    """What the distance to the nearest synthetic patient tells."""

    auc: float
    """Of telling patients of the fit from held-out ones; 0.5 is chance."""
    nearer: float
    """Share of the fit's patients nearer than the nearest 5 % of the held-out ones: sees copies of a few, which the AUC
    misses; 0.05 is chance."""


def measure_nearness(fitted: Histories, held_out: Histories, other: Histories) -> Nearness:
    """Attack ``other``, made from ``fitted``; ``held_out`` are patients of the same source never seen."""
    rows = summarise_all(fitted.join(held_out), [fitted, held_out, other])
    members, strangers, synthetic = _scale(rows)
    near, far = _nearest(members, synthetic), _nearest(strangers, synthetic)
    ranks = rankdata(-np.r_[near, far])
    auc = (ranks[: len(near)].sum() - len(near) * (len(near) + 1) / 2) / (len(near) * len(far))
    return Nearness(float(auc), float((near < np.quantile(far, _NEAREST_SHARE)).mean()))


def _scale(rows: list[Array]) -> list[Array]:
    """Figures as ranks among the real patients, from 0 to 1; a missing one stands apart."""
    real = np.concatenate(rows[:2])
    found = []
    for part in rows:
        scaled = np.empty(part.shape)
        for j in range(part.shape[1]):
            known = np.sort(real[~np.isnan(real[:, j]), j])
            low, high = np.searchsorted(known, part[:, j], "left"), np.searchsorted(known, part[:, j], "right")
            scaled[:, j] = np.where(np.isnan(part[:, j]), -0.5, (low + high) / 2 / max(len(known), 1))
        found.append(scaled)
    return found


def _nearest(points: Array, targets: Array) -> Array:
    step = max(1, 4_000_000 // max(len(targets), 1))
    parts = [cdist(points[i : i + step], targets, "cityblock").min(axis=1) for i in range(0, len(points), step)]
    return np.concatenate(parts)
