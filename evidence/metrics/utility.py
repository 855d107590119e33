"""Utility: a model trained on synthetic rows (TSTR) beside one trained on real ones (TRTR), both tested on real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import r2_score

from ..disclosure.intervals import Interval
from .comparable import Array, as_category, as_number, numeric_columns

__all__ = ["Utility", "measure_utility"]

_TREES = 100
_DRAWS = 200
_MIN_ABOVE_CHANCE = 0.02


@dataclass(frozen=True, slots=True)
class Utility:
    """Both models tested on the same held-out real rows."""

    task: Literal["classification", "regression"]
    tstr: float
    """AUC (mean of one class against the rest) or R²."""
    trtr: float
    ratio: Interval | None
    """TSTR over TRTR, both above chance, with a bootstrap interval; None where the real rows teach nothing."""

    @property
    def score(self) -> float | None:
        """The ratio within 0 and 1."""
        return None if self.ratio is None else min(1.0, max(0.0, self.ratio.value))


def measure_utility(
    fitted: pd.DataFrame, held_out: pd.DataFrame, synthetic: pd.DataFrame, target: str, seed: int = 0
) -> Utility | None:
    """TSTR and TRTR for ``target``; None where it cannot be tested (one class only, or no rows with a known target)."""
    numeric = numeric_columns(pd.concat([fitted, held_out], ignore_index=True))
    regression = target in numeric
    tables = [table[table[target].notna()] for table in (fitted, held_out, synthetic)]
    if min(len(table) for table in tables) < 10:
        return None
    features = [name for name in fitted.columns if name != target]
    x = [_features(table, tables[0], features, numeric) for table in tables]
    if regression:
        y = [as_number(table[target]) for table in tables]
        real, made = (_regress(x[i], y[i], x[1], seed) for i in (0, 2))
        chance = 0.0
    else:
        y = [as_category(table[target]) for table in tables]
        classes = np.unique(y[0])
        # Labels that hardly ever come twice, such as names, are no classes.
        if len(classes) < 2 or len(np.unique(y[1])) < 2 or len(classes) > len(y[0]) / 2:
            return None
        real, made = (_classify(x[i], y[i], x[1], classes, seed) for i in (0, 2))
        chance = 0.5
    tstr, trtr = _score(y[1], made, regression, y[0]), _score(y[1], real, regression, y[0])
    return Utility(
        task="regression" if regression else "classification",
        tstr=tstr,
        trtr=trtr,
        ratio=_ratio(y[1], made, real, chance, regression, y[0], seed) if trtr - chance > _MIN_ABOVE_CHANCE else None,
    )


def _features(table: pd.DataFrame, reference: pd.DataFrame, names: list[str], numeric: list[str]) -> Array:
    """Numbers as they are, categories by falling frequency in the real rows; missing stays missing."""
    parts = []
    for name in names:
        if name in numeric:
            parts.append(as_number(table[name]))
        else:
            order = {level: i for i, level in enumerate(pd.Series(as_category(reference[name])).value_counts().index)}
            parts.append(np.array([order.get(label, len(order)) for label in as_category(table[name])], dtype=float))
    return np.column_stack(parts)


def _classify(x: Array, y: Array, test: Array, classes: Array, seed: int) -> Array:
    found = np.zeros((len(test), len(classes)))
    known = np.isin(y, classes)
    if len(np.unique(y[known])) < 2:
        # Synthetic rows of one class only: the model can but say that class.
        return found
    model: Any = RandomForestClassifier(_TREES, min_samples_leaf=3, random_state=seed, n_jobs=1)
    model.fit(x[known], y[known])
    found[:, np.searchsorted(classes, model.classes_)] = model.predict_proba(test)
    return found


def _regress(x: Array, y: Array, test: Array, seed: int) -> Array:
    model: Any = RandomForestRegressor(_TREES, min_samples_leaf=3, max_features=1 / 3, random_state=seed, n_jobs=1)
    return np.asarray(model.fit(x, y).predict(test))


def _score(y: Array, predicted: Array, regression: bool, train: Array) -> float:
    if regression:
        return float(r2_score(y, predicted))
    classes = np.unique(train)
    scores = [
        _auc(y == label, predicted[:, i]) for i, label in enumerate(classes) if 0 < int((y == label).sum()) < len(y)
    ]
    return float(np.mean(scores)) if scores else 0.5


def _auc(positive: Array, scores: Array) -> float:
    """Area under the ROC curve, by ranks (Mann-Whitney)."""
    ranks = stats.rankdata(scores)
    m = int(positive.sum())
    return float((ranks[positive].sum() - m * (m + 1) / 2) / (m * (len(scores) - m)))


def _ratio(y: Array, made: Array, real: Array, chance: float, regression: bool, train: Array, seed: int) -> Interval:
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(_DRAWS):
        rows = rng.integers(0, len(y), len(y))
        if not regression and len(np.unique(y[rows])) < 2:
            continue
        above = _score(y[rows], real[rows], regression, train) - chance
        if above > _MIN_ABOVE_CHANCE:
            draws.append((_score(y[rows], made[rows], regression, train) - chance) / above)
    value = (_score(y, made, regression, train) - chance) / (_score(y, real, regression, train) - chance)
    low, high = np.percentile(draws, [2.5, 97.5]) if draws else (-np.inf, np.inf)
    return Interval(float(value), float(low), float(high))
