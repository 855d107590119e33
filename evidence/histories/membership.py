"""Whose history was in the fit: an attack by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from .summary import summarise_all
from .table import Array, Histories

__all__ = ["Membership", "measure_membership"]

_NEAREST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Membership:
    """What the distance to the nearest synthetic patient tells."""

    auc: float
    """Of telling patients of the fit from held-out ones; 0.5 is chance."""
    nearer: float
    """Share of the fit's patients nearer than the nearest 5 % of the held-out ones: sees copies of a few, which the AUC
    misses; 0.05 is chance."""


def measure_membership(fitted: Histories, held_out: Histories, other: Histories) -> Membership:
    """Attack ``other``, made from ``fitted``; ``held_out`` are patients of the same source never seen."""
    rows = summarise_all(fitted.join(held_out), [fitted, held_out, other])
    members, strangers, synthetic = _scale(rows)
    near, far = _nearest(members, synthetic), _nearest(strangers, synthetic)
    ranks = rankdata(-np.r_[near, far])
    auc = (ranks[: len(near)].sum() - len(near) * (len(near) + 1) / 2) / (len(near) * len(far))
    return Membership(float(auc), float((near < np.quantile(far, _NEAREST_SHARE)).mean()))


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
