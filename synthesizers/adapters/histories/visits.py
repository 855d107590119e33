"""The second step: each patient's visits, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .cells import CellModel, Growth, common_values
from .columns import Array, Column
from .donors import Features
from .memory import Memory

__all__ = ["Patients", "Tell", "Visits", "VisitsModel"]

Tell = Callable[[float], None]
"""Told the share of the work that is done."""

_FEWEST_HOLDERS = 10
"""Patients who must hold a code before it counts as one that comes once only, or is remembered as seen."""
_MANY_LEVELS = 10
"""From so many levels on a category's codes are remembered."""
_SLIPS = 0.05
"""Share of a code's holders who may repeat it by error, or since a rare code became this one by value protection."""
_MAX_WATCHED = 40
"""Codes of a column remembered as seen, the commonest."""
_REDRAWS = 20
_CHANCE = 0.001
"""A level all of whose rows are last ones by a smaller chance than this comes last alone."""
_GAP = "gap"


@dataclass(frozen=True, slots=True)
class Patients:
    """What the visits depend on."""

    features: Features
    """One row a patient: statics, event, counts of other tables."""
    lengths: Array
    """Visits of each."""
    ends: Array
    """End of follow-up on the visits' time scale; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits in order, a patient's side by side."""

    patients: Array
    """Position of the patient of each row, rising."""
    times: Array | None
    """Time of each row, never falling within a patient; None where visits have none."""
    cells: Array
    """Rows x columns."""


@dataclass(frozen=True, slots=True)
class _Stage:
    """Trees of one kind of visit."""

    gap: CellModel | None
    last_gap: CellModel | None
    """Of a patient's last visit: it lies near the end."""
    columns: tuple[tuple[int, CellModel], ...]
    """Column position and trees, in the order of drawing."""


@dataclass(frozen=True, slots=True)
class _Lesson:
    """All visits with their predictors, from which the stages learn."""

    context: Features
    timing: Array
    visits: Visits
    columns: tuple[Column, ...]
    last: Array
    """Beside each row: it is its patient's last."""
    growth: Growth
    time_decimals: int | None

    def learn(self, rows: Array, tell: Tell) -> _Stage:
        """The trees of the visits in ``rows``."""
        whose = self.visits.patients[rows]
        context = Features(self.context.matrix[rows], self.context.categories)
        gap = last_gap = None
        if self.visits.times is not None:
            column = Column(_GAP, decimals=self.time_decimals)
            gaps = self.timing[:, 0]
            common = common_values(gaps, self.visits.patients, self.growth.k)
            gap = CellModel.fit(context, gaps[rows], whose, column, self.growth, common)
            final = np.flatnonzero(self.last[rows])
            if len(final) >= 2 * self.growth.leaf:
                some = Features(context.matrix[final], context.categories)
                last_gap = CellModel.fit(some, gaps[rows[final]], whose[final], column, self.growth, common)
        # Categories before numbers: a number's tree may split on them, and seldom gains by the other order.
        order = sorted(range(len(self.columns)), key=lambda j: self.columns[j].numeric)
        models = []
        for place, j in enumerate(order):
            tell(place / len(order))
            features = _with_drawn(context, self.timing[rows], self.visits.cells[rows], self.columns, order[:place])
            common = common_values(self.visits.cells[:, j], self.visits.patients, self.growth.k)
            target = self.visits.cells[rows, j]
            models.append((j, CellModel.fit(features, target, whose, self.columns[j], self.growth, common)))
        return _Stage(gap, last_gap, tuple(models))


