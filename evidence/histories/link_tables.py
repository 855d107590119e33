"""Tables of the same patients, profiled and linked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ...profiling import open_table, profile_table
from ...profiling.readers.to_pandas import as_frame
from ...schemas.errors import TableError
from ...schemas.profile import TableProfile
from ...synthesizers.encoding.linked_set import LinkedSet, LinkedTable
from ...synthesizers.encoding.set_keys import find_keys

__all__ = ["ProfiledSet", "link_tables"]

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
