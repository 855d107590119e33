"""Tables of the same patients, profiled and linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...profiling import open_table, profile_table
from ...profiling.disclosure_control import floor_count, two_digits
from ...profiling.readers.to_pandas import as_frame
from ...schemas.errors import TableError
from ...schemas.profile import ColumnProfile, HistoryStructure, SafeProfile, TableProfile
from ...synthesizers.encoding.sets.keys import find_keys
from ...synthesizers.encoding.sets.linked_set import LinkedSet, LinkedTable

__all__ = ["ProfiledSet", "combine_profiles", "link_tables"]

_COVERED = 0.5
"""Share of the other tables' patients that a table of one row a patient must hold to be the table of patients."""


@dataclass(frozen=True, slots=True)
class ProfiledSet:
    """A set and its tables' profiles."""

    tables: LinkedSet
    profiles: Mapping[str, TableProfile]


def link_tables(
    tables: Mapping[str, Any],
    *,
    keys: Mapping[str, str] | None = None,
    times: Mapping[str, str] | None = None,
    static: Sequence[str] = (),
) -> ProfiledSet:
    """Open, profile and link tables of the same patients.

    Args:
        tables: Name → whatever ``open_table`` takes.
        keys: Table → column of the patient's key, where it is not to be found.
        times: Table → column that tells when a row was, where it is not to be found.
        static: Columns that are the same in all rows of a patient, besides those found to be.

    Raises:
        TableError: Fewer than two tables, one cannot be read or linked, or no table has several rows a patient.
    """
    if len(tables) < 2:
        raise TableError("a set of linked tables has at least two")
    frames = {name: as_frame(open_table(table)) for name, table in tables.items()}
    found = find_keys(frames, keys)
    people = _find_people(frames, found)
    items, profiles = {}, {}
    for name, frame in frames.items():
        own = [column for column in static if column in frame.columns] if name != people else []
        profiles[name] = profile_table(frame, patient_id=found[name], time=(times or {}).get(name), static=own)
        treatments = tuple(column.treatment for column in profiles[name].columns)
        items[name] = LinkedTable(name, frame, treatments, found[name])
    events = tuple(item for name, item in items.items() if name != people)
    return ProfiledSet(LinkedSet(events, None if people is None else items[people]), profiles)


def _find_people(frames: Mapping[str, pd.DataFrame], keys: Mapping[str, Any]) -> str | None:
    """The table with one row a patient that the others' patients are in."""
    for name, frame in frames.items():
        own = frame[keys[name]]
        if own.isna().any() or own.duplicated().any():
            continue
        known = set(own)
        others = pd.concat([frames[other][keys[other]].dropna() for other in frames if other != name])
        if len(others) and others.isin(known).mean() >= _COVERED and others.duplicated().any():
            return name
    return None


def combine_profiles(found: ProfiledSet) -> TableProfile:
    """One profile of the whole set: every table's columns, named ``table.column``, under new aliases.

    Rows are those of the event tables; patients those of the patients table, or of all tables where there is none.
    """
    events = {item.name for item in found.tables.events}
    columns: list[ColumnProfile] = []
    history = HistoryStructure(ordered=False)
    warnings: list[str] = []
    for name, profile in found.profiles.items():
        ordered = sorted(profile.columns, key=lambda column: int(column.safe.alias[1:]))
        aliases = {column.safe.alias: f"c{len(columns) + i}" for i, column in enumerate(ordered, start=1)}
        columns += [_renamed(column, name, aliases[column.safe.alias]) for column in ordered]
        warnings += profile.warnings if name in events else ()
        own = profile.safe.history
        if own is not None and name in events and history.time is None:
            history = _with_aliases(own, aliases)
    patients = len(found.tables.keys())
    rows = sum(found.profiles[name].rows for name in events)
    safe = SafeProfile(
        rows=floor_count(rows),
        patients=floor_count(patients),
        grain="event",
        columns=tuple(column.safe for column in columns),
        survival=history.end is not None,
        history=history.model_copy(update={"rows_per_patient": two_digits(rows / max(patients, 1))}),
    )
    orphans = found.tables.orphans()
    if orphans:
        told = ", ".join(f"{count} of {name}" for name, count in orphans.items())
        warnings.append(f"rows whose patient is in no table of patients enter no fit: {told}")
    return TableProfile(rows=rows, columns=tuple(columns), safe=safe, warnings=tuple(dict.fromkeys(warnings)))


def _renamed(column: ColumnProfile, table: str, alias: str) -> ColumnProfile:
    name = f"{table}.{column.name}"
    return column.model_copy(
        update={
            "name": name,
            "safe": column.safe.model_copy(update={"alias": alias}),
            "treatment": column.treatment.model_copy(update={"alias": alias, "column": name}),
        }
    )


def _with_aliases(history: HistoryStructure, aliases: Mapping[str, str]) -> HistoryStructure:
    return history.model_copy(
        update={
            "time": history.time and aliases[history.time],
            "end": history.end and aliases[history.end],
            "event": history.event and aliases[history.event],
            "statics": tuple(aliases[alias] for alias in history.statics),
            "once": tuple(aliases[alias] for alias in history.once),
        }
    )