@dataclass(frozen=True, slots=True)
class VisitsModel:
    """Trees of their own for first and for later visits."""

    columns: tuple[Column, ...]
    timed: bool
    watched: dict[int, Array]
    """Column position → codes whose having been seen is a predictor."""
    once: dict[int, Array]
    """Column position → level → it comes once a patient."""
    final: dict[int, Array]
    """Column position → level (of a number: any value) → it comes at a patient's last visit alone, as a death does."""
    first: _Stage
    later: _Stage | None

    @classmethod
    def fit(
        cls,
        patients: Patients,
        visits: Visits,
        columns: Sequence[Column],
        growth: Growth,
        *,
        time_decimals: int | None = None,
        tell: Tell | None = None,
    ) -> VisitsModel:
        """Learn visits.

        Args:
            patients: Of the fit.
            visits: Theirs, at least one.
            columns: Of ``visits.cells``.
            growth: Leaves and donors.
            time_decimals: Of the times; None where they are not rounded.
            tell: Told the share of the columns that are learnt.
        """
        watched, once = _watch(visits, columns)
        numbers = _number(visits.patients)
        times = np.zeros(len(numbers)) if visits.times is None else visits.times
        memory = Memory(len(patients.lengths), columns, watched)
        steps = [np.flatnonzero(numbers == number) for number in range(int(numbers.max()) + 1)]
        parts, before = [], np.empty(len(times))
        for rows in steps:
            whose = visits.patients[rows]
            parts.append(_context(patients, memory, whose).matrix)
            before[rows] = np.nan_to_num(memory.time[whose])
            memory.add(whose, times[rows], visits.cells[rows])
        matrix = np.concatenate(parts)
        matrix[np.concatenate(steps)] = matrix.copy()
        last = numbers == patients.lengths[visits.patients] - 1
        lesson = _Lesson(
            context=Features(matrix, _context_categories(patients, memory)),
            timing=_timing(patients, visits.patients, times, before),
            visits=visits,
            columns=tuple(columns),
            last=last,
            growth=growth,
            time_decimals=time_decimals,
        )
        stages: list[_Stage] = []
        for rows in (np.flatnonzero(numbers == 0), np.flatnonzero(numbers > 0)):
            if len(rows):
                stages.append(lesson.learn(rows, _half(tell, len(stages))))
        later = stages[1] if len(stages) > 1 else None
        final = _come_last(visits, columns, last)
        return cls(tuple(columns), visits.times is not None, watched, once, final, stages[0], later)

    def draw(self, patients: Patients, rng: np.random.Generator) -> Visits:
        """Visits for each of ``patients``; fewer than its length where none fits before its end."""
        memory = Memory(len(patients.lengths), self.columns, self.watched)
        active = np.flatnonzero(patients.lengths > 0)
        parts: list[tuple[Array, Array, Array]] = []
        while len(active):
            stage = self.first if not parts else self.later
            if stage is None:
                break
            context = _context(patients, memory, active)
            times = np.zeros(len(active))
            if stage.gap is not None:
                times = self._draw_times(stage, patients, memory, active, context, rng)
                going = ~np.isnan(times)
                active, times = active[going], times[going]
                context = Features(context.matrix[going], context.categories)
            cells = self._draw_cells(stage, patients, memory, active, context, times, rng)
            memory.add(active, times, cells)
            parts.append((active, times, cells))
            active = active[memory.visits[active] < patients.lengths[active]]
        whose, times, cells = (
            (np.concatenate(part) for part in zip(*parts, strict=True))
            if parts
            else (np.zeros(0, dtype=int), np.zeros(0), np.zeros((0, len(self.columns))))
        )
        order = np.argsort(whose, kind="stable")
        return Visits(whose[order], times[order] if self.timed else None, cells[order])

    def _draw_times(
        self,
        stage: _Stage,
        patients: Patients,
        memory: Memory,
        whose: Array,
        context: Features,
        rng: np.random.Generator,
    ) -> Array:
        """The next visit's time; NaN where none fits before the end."""
        assert stage.gap is not None
        before = np.nan_to_num(memory.time[whose])
        left = np.where(np.isnan(patients.ends[whose]), np.inf, patients.ends[whose] - before)
        last = memory.visits[whose] == patients.lengths[whose] - 1
        gaps = np.full(len(whose), np.nan)
        for rows, model in ((~last, stage.gap), (last, stage.last_gap or stage.gap)):
            some = Features(context.matrix[rows], context.categories)
            gaps[rows] = model.draw(some, rng, left[rows])
        return np.asarray(before + gaps)

    def _draw_cells(
        self,
        stage: _Stage,
        patients: Patients,
        memory: Memory,
        whose: Array,
        context: Features,
        times: Array,
        rng: np.random.Generator,
    ) -> Array:
        cells = np.full((len(whose), len(self.columns)), np.nan)
        drawn: list[int] = []
        last = memory.visits[whose] == patients.lengths[whose] - 1
        timing = _timing(patients, whose, times, np.nan_to_num(memory.time[whose]))
        for j, model in stage.columns:
            features = _with_drawn(context, timing, cells, self.columns, drawn)
            cells[:, j] = model.draw(features, rng)
            if model.value is not None and not self.columns[j].numeric:
                for _ in range(_REDRAWS):
                    again = np.flatnonzero(self._barred(j, cells[:, j].astype(int), memory, whose, last))
                    if not len(again):
                        break
                    some = Features(features.matrix[again], features.categories)
                    cells[again, j] = model.value.redraw(some, rng)
            elif j in self.final:
                cells[~last, j] = np.nan
            drawn.append(j)
        return cells

    def _barred(self, j: int, codes: Array, memory: Memory, whose: Array, last: Array) -> Array:
        """Rows whose code cannot stand there: it comes once and has come, or comes last and others follow."""
        barred = np.zeros(len(codes), dtype=bool)
        if j in self.once:
            barred |= self.once[j][codes] & memory.seen[j][whose, codes]
        if j in self.final:
            barred |= self.final[j][codes] & ~last
        return barred


