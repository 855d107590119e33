"""From tables of patients, real or synthetic, to the histories that are measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.column_treatment import Treatment
from ...schemas.compliance import ValueProtection
from ...synthesizers.encoding.sets.dates import is_date, tells_death
from ...synthesizers.encoding.sets.linked_set import LinkedSet, LinkedTable
from ...synthesizers.encoding.sets.prepared_set import PreparedSet, death_days, prepare_set
from ...synthesizers.running.run_histories import protect_set
from ..metrics.comparable import as_category, as_number, numeric_columns
from .table import Array, Histories

__all__ = ["as_made", "cut_longest", "histories_of", "read_histories"]

_NO_EVENT = frozenset({"0", "0.0", "false", "no", "n", "censored", "alive", "none"})


def read_histories(
    real: LinkedSet, other: LinkedSet | None = None, *, protection: ValueProtection | None = None
) -> list[Histories]:
    """The histories of each event table: of ``other``, or of ``real`` where there is none.

    Args:
        real: Decides which columns are numbers.
        other: Synthetic tables in the same form.
        protection: What a fit sees of the tables: without values of few, the longest histories cut.
    """
    model = prepare_set(real)
    source = model if other is None else prepare_set(other, like=model)
    if protection is None:
        return histories_of(real, model, source)
    source, _ = protect_set(source, protection)
    return [cut_longest(item, protection.k) for item in histories_of(real, model, source)]


def histories_of(real: LinkedSet, model: PreparedSet, source: PreparedSet) -> list[Histories]:
    """As :func:`read_histories`, of sets that are prepared already.

    Args:
        real: The real tables.
        model: The same, prepared.
        source: Some of their patients, or synthetic ones.
    """
    return [_read(model, source, i, real) for i in range(len(real.events))]


def as_made(real: LinkedSet, made: Mapping[str, pd.DataFrame]) -> LinkedSet:
    """Synthetic tables as a set: what was coarsened before the fit is so already, and dropped columns are gone."""

    def link(item: LinkedTable) -> LinkedTable:
        table = made[item.name]
        kept = [t for t in item.treatments if t.column in set(map(str, table.columns))]
        done = [_already(t, item) for t in kept]
        return replace(item, table=table, treatments=tuple(done))

    events = tuple(link(item) for item in real.events)
    return LinkedSet(events, None if real.patients is None else link(real.patients))


def _already(treatment: Treatment, item: LinkedTable) -> Treatment:
    dated = is_date(item, treatment.column)
    if treatment.action != "generalise" or dated:
        return treatment
    return treatment.model_copy(update={"action": "keep"})


def _read(model: PreparedSet, source: PreparedSet, i: int, real: LinkedSet) -> Histories:
    mine, rows = model.events[i], source.events[i]
    owners = rows.owners
    times = None
    order = np.argsort(owners, kind="stable")
    if rows.time is not None:
        moments = pd.Series(as_number(rows.cells[rows.time]))
        times = moments.groupby(owners).ffill().fillna(0.0).to_numpy()
        order = np.lexsort((times, owners))
    numeric = set(numeric_columns(mine.cells))
    visits: dict[Any, Any] = {}
    for name in mine.cells:
        if name == mine.time:
            continue
        if name in numeric:
            visits[name] = as_number(rows.cells[name])[order]
        else:
            visits[name] = _labels(rows.cells[name])[order]
    return Histories(
        _statics(model, source, real),
        pd.DataFrame(visits, index=range(len(owners))),
        owners[order],
        None if times is None else times[order],
        None if model.end is None else as_number(source.people[model.end]),
        _events(source, model.end, real),
    )


def _statics(model: PreparedSet, source: PreparedSet, real: LinkedSet) -> pd.DataFrame:
    special = {model.end, model.death, _event_column(real)}
    names = [name for name in model.homes if name not in special]
    numeric = set(numeric_columns(model.people[names]))
    found = {n: as_number(source.people[n]) if n in numeric else _labels(source.people[n]) for n in names}
    return pd.DataFrame(found, index=range(len(source.people)))


def _events(source: PreparedSet, end: Any, real: LinkedSet) -> Array | None:
    if end is None:
        return None
    if source.death is not None:
        return np.asarray(source.people[source.death] == "yes")
    column = _event_column(real)
    if column is None:
        return ~np.isnan(death_days(source)) if end in source.dated and tells_death(source.homes[end][1]) else None
    labels = _labels(source.people[column])
    return np.array([label is not None and str(label).lower() not in _NO_EVENT for label in labels])


def _event_column(real: LinkedSet) -> str | None:
    for item in real.events:
        for treatment in item.treatments:
            if treatment.part == "event":
                return f"{item.name}.{treatment.column}"
    return None


def _labels(cells: pd.Series) -> Array:
    labels = as_category(cells)
    strings = np.asarray(labels).astype(object)
    strings[cells.isna().to_numpy()] = None
    return strings


def cut_longest(histories: Histories, k: int) -> Histories:
    """Without the visits that a patient has beyond the mean of the k longest histories."""
    lengths = histories.lengths
    cap = np.round(np.sort(lengths)[::-1][:k].mean())
    number = np.arange(len(histories.owners)) - np.searchsorted(histories.owners, histories.owners)
    kept = np.flatnonzero(number < cap)
    return replace(
        histories,
        visits=histories.visits.iloc[kept].reset_index(drop=True),
        owners=histories.owners[kept],
        times=None if histories.times is None else histories.times[kept],
    )
