"""Synthetic histories that are known to be bad, each in its own way: the measures must say so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .table import Histories

__all__ = ["HISTORY_CONTROLS", "deal_rows", "jitter", "make_history_control", "mix_copies", "shuffle_within"]

HISTORY_CONTROLS = ("independent_rows", "shuffled", "jittered_copies")
"""Rows dealt to patients at random, real visits in another order, real patients with noise."""


def make_history_control(name: str, fitted: Histories, seed: int) -> Histories:
    """The control ``name`` made from ``fitted``."""
    rng = np.random.default_rng(seed)
    return {"independent_rows": deal_rows, "shuffled": shuffle_within, "jittered_copies": jitter}[name](fitted, rng)


def deal_rows(histories: Histories, rng: np.random.Generator) -> Histories:
    """Every row to some patient, lengths as they are: what a synthesizer of single rows gives at best."""
    rows = rng.permutation(len(histories.owners))
    times = None
    if histories.times is not None:
        rows = rows[np.lexsort((histories.times[rows], histories.owners))]
        times = histories.times[rows]
    return replace(histories, visits=histories.visits.iloc[rows].reset_index(drop=True), times=times)


def shuffle_within(histories: Histories, rng: np.random.Generator) -> Histories:
    """Each patient's cells in another order of visits."""
    rows = np.lexsort((rng.random(len(histories.owners)), histories.owners))
    return replace(histories, visits=histories.visits.iloc[rows].reset_index(drop=True))


def jitter(histories: Histories, rng: np.random.Generator, size: float = 0.05) -> Histories:
    """Real patients, their numbers with noise of ``size`` standard deviations."""
    visits = histories.visits.copy()
    for name in histories.numbers:
        visits[name] = visits[name] + rng.normal(0.0, size * np.nan_to_num(visits[name].std()), len(visits))
    return replace(histories, visits=visits)


def mix_copies(made: Histories, fitted: Histories, share: float, rng: np.random.Generator) -> Histories:
    """``made`` with a share of its patients replaced by patients of the fit."""
    count = min(round(share * len(made.patients)), len(fitted.patients))
    kept = made.take(np.sort(rng.permutation(len(made.patients))[count:]))
    copied = fitted.take(np.sort(rng.permutation(len(fitted.patients))[:count]))
    return kept.join(copied)