def _context(patients: Patients, memory: Memory, whose: Array) -> Features:
    """Predictors of a visit that are known before it: patients x features."""
    left = patients.lengths[whose] - memory.visits[whose] - 1
    until = patients.ends[whose] - np.nan_to_num(memory.time[whose])
    matrix = np.column_stack([patients.features.matrix[whose], left, until, memory.features(whose)])
    return Features(matrix, _context_categories(patients, memory))


def _context_categories(patients: Patients, memory: Memory) -> dict[int, int]:
    own = patients.features.matrix.shape[1] + 2
    return {**patients.features.categories, **{own + j: levels for j, levels in memory.categories.items()}}


def _timing(patients: Patients, whose: Array, times: Array, before: Array) -> Array:
    """Gap, time, and time left to the end, once the visit's time is known."""
    return np.column_stack([times - before, times, patients.ends[whose] - times])


def _with_drawn(
    context: Features, timing: Array, cells: Array, columns: Sequence[Column], drawn: Sequence[int]
) -> Features:
    """The context with the visit's time and those of its columns that are known already."""
    matrix = np.column_stack([context.matrix, timing, cells[:, list(drawn)]])
    first = context.matrix.shape[1] + timing.shape[1]
    known = {first + place: columns[j].levels for place, j in enumerate(drawn) if not columns[j].numeric}
    return Features(matrix, {**context.categories, **known})


def _number(patients: Array) -> Array:
    """Each row's number within its patient, from 0; a patient's rows lie side by side."""
    starts = np.flatnonzero(np.r_[True, patients[1:] != patients[:-1]])
    lengths = np.diff(np.r_[starts, len(patients)])
    return np.arange(len(patients)) - np.repeat(starts, lengths)


def _watch(visits: Visits, columns: Sequence[Column]) -> tuple[dict[int, Array], dict[int, Array]]:
    """Of columns with many codes: which to remember as seen, and which come once a patient."""
    watched, once = {}, {}
    for j, column in enumerate(columns):
        if column.levels < _MANY_LEVELS:
            continue
        pairs, rows = np.unique(
            np.column_stack([visits.patients, visits.cells[:, j].astype(int)]), axis=0, return_counts=True
        )
        holders = np.bincount(pairs[:, 1], minlength=column.levels)
        repeated = np.bincount(pairs[rows > 1, 1], minlength=column.levels)
        commonest = np.argsort(-holders, kind="stable")[:_MAX_WATCHED]
        watched[j] = commonest[holders[commonest] >= _FEWEST_HOLDERS]
        once[j] = (holders >= _FEWEST_HOLDERS) & (repeated <= _SLIPS * holders)
    return watched, once


def _come_last(visits: Visits, columns: Sequence[Column], last: Array) -> dict[int, Array]:
    """Of each column: the levels that come at last visits alone, and not by chance; of a number, any value."""
    found = {}
    share = min(max(last.mean(), 1e-9), 1 - 1e-9)
    fewest = np.log(_CHANCE) / np.log(share)
    for j, column in enumerate(columns):
        cells = visits.cells[:, j]
        codes = (~np.isnan(cells)).astype(int) if column.numeric else cells.astype(int)
        levels = 2 if column.numeric else column.levels
        early = np.bincount(codes[~last], minlength=levels)
        final = (early == 0) & (np.bincount(codes, minlength=levels) > fewest)
        if column.numeric:
            final = final[1:]
        if final.any():
            found[j] = final
    return found


def _half(tell: Tell | None, stage: int) -> Tell:
    """The second stage goes on where the first has ended."""
    return lambda share: tell((stage + share) / 2) if tell is not None else None
