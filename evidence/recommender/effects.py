"""A measured figure as what is the table's and what a method adds: means over different tables cannot be compared.

``figure = table + method + rest``, fitted by alternating means. What a method adds is drawn to its family's mean where
few tables are behind it, and what it adds on tables like the new one is drawn to what it adds everywhere: with few
tables alike, the method that is best on all of them is the better guess (empirical Bayes; Efron and Morris 1975).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Effects", "Label", "split_effects"]

Label = tuple[str, float]
"""Method and level of caution."""

_LEAST_FAMILY, _MOST_FAMILY = 0.25, 10.0
"""Bounds of the tables that a method's family counts for: few methods tell little of how alike a family is."""

_FEWEST_OF_FAMILY = 3
"""Methods below which a family does not tell how alike its methods are (judgement)."""

_EVERYWHERE = 3.0
"""Tables just like the new one that all tables together count for, in what a method adds."""

_ROUNDS = 20

_LEAST_SPREAD = 0.02
"""Standard deviation of the rest below which no number of tables gets it: seeds differ (measured)."""


@dataclass(frozen=True, slots=True)
class Effects:
    """One figure, over all methods and tables."""

    tables: Mapping[str, float]
    """Table → what an average method has there."""
    methods: Mapping[Label, float]
    """What a method adds, drawn to its family."""
    families: Mapping[str, float]
    rests: Mapping[Label, Mapping[str, float]]
    """Method → table → its figure above the table's."""
    family_weights: Mapping[str, float]
    """Family → tables that it counts for beside a method's own: the more, the more alike its methods are."""
    spread: float
    """Standard deviation of a method's figure over tables, table and method taken out."""

    def table(self, weights: Mapping[str, float], nearest: float) -> tuple[float, float]:
        """What an average method has on a new table, and its standard error.

        Args:
            weights: Table → how much it resembles the new one.
            nearest: Likeness of the most alike one, within 0 and 1: where none is alike, tables differ as they do.
        """
        mean, variance, effective = _weighted([(weights[name], value) for name, value in self.tables.items()])
        return mean, math.sqrt(variance / max(effective - 1, 1) + (1 - nearest) * variance)

    def added(self, label: Label, weights: Mapping[str, float], family: str) -> tuple[float, float]:
        """What a method adds on a new table, and its standard error; its family's where it was never measured."""
        own = self.rests.get(label)
        if own is None:
            centre = self.families.get(family, 0.0)
            between = [value - centre for value in self.methods.values()]
            return centre, math.hypot(self.spread, math.sqrt(sum(x * x for x in between) / len(between)))
        total = sum(weights[name] for name in own)
        near = sum(weights[name] * value for name, value in own.items())
        mean = (near + _EVERYWHERE * self.methods[label]) / (total + _EVERYWHERE)
        return mean, self.spread / math.sqrt(min(total + _EVERYWHERE, len(own) + self.family_weights[family]))


def split_effects(figures: Iterable[tuple[Label, str, str, float]]) -> Effects:
    """Split figures of label, family and table; several seeds of one are averaged first."""
    seeds: dict[Label, dict[str, list[float]]] = {}
    family_of: dict[Label, str] = {}
    for label, family, table, value in figures:
        seeds.setdefault(label, {}).setdefault(table, []).append(value)
        family_of[label] = family
    means = {label: {name: sum(v) / len(v) for name, v in own.items()} for label, own in seeds.items()}
    tables = dict.fromkeys((name for own in means.values() for name in own), 0.0)
    added = dict.fromkeys(means, 0.0)
    for _ in range(_ROUNDS):
        for name in tables:
            here = [own[name] - added[label] for label, own in means.items() if name in own]
            tables[name] = sum(here) / len(here)
        for label, own in means.items():
            # Half a table of nothing: a method on one table alone must not take that table's level for its own.
            added[label] = sum(value - tables[name] for name, value in own.items()) / (len(own) + 0.5)
    rests = {label: {name: value - tables[name] for name, value in own.items()} for label, own in means.items()}
    families = _family_means(rests, family_of)
    weights = _family_weights(rests, families, family_of)
    methods = {}
    for label, own in rests.items():
        family = family_of[label]
        methods[label] = (sum(own.values()) + weights[family] * families[family]) / (len(own) + weights[family])
    left = [(value - methods[label]) ** 2 for label, own in rests.items() for value in own.values()]
    spread = math.sqrt(sum(left) / len(left)) if left else _LEAST_SPREAD
    return Effects(tables, methods, families, rests, weights, max(spread, _LEAST_SPREAD))


def _family_means(rests: Mapping[Label, Mapping[str, float]], family_of: Mapping[Label, str]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for label, own in rests.items():
        values.setdefault(family_of[label], []).extend(own.values())
    return {family: sum(own) / len(own) for family, own in values.items()}


def _family_weights(
    rests: Mapping[Label, Mapping[str, float]], families: Mapping[str, float], family_of: Mapping[Label, str]
) -> dict[str, float]:
    """Variance of a method over tables, as a share of the variance of its family's methods (Efron and Morris 1975)."""
    means = {label: sum(own.values()) / len(own) for label, own in rests.items()}
    left = [(value - means[label]) ** 2 for label, own in rests.items() if len(own) > 1 for value in own.values()]
    within = sum(left) / len(left) if left else 0.0
    members: dict[str, list[Label]] = {}
    for label in rests:
        members.setdefault(family_of[label], []).append(label)

    def apart(labels: Sequence[Label]) -> float:
        tables = sum(len(rests[label]) for label in labels)
        gaps = sum(len(rests[label]) * (means[label] - families[family_of[label]]) ** 2 for label in labels)
        # Chance alone moves the mean of few tables.
        return max(1e-6, (gaps - len(labels) * within) / tables)

    several = [label for labels in members.values() if len(labels) > 1 for label in labels]
    # How far few methods lie apart, all families tell together.
    pooled = apart(several) if several else 1e-6
    return {
        family: min(
            _MOST_FAMILY,
            max(_LEAST_FAMILY, within / (apart(labels) if len(labels) >= _FEWEST_OF_FAMILY else pooled)),
        )
        for family, labels in members.items()
    }


def _weighted(pairs: list[tuple[float, float]]) -> tuple[float, float, float]:
    """Mean, variance and effective number of weighted values."""
    total = sum(weight for weight, _ in pairs)
    mean = sum(weight * value for weight, value in pairs) / total
    variance = sum(weight * (value - mean) ** 2 for weight, value in pairs) / total
    return mean, variance, total**2 / sum(weight**2 for weight, _ in pairs)
