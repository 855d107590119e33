"""Membership: can one tell from the synthetic rows who was in the fit. Several attacks, the worst of them counts.

No attack dominates the others (Synth-MIA, arXiv 2509.18014), and means hide who stands alone: beside the AUC stand the
share of members caught at 1 % and 10 % false alarms (Carlini 2022) and the AUC among the loneliest tenth. All by
person: a person's score is the highest of his or her rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ..metrics.comparable import Array
from .distances import Distances
from .intervals import Interval, auc_interval, detectable_auc

__all__ = ["ATTACKS", "Attack", "Membership", "measure_membership"]

ATTACKS = {
    "scaled distance": "distance to the nearest synthetic row over the distance to the nearest other real row",
    "nearest difference": "distance to the nearest reference row less that to the nearest synthetic row",
    "density ratio": "synthetic over reference density by nearest neighbours (after DOMIAS, van Breugel 2023)",
    "classifier": "a forest that tells synthetic from reference rows",
    "local count": "synthetic rows within the distance to the nearest other real row",
}
"""Attack → what it scores. Reference rows are held-out rows other than the one attacked."""

LONELY_SHARE = 0.1
_NEIGHBOURS = 5
_TREES = 100
_FEWEST_LONELY = 5


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack on all persons."""

    name: str
    auc: Interval
    """One-sided bounds, corrected for the number of attacks."""
    caught_at_1: float | None
    """Share of the fitted persons caught where 1 % of the held-out ones are; None below 100 held-out persons."""
    caught_at_10: float | None
    """The same at 10 %; None below 10 held-out persons."""
    tail_chance: float
    """Chance of catching so many at 1 % or 10 % where nothing leaks (exact, corrected for the two)."""
    lonely_auc: Interval | None
    """AUC among the tenth of persons that stand most alone; None where fewer than five of them are on either side."""


@dataclass(frozen=True, slots=True)
class Membership:
    """All attacks; the properties give the worst."""

    attacks: tuple[Attack, ...]
    members: int
    """Fitted persons attacked."""
    others: int
    """Held-out persons."""
    copy_auc: float
    """The AUC of the scaled distance against an outright copy: what full success looks like on this table."""
    detectable: float
    """The smallest AUC that a sample of this size would have shown."""

    @property
    def worst(self) -> Attack:
        """The attack with the highest AUC."""
        return max(self.attacks, key=lambda attack: attack.auc.value)

    @property
    def auc(self) -> Interval:
        """The worst AUC, its bounds being the highest bounds of all attacks."""
        return Interval(
            self.worst.auc.value,
            max(attack.auc.low for attack in self.attacks),
            max(attack.auc.high for attack in self.attacks),
        )

    @property
    def lonely_auc(self) -> Interval | None:
        """The worst AUC among the loneliest tenth."""
        intervals = [attack.lonely_auc for attack in self.attacks if attack.lonely_auc is not None]
        if not intervals:
            return None
        return Interval(*(max(getattr(interval, name) for interval in intervals) for name in ("value", "low", "high")))

    @property
    def caught_at_1(self) -> float | None:
        """The highest share of persons caught at 1 % false alarms."""
        return max((a.caught_at_1 for a in self.attacks if a.caught_at_1 is not None), default=None)

    @property
    def caught_at_10(self) -> float | None:
        """The highest share of persons caught at 10 % false alarms."""
        return max((a.caught_at_10 for a in self.attacks if a.caught_at_10 is not None), default=None)

    @property
    def tail_chance(self) -> float:
        """Chance of the best-looking tail, corrected for the number of attacks."""
        return min(1.0, len(self.attacks) * min(attack.tail_chance for attack in self.attacks))

    @property
    def risk(self) -> float:
        """``max(0, AUC - .5)`` of the scaled distance, as a share of a copy's: what a score takes.

        The scaled distance and not the worst: a maximum over attacks lies above chance even where nothing leaks.
        """
        own = self.attacks[0].auc.value
        return min(1.0, max(0.0, own - 0.5) / max(self.copy_auc - 0.5, 1e-6))


def measure_membership(distances: Distances, seed: int = 0, *, brief: bool = False) -> Membership:
    """Attack every person with every attack.

    Args:
        distances: Between the real rows, fitted ones first, and the synthetic ones.
        seed: Of the halves of the reference and of the forest.
        brief: The scaled distance alone.
    """
    rng = np.random.default_rng(seed)
    members = distances.members
    persons = distances.persons
    inside = persons[:members].max() + 1 if members else 0
    people = int(persons.max()) + 1
    scores = _scores(distances, rng, seed, brief)
    lonely = _lonely_persons(distances, people)
    looks = len(scores)
    attacks = []
    for name, rows in scores.items():
        person = np.full(people, -np.inf)
        np.maximum.at(person, persons, rows)
        first, second = person[:inside], person[inside:]
        alone = person[:inside][lonely[:inside]], person[inside:][lonely[inside:]]
        attacks.append(
            Attack(
                name=name,
                auc=auc_interval(first, second, looks),
                caught_at_1=_caught(first, second, 0.01),
                caught_at_10=_caught(first, second, 0.10),
                tail_chance=min(1.0, 2 * min(_tail_chance(first, second, alarms) for alarms in (0.01, 0.10))),
                lonely_auc=auc_interval(*alone, looks) if min(map(len, alone)) >= _FEWEST_LONELY else None,
            )
        )
    # A copy of the fitted rows is nought away from each of them.
    copied = np.where(np.arange(len(persons)) < members, 0.0, distances.to_real[:, :members].min(axis=1))
    person = np.full(people, -np.inf)
    np.maximum.at(person, persons, _scaled(copied, distances.own))
    return Membership(
        attacks=tuple(attacks),
        members=int(inside),
        others=people - int(inside),
        copy_auc=auc_interval(person[:inside], person[inside:]).value,
        detectable=detectable_auc(int(inside), people - int(inside), looks),
    )


