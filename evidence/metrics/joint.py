"""Joint fidelity: can a model tell real rows from synthetic ones.

C2ST: a forest, cross-validated by person (Lopez-Paz & Oquab 2017). pMSE: the spread of propensity scores of a logistic
regression over what chance alone gives (Snoke et al. 2018). Both beside their noise floor: real rows of the fit held
against real rows that were held out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from .comparable import Array, numeric_columns
from .models import auc_of, features_of

__all__ = ["JointFidelity", "likeness", "measure_joint", "propensity_ratio", "tell_apart"]

_FOLDS = 3
_MOST_ROWS = 3000


@dataclass(frozen=True, slots=True)
class JointFidelity:
    """Figures of the synthetic table, each with its floor."""

    c2st_auc: float
    """AUC of telling real from synthetic rows; 0.5 where nobody can."""
    c2st_floor: float | None
    """The same for real rows against real rows; None where too few were held out."""
    pmse_ratio: float
    """Propensity score mean squared error over its expectation by chance; about 1 where nobody can tell."""
    pmse_floor: float | None

    @property
    def likeness(self) -> float:
        """1 where nobody can tell, 0 where everybody can."""
        return likeness(self.c2st_auc)


def likeness(auc: float) -> float:
    """1 at an AUC of 0.5 or less, 0 at 1."""
    return 1 - 2 * max(0.0, auc - 0.5)


def measure_joint(
    reference: pd.DataFrame,
    synthetic: pd.DataFrame,
    persons: Array,
    seed: int = 0,
    *,
    fitted: pd.DataFrame | None = None,
    fitted_persons: Array | None = None,
) -> JointFidelity:
    """C2ST and pMSE of ``synthetic`` against ``reference``.

    Args:
        reference: Real rows, best those that were held out.
        synthetic: Synthetic rows.
        persons: Whose row each reference row is.
        seed: Of samples and forests.
        fitted: Other real rows for the noise floor; None where there are none.
        fitted_persons: Whose they are.
    """
    floor_auc = floor_ratio = None
    if fitted is not None:
        floor_auc = tell_apart(reference, fitted, seed, persons, fitted_persons)
        floor_ratio = propensity_ratio(reference, fitted, seed)
    return JointFidelity(
        c2st_auc=tell_apart(reference, synthetic, seed, persons),
        c2st_floor=floor_auc,
        pmse_ratio=propensity_ratio(reference, synthetic, seed),
        pmse_floor=floor_ratio,
    )


def tell_apart(
    real: pd.DataFrame,
    other: pd.DataFrame,
    seed: int = 0,
    persons: Array | None = None,
    other_persons: Array | None = None,
    *,
    trees: int = 60,
    most: int = _MOST_ROWS,
) -> float:
    """Cross-validated AUC of a forest that tells ``other`` from ``real``, both of equal size."""
    rng = np.random.default_rng(seed)
    size = min(len(real), len(other), most)
    if size < 2 * _FOLDS:
        return 0.5
    rows = [rng.choice(len(table), size, replace=False) for table in (real, other)]
    x, y = _stack(real.iloc[rows[0]], other.iloc[rows[1]])
    owners = [
        pd.factorize(np.arange(len(table)) if who is None else np.asarray(who))[0][chosen]
        for table, who, chosen in zip((real, other), (persons, other_persons), rows, strict=True)
    ]
    groups = np.concatenate([owners[0], owners[1] + owners[0].max() + 1])
    scores = np.full(len(y), 0.5)
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for train, test in folds.split(x, y, groups):
        if len(np.unique(y[train])) < 2:
            continue
        model: Any = RandomForestClassifier(trees, min_samples_leaf=5, random_state=seed, n_jobs=1)
        scores[test] = model.fit(x[train], y[train]).predict_proba(x[test])[:, 1]
    return auc_of(y == 1, scores)


def propensity_ratio(real: pd.DataFrame, other: pd.DataFrame, seed: int = 0, *, most: int = _MOST_ROWS) -> float:
    """pMSE over its expectation under chance, (k - 1) c (1 - c) / N for k parameters.

    Twice the expectation of Snoke et al. (2018), who hold synthetic rows against the rows of the fit itself: here both
    tables are samples of their own.
    """
    rng = np.random.default_rng(seed)
    size = min(len(real), len(other), most)
    rows = [rng.choice(len(table), size, replace=False) for table in (real, other)]
    x, y = _stack(real.iloc[rows[0]], other.iloc[rows[1]])
    gone = np.isnan(x)
    keep = gone.any(axis=0) & ~gone.all(axis=0)
    middle = np.where(gone, 0.0, x).sum(axis=0) / np.maximum((~gone).sum(axis=0), 1)
    filled = np.hstack([np.where(gone, middle, x), gone[:, keep].astype(float)])
    filled = filled[:, filled.std(axis=0) > 0]
    if not filled.shape[1]:
        return 1.0
    model = LogisticRegression(C=1e4, max_iter=500, tol=1e-3)
    scores = model.fit(StandardScaler().fit_transform(filled), y).predict_proba(StandardScaler().fit_transform(filled))[
        :, 1
    ]
    share = float(y.mean())
    expected = filled.shape[1] * (1 - share) * share / len(y)
    return float(((scores - share) ** 2).mean() / expected)


def _stack(real: pd.DataFrame, other: pd.DataFrame) -> tuple[Array, Array]:
    numeric = numeric_columns(real)
    names = list(real.columns)
    x = np.vstack([features_of(table, real, names, numeric) for table in (real, other)])
    return x, np.repeat([0, 1], [len(real), len(other)])
