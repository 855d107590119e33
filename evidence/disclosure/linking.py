"""Singling out and linkability, after Giomi et al. 2023 (PoPETs), written anew.

Both attacks are run on fitted persons and, as a control, on as many held-out ones; the risk is the success above the
control's, over what was left to succeed: (main - control) / (1 - control).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .distances import Distances, column_distance
from .intervals import Interval, excess_interval

__all__ = ["LinkingRisk", "measure_linkability", "measure_singling_out"]

_ATTEMPTS = 2000
_MOST_TERMS = 5
_LINKED_WITHIN = 5
"""Two halves of a record are linked where their five nearest synthetic rows share one."""


@dataclass(frozen=True, slots=True)
class LinkingRisk:
    """Success on fitted persons, on held-out ones, and the risk left over."""

    fitted: float
    held_out: float
    risk: Interval
    """(main - control) / (1 - control); one-sided bounds."""
    attempts: int


def measure_singling_out(distances: Distances, seed: int = 0, looks: int = 2) -> LinkingRisk:
    """Predicates that hold for one synthetic row only: how many hold for exactly one person.

    Each is a synthetic row's own values in one to five columns: equal for categories, no smaller (or no larger) for
    numbers. Fitted and held-out persons are counted among equally many rows.
    """
    rng = np.random.default_rng(seed)
    members, rows = distances.members, len(distances.own)
    size = min(members, rows - members)
    inside = np.sort(rng.choice(members, size, replace=False))
    outside = members + np.sort(rng.choice(rows - members, size, replace=False))
    numbers, codes = distances.synthetic.numbers, distances.synthetic.codes
    width, n_numbers, made = distances.width, numbers.shape[1], len(numbers)
    hits, alarms, tried = 0, 0, 0
    asked: set[tuple[int, ...]] = set()
    for _ in range(_ATTEMPTS * 3):
        if tried == _ATTEMPTS:
            break
        row = int(rng.integers(made))
        terms = np.sort(rng.choice(width, min(width, int(rng.integers(1, _MOST_TERMS + 1))), replace=False))
        # Asked twice, a question of few possible ones would count its one answer as two.
        question = (row, *terms.tolist())
        if question in asked:
            continue
        asked.add(question)
        fits = [np.ones(count, dtype=bool) for count in (made, size, size)]
        for term in terms:
            if term < n_numbers:
                value = numbers[row, term]
                upward = value >= 0.5
                sides = (
                    numbers[:, term],
                    distances.points.numbers[inside, term],
                    distances.points.numbers[outside, term],
                )
                for fit, cells in zip(fits, sides, strict=True):
                    if value < 0:
                        fit &= cells < 0
                    else:
                        fit &= (cells >= value) if upward else ((cells <= value) & (cells >= 0))
            else:
                value = codes[row, term - n_numbers]
                sides = (
                    codes[:, term - n_numbers],
                    distances.points.codes[inside, term - n_numbers],
                    distances.points.codes[outside, term - n_numbers],
                )
                for fit, cells in zip(fits, sides, strict=True):
                    fit &= cells == value
        if fits[0].sum() != 1:
            continue
        tried += 1
        hits += len(np.unique(distances.persons[inside][fits[1]])) == 1
        alarms += len(np.unique(distances.persons[outside][fits[2]])) == 1
    return _risk(hits, alarms, tried, tried, looks, tried)


def measure_linkability(distances: Distances, seed: int = 0, looks: int = 2) -> LinkingRisk:
    """Whether an attacker who holds two halves of a record's columns learns that they belong together."""
    rng = np.random.default_rng(seed)
    width, n_numbers = distances.width, distances.points.numbers.shape[1]
    if width < 2:
        return LinkingRisk(0.0, 0.0, Interval(0.0, 0.0, 1.0), 0)
    first = np.zeros_like(distances.to_synthetic)
    for column in rng.permutation(width)[: width // 2]:
        kind = bool(column < n_numbers)
        first += column_distance(
            distances.points, distances.synthetic, int(column if kind else column - n_numbers), numeric=kind
        )
    second = distances.to_synthetic * width - first
    # Ties are broken at random, or the order of the synthetic rows would link by itself.
    for side in (first, second):
        side += rng.random(side.shape, dtype=np.float32) * 1e-4
    k = min(_LINKED_WITHIN, first.shape[1])
    near = [np.argpartition(side, k - 1, axis=1)[:, :k] for side in (first, second)]
    linked = np.array([len(np.intersect1d(a, b)) > 0 for a, b in zip(*near, strict=True)])
    people = int(distances.persons.max()) + 1
    person = np.zeros(people, dtype=bool)
    np.logical_or.at(person, distances.persons, linked)
    inside = int(distances.persons[: distances.members].max()) + 1
    return _risk(int(person[:inside].sum()), int(person[inside:].sum()), inside, people - inside, looks, inside)


def _risk(hits: int, alarms: int, trials: int, controls: int, looks: int, attempts: int) -> LinkingRisk:
    if not trials or not controls:
        return LinkingRisk(0.0, 0.0, Interval(0.0, 0.0, 1.0), attempts)
    gap = excess_interval(hits, trials, alarms, controls, looks)
    left = max(1 - alarms / controls, 1e-6)
    scaled: list[float] = [min(1.0, max(-1.0, value / left)) for value in (gap.value, gap.low, gap.high)]
    return LinkingRisk(hits / trials, alarms / controls, Interval(*scaled), attempts)