def _scores(distances: Distances, rng: np.random.Generator, seed: int, brief: bool) -> dict[str, Array]:
    members, rows = distances.members, len(distances.own)
    if brief:
        return {"scaled distance": _scaled(distances.nearest, distances.own)}
    # Held-out persons in two halves: those of one are the reference for the other, and for the members in turn.
    outside = distances.persons[members:]
    half = rng.permutation(np.unique(outside))[::2]
    in_first = np.isin(outside, half)
    references = np.flatnonzero(in_first) + members, np.flatnonzero(~in_first) + members
    # Which reference each real row is held against: never the half that it is in itself, and one for all rows of a
    # person: the highest of scores by two references lies above the highest by one.
    inside = distances.persons[:members]
    coin = rng.random(int(inside.max()) + 1 if members else 0) < 0.5
    use_second = np.concatenate([coin[inside], in_first])
    nearest, dense = np.empty(rows), np.empty(rows)
    k = _NEIGHBOURS
    synthetic = np.partition(distances.to_synthetic, min(k, distances.to_synthetic.shape[1]) - 1, axis=1)
    to_synthetic = synthetic[:, min(k, synthetic.shape[1]) - 1]
    for chosen, reference in ((~use_second, references[0]), (use_second, references[1])):
        if not len(reference):
            nearest[chosen], dense[chosen] = 1.0, 1.0
            continue
        part = np.sort(distances.to_real[np.ix_(chosen, reference)], axis=1)
        nearest[chosen] = part[:, 0]
        dense[chosen] = part[:, min(k, part.shape[1]) - 1]
    dense = np.where(np.isfinite(dense), dense, 1.0)
    nearest = np.where(np.isfinite(nearest), nearest, 1.0)
    scores = {
        "scaled distance": _scaled(distances.nearest, distances.own),
        "nearest difference": nearest - distances.nearest,
        "density ratio": np.log(dense + 1e-3) - np.log(to_synthetic + 1e-3),
        "local count": (distances.to_synthetic <= distances.own[:, None]).sum(axis=1).astype(float),
    }
    if all(map(len, references)):
        scores["classifier"] = _classify(distances, references, use_second, seed)
    return scores


def _scaled(nearest: Array, own: Array) -> Array:
    return np.asarray(-np.log(nearest + 1e-9) + np.log(np.where(np.isfinite(own), own, 1.0) + 1e-3))


def _classify(distances: Distances, references: tuple[Array, Array], use_second: Array, seed: int) -> Array:
    from sklearn.ensemble import ExtraTreesClassifier

    real = np.hstack([distances.points.numbers, distances.points.codes])
    made = np.hstack([distances.synthetic.numbers, distances.synthetic.codes])
    chances = np.empty(len(real))
    for chosen, reference in ((~use_second, references[0]), (use_second, references[1])):
        model: Any = ExtraTreesClassifier(
            _TREES, min_samples_leaf=3, class_weight="balanced", random_state=seed, n_jobs=1
        )
        model.fit(np.vstack([made, real[reference]]), np.repeat([1, 0], [len(made), len(reference)]))
        if chosen.any():
            chances[chosen] = model.predict_proba(real[chosen])[:, 1]
    return chances


def _lonely_persons(distances: Distances, people: int) -> Array:
    """The tenth of all persons whose five nearest rows of others are farthest away."""
    k = min(_NEIGHBOURS, max(1, distances.to_real.shape[1] - 1))
    near = np.partition(distances.to_real, k - 1, axis=1)[:, :k]
    far = np.where(np.isfinite(near), near, 1.0).mean(axis=1)
    person = pd.Series(far).groupby(distances.persons).max().reindex(range(people)).to_numpy()
    count = max(1, round(people * LONELY_SHARE))
    chosen = np.zeros(people, dtype=bool)
    chosen[np.argsort(-person, kind="stable")[:count]] = True
    return chosen


def _caught(members: Array, others: Array, alarms: float) -> float | None:
    """Share of members above the score that ``alarms`` of the others reach."""
    allowed = int(np.floor(len(others) * alarms + 1e-9))
    if allowed < 1 or not len(members):
        return None
    return float((members > np.sort(others)[::-1][allowed - 1]).mean())


def _tail_chance(members: Array, others: Array, alarms: float) -> float:
    """Chance that so many members lie above that score where members and others are alike (exact, by ranks)."""
    allowed = int(np.floor(len(others) * alarms + 1e-9))
    if allowed < 1:
        return 1.0
    above = int((members > np.sort(others)[::-1][allowed - 1]).sum())
    if not above:
        return 1.0
    return float(stats.hypergeom.cdf(allowed - 1, len(members) + len(others), len(others), above + allowed - 1))
