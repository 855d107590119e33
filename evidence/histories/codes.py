"""Columns of many codes: what follows what, what comes once, what goes together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .table import Array, Histories

__all__ = ["bigram_distance", "copresence_error", "once_codes", "repeated_share"]

_COMMONEST = 20
"""Codes looked at one by one; the others are one class."""
_FEWEST_HOLDERS = 10


def bigram_distance(real: Histories, other: Histories, name: object) -> float:
    """Total variation of a code and the next one, over the commonest codes."""
    top = _top(real, name)
    a, b = (_bigrams(one, name, top) for one in (real, other))
    return float(np.abs(a - b).sum() / 2)


def copresence_error(real: Histories, other: Histories, name: object) -> float:
    """Mean absolute difference of the phi coefficients of two codes in one patient, over the commonest codes."""
    top = _top(real, name)
    a, b = (_correlations(_held(one, name, top)) for one in (real, other))
    upper = np.triu_indices(len(top), 1)
    return float(np.abs(a - b)[upper].mean()) if len(top) > 1 else float("nan")


def once_codes(real: Histories, name: object) -> frozenset[str]:
    """Codes that ten patients or more have, and none twice."""
    rows = pd.DataFrame({"code": real.visits[name], "owner": real.owners}).dropna()
    counts = rows.groupby(["code", "owner"], observed=True).size().groupby("code", observed=True).agg(["size", "max"])
    return frozenset(counts.index[(counts["size"] >= _FEWEST_HOLDERS) & (counts["max"] == 1)])


def repeated_share(other: Histories, name: object, once: frozenset[str]) -> float:
    """Of the rows with a code that comes once: the share of those that repeat it for their patient."""
    rows = pd.DataFrame({"code": other.visits[name], "owner": other.owners})
    rows = rows[rows["code"].isin(once)]
    return float(rows.duplicated().mean()) if len(rows) else 0.0


def _top(real: Histories, name: object) -> list[str]:
    return list(real.visits[name].value_counts().index[:_COMMONEST])


def _bigrams(histories: Histories, name: object, top: list[str]) -> Array:
    codes = pd.Categorical(histories.visits[name], categories=top).codes.astype(int)
    rows = histories.follows
    size = len(top) + 1
    counts = np.bincount((codes[rows - 1] + 1) * size + codes[rows] + 1, minlength=size * size)
    return np.asarray(counts / max(counts.sum(), 1))


def _held(histories: Histories, name: object, top: list[str]) -> Array:
    codes = pd.Categorical(histories.visits[name], categories=top).codes.astype(int)
    held = np.zeros((len(histories.patients), len(top)))
    held[histories.owners[codes >= 0], codes[codes >= 0]] = 1.0
    return held


def _correlations(held: Array) -> Array:
    centred = held - held.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    return np.asarray((centred.T @ centred) / len(held) / np.maximum(np.outer(spread, spread), 1e-12))
