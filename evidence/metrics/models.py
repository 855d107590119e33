"""Models that predict one column from the others, the same for real and synthetic training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import average_precision_score, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .comparable import Array, as_category, as_number, numeric_columns

__all__ = ["Kind", "Task", "auc_of", "features_of", "make_task", "predict", "score", "score_rare"]

Kind = Literal["forest", "linear"]


@dataclass(frozen=True, slots=True)
class Task:
    """One column to be predicted, on several tables of the same columns: training tables first, the test table last."""

    regression: bool
    features: tuple[Array, ...]
    """Of each table; rows whose target is missing are left out."""
    targets: tuple[Array, ...]
    classes: Array
    """Of the real training rows; empty for a regression."""

    @property
    def chance(self) -> float:
        """What knowing nothing scores."""
        return 0.0 if self.regression else 0.5


def make_task(tables: tuple[pd.DataFrame, ...], target: object) -> Task | None:
    """The task of predicting ``target``; None where it cannot be tested.

    Args:
        tables: Real training rows first, other training tables, and the real test rows last.
        target: One class only, labels that hardly come twice, or fewer than ten known rows cannot be tested.
    """
    numeric = numeric_columns(pd.concat([tables[0], tables[-1]], ignore_index=True))
    labelled = tuple(table[table[target].notna()] for table in tables)
    if min(len(table) for table in labelled) < 10:
        return None
    names = [name for name in tables[0].columns if name != target]
    if not names:
        return None
    features = tuple(features_of(table, labelled[0], names, numeric) for table in labelled)
    if target in numeric:
        values = tuple(as_number(table[target]) for table in labelled)
        if np.ptp(values[0]) == 0 or np.ptp(values[-1]) == 0:
            return None
        return Task(True, features, values, np.zeros(0))
    labels = tuple(as_category(table[target]) for table in labelled)
    classes = np.unique(labels[0])
    # Labels that hardly ever come twice, such as names, are no classes.
    if len(classes) < 2 or len(np.unique(labels[-1])) < 2 or len(classes) > len(labels[0]) / 2:
        return None
    return Task(False, features, labels, classes)


def features_of(table: pd.DataFrame, reference: pd.DataFrame, names: list[Any], numeric: list[str]) -> Array:
    """Numbers as they are, categories by falling frequency in the reference rows; missing stays missing."""
    parts = []
    for name in names:
        if name in numeric:
            parts.append(as_number(table[name]))
        else:
            order = {level: i for i, level in enumerate(pd.Series(as_category(reference[name])).value_counts().index)}
            parts.append(np.array([order.get(label, len(order)) for label in as_category(table[name])], dtype=float))
    return np.column_stack(parts)


def predict(
    task: Task, table: int, seed: int, *, kind: Kind = "forest", trees: int = 100, rows: Array | None = None
) -> Array:
    """Test rows as a model trained on the so-many-th table sees them: values, or a column of scores per class.

    Args:
        task: What to predict.
        table: Position of the training table.
        seed: Of the model.
        kind: A forest, or a linear model on standardised features with missing cells at their mean.
        trees: Of a forest.
        rows: Which training rows to use; by default all.
    """
    x, y, test = task.features[table], task.targets[table], task.features[-1]
    if rows is not None:
        x, y = x[rows], y[rows]
    if kind == "linear":
        x, test = _filled(x, x), _filled(test, x)
    model: Any
    if task.regression:
        model = (
            RandomForestRegressor(trees, min_samples_leaf=3, max_features=1 / 3, random_state=seed, n_jobs=1)
            if kind == "forest"
            else make_pipeline(StandardScaler(), Ridge(1.0))
        )
        return np.asarray(model.fit(x, y).predict(test))
    probabilities = np.zeros((len(test), len(task.classes)))
    learnable = np.isin(y, task.classes)
    if len(np.unique(y[learnable])) < 2:
        # Rows of one class only: the model can but say that class.
        return probabilities
    model = (
        RandomForestClassifier(trees, min_samples_leaf=3, random_state=seed, n_jobs=1)
        if kind == "forest"
        else make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, tol=1e-3))
    )
    model.fit(x[learnable], y[learnable])
    probabilities[:, np.searchsorted(task.classes, model.classes_)] = model.predict_proba(test)
    return probabilities


def score(task: Task, predicted: Array, rows: Array | None = None) -> float:
    """R², or the mean AUC of one class against the rest, on the test rows or some of them."""
    y = task.targets[-1]
    if rows is not None:
        y, predicted = y[rows], predicted[rows]
    if task.regression:
        return float(r2_score(y, predicted)) if np.ptp(y) > 0 else 0.0
    scores = [
        auc_of(y == label, predicted[:, i])
        for i, label in enumerate(task.classes)
        if 0 < int((y == label).sum()) < len(y)
    ]
    return float(np.mean(scores)) if scores else 0.5


def score_rare(task: Task, predicted: Array) -> tuple[float, float]:
    """PR-AUC and Brier score of the rarest class among the test rows."""
    y = task.targets[-1]
    shares = [(float((y == label).mean()), i) for i, label in enumerate(task.classes)]
    rarest = min((share, i) for share, i in shares if share > 0)[1]
    truth, scores = (y == task.classes[rarest]).astype(float), predicted[:, rarest]
    return float(average_precision_score(truth, scores)), float(((scores - truth) ** 2).mean())


def auc_of(positive: Array, scores: Array) -> float:
    """Area under the ROC curve, by ranks (Mann-Whitney)."""
    ranks = stats.rankdata(scores)
    m = int(positive.sum())
    return float((ranks[positive].sum() - m * (m + 1) / 2) / (m * (len(scores) - m)))


def _filled(values: Array, reference: Array) -> Array:
    present = ~np.isnan(reference)
    sums = np.where(present, reference, 0.0).sum(axis=0)
    means = sums / np.maximum(present.sum(axis=0), 1)
    return np.where(np.isnan(values), means, values)
