"""Whether a classifier tells real from synthetic, and whether what is learnt on synthetic visits holds on real ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from .summary import summarise_all
from .table import Array, Histories

__all__ = ["pair_auc", "patient_auc", "predict_next"]

_MAX_PAIRS = 6000
_FOLDS = 3
_COMMONEST = 10


def pair_auc(real: Histories, other: Histories, seed: int) -> float | None:
    """AUC of a boosted classifier on a visit and the one before it; 0.5: nobody can tell.

    Folds keep a patient's pairs together: row-wise folds tell the patient and not the source.
    """
    mine, theirs = _pairs(real, real), _pairs(other, real)
    if min(len(mine), len(theirs)) < 30:
        return None
    owners = np.r_[real.owners[real.follows], other.owners[other.follows] + len(real.patients)]
    return _tell_apart(mine, theirs, owners, seed)


def patient_auc(real: Histories, other: Histories, seed: int) -> float | None:
    """The same on one row of figures a patient."""
    mine, theirs = summarise_all(real, [real, other])
    if min(len(mine), len(theirs)) < 30:
        return None
    return _tell_apart(mine, theirs, np.arange(len(mine) + len(theirs)), seed)


def predict_next(train: Histories, test: Histories, name: object, seed: int) -> float | None:
    """How well a model learnt on ``train`` foretells the next value of a column in ``test``, from the visit before.

    R² of a number; for a category the mean AUC over the commonest codes.
    """
    target_train, target_test = (one.visits[name].iloc[one.follows] for one in (train, test))
    before_train, before_test = _told(*(_before(one, test) for one in (train, test)))
    if name in test.numbers:
        a, b = target_train.to_numpy(dtype=float), target_test.to_numpy(dtype=float)
        known, there = ~np.isnan(a), ~np.isnan(b)
        if known.sum() < 30 or there.sum() < 30:
            return None
        seen, unseen = _told(before_train[known], before_test[there])
        model = _fit(HistGradientBoostingRegressor(random_state=seed, max_iter=100), seen, a[known])
        return float(r2_score(b[there], model.predict(unseen)))
    found = []
    for code in test.visits[name].value_counts().index[:_COMMONEST]:
        a, b = (target_train == code).to_numpy(), (target_test == code).to_numpy()
        if b.sum() < 10 or b.all():
            continue
        if a.sum() < 5 or a.all():
            found.append(0.5)
            continue
        model = _fit(HistGradientBoostingClassifier(random_state=seed, max_iter=60), before_train, a)
        found.append(float(roc_auc_score(b, model.predict_proba(before_test)[:, 1])))
    return float(np.mean(found)) if found else None


def _fit(model: Any, features: Array, target: Array) -> Any:
    """Fitted by one thread: on tables of this size several wait for each other longer than they work."""
    with threadpool_limits(1, user_api="openmp"):
        return model.fit(features, target)


def _told(train: Array, test: Array) -> tuple[Array, Array]:
    """Features of two values or more in ``train``: others tell nothing, and the library stumbles over them."""
    low = np.where(np.isnan(train), np.inf, train).min(axis=0)
    high = np.where(np.isnan(train), -np.inf, train).max(axis=0)
    varied = low < high
    return train[:, varied], test[:, varied]


def _tell_apart(mine: Array, theirs: Array, owners: Array, seed: int) -> float:
    features = np.concatenate([mine, theirs])
    labels = np.r_[np.zeros(len(mine)), np.ones(len(theirs))]
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(labels))[:_MAX_PAIRS]
    features, labels, owners = features[rows], labels[rows], owners[rows]
    scores = np.empty(len(labels))
    for inside, outside in StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed).split(
        features, labels, owners
    ):
        seen, unseen = _told(features[inside], features[outside])
        model = _fit(HistGradientBoostingClassifier(random_state=seed, max_iter=60), seen, labels[inside])
        scores[outside] = model.predict_proba(unseen)[:, 1]
    return float(roc_auc_score(labels, scores))


def _pairs(histories: Histories, reference: Histories) -> Array:
    """Visits with an earlier one x (both visits' cells, gap, number)."""
    rows = histories.follows
    cells = _numbers(histories, reference)
    parts = [cells[rows - 1], cells[rows], _visit_number(histories)[rows, None]]
    if histories.times is not None:
        parts.append((histories.times[rows] - histories.times[rows - 1])[:, None])
    return np.column_stack(parts)


def _before(histories: Histories, reference: Histories) -> Array:
    """What is known before each visit that has an earlier one: the earlier's cells, its number, statics, codes seen."""
    rows = histories.follows
    cells = _numbers(histories, reference)
    statics = [_coded(histories.patients[n], reference.patients[n])[histories.owners[rows]] for n in reference.patients]
    parts = [cells[rows - 1], _visit_number(histories)[rows], *statics]
    if histories.times is not None:
        parts.append(histories.times[rows - 1])
    parts += [_seen(histories, reference, name)[rows] for name in reference.codes]
    return np.column_stack(parts)


def _numbers(histories: Histories, reference: Histories) -> Array:
    return np.column_stack([_coded(histories.visits[name], reference.visits[name]) for name in reference.visits])


def _coded(cells: pd.Series, reference: pd.Series) -> Array:
    """Numbers as they are; levels by how common they are in the reference, strangers as missing."""
    if pd.api.types.is_float_dtype(reference.dtype):
        return np.asarray(cells.to_numpy(dtype=float))
    codes = pd.Categorical(cells, categories=list(reference.value_counts().index)).codes.astype(float)
    return np.where(codes < 0, np.nan, codes)


def _visit_number(histories: Histories) -> Array:
    firsts = histories.firsts
    starts = np.repeat(firsts, histories.lengths[histories.owners[firsts]])
    return np.asarray(np.arange(len(histories.owners)) - starts)


def _seen(histories: Histories, reference: Histories, name: object) -> Array:
    """Rows x commonest codes: earlier rows of the patient that have it."""
    top = list(reference.visits[name].value_counts().index[:_COMMONEST])
    here = np.stack([(histories.visits[name] == code).to_numpy(dtype=float) for code in top], axis=1)
    before = np.cumsum(here, axis=0) - here
    starts = np.repeat(histories.firsts, histories.lengths[histories.owners[histories.firsts]])
    return np.asarray(before - before[starts])
