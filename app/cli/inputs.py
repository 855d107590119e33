"""From the words of a command line to a profiled table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...schemas.errors import MissingExtra, SettingsError
from .options import ReadingOptions, TableOptions
from .progress import Progress, tell_steps

if TYPE_CHECKING:
    from ...schemas.profile import Kind, SafeProfile, TableProfile
    from ...schemas.settings import Settings
    from ...schemas.table.table_handle import TableHandle

__all__ = [
    "create_for",
    "need_light",
    "open_given",
    "parse_kinds",
    "profile_of",
    "read_profile",
    "split_names",
    "told_kinds",
]


def split_names(text: str | None) -> tuple[str, ...] | None:
    """The names of a comma-separated list; None where the option was not given."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def parse_kinds(pairs: Sequence[str]) -> dict[str, Kind]:
    """Column → kind, from ``COLUMN=KIND``; a column's name may itself hold an equals sign.

    Raises:
        SettingsError: There is no column before an equals sign.
        TableError: The kind is unknown.
    """
    told = (split_pair(pair, "--kind") for pair in pairs)
    from ...profiling.kinds_file import check_kind

    return {column: check_kind(column, kind) for column, kind in told}


def split_pair(pair: str, option: str) -> tuple[str, str]:
    """Column and what is said of it.

    Raises:
        SettingsError: There is no column before an equals sign.
    """
    column, _, told = pair.rpartition("=")
    if not column:
        raise SettingsError(f"{option}: {pair!r} is not COLUMN={option.removeprefix('--').upper()}")
    return column, told


def open_given(table: str, reading: ReadingOptions) -> TableHandle:
    """Open a table of the command line.

    Raises:
        TableError: There is no such table, or it cannot be read.
    """
    from ...profiling import open_table

    return open_table(
        table,
        table_name=reading.table_name,
        encoding=reading.encoding,
        decimal=reading.decimal,
        pattern=reading.pattern,
    )


def read_profile(table: str, look: TableOptions) -> TableProfile:
    """Profile a table, with progress on stderr where it takes long; ``--kind`` wins over the columns file.

    Raises:
        TableError: The table cannot be read or profiled, a named column is not in it, or a kind is unknown.
        SettingsError: A pair of column and kind cannot be read.
    """
    # Takes half a second to import, which help texts need not wait for.
    from ...profiling import profile_table

    with Progress() as progress:
        return profile_table(
            open_given(table, look),
            target=look.target,
            patient_id=look.patient_id,
            kinds=told_kinds(look),
            concepts=told_concepts(look),
            time=look.time,
            static=look.static or (),
            progress=progress,
        )


def told_kinds(look: TableOptions) -> dict[str, Kind]:
    """Column → kind, where the user knows better."""
    from ...profiling.kinds_file import load_columns_file

    return {**(load_columns_file(look.columns).kinds if look.columns else {}), **parse_kinds(look.kind or ())}


def told_concepts(look: TableOptions) -> dict[str, str]:
    """Column → clinical concept, where the user knows better."""
    from ...profiling.kinds_file import load_columns_file

    written = load_columns_file(look.columns).concepts if look.columns else {}
    return {**written, **dict(split_pair(pair, "--concept") for pair in look.concept or ())}


def profile_of(table: str | None, saved: Path | None, look: TableOptions) -> SafeProfile | TableProfile:
    """The profile of a table, or one that was saved; what decides about a profile is said when it is made.

    Raises:
        SettingsError: Neither or both are given, or the saved one cannot be read or is asked to change.
        TableError: As for ``read_profile``.
    """
    if (table is None) == (saved is None):
        raise SettingsError("give a TABLE, or --profile with what `profile TABLE --save FILE` wrote")
    if saved is None:
        assert table is not None
        return read_profile(table, look)
    if look != TableOptions():
        raise SettingsError("how a table is looked at is said to `profile --save`, not beside --profile")
    from ..input_files import read_saved_profile

    return read_saved_profile(saved)


def need_light(command: str) -> None:
    """Say early and plainly that the extra is missing."""
    from importlib.util import find_spec

    if not all(find_spec(name) for name in ("pandas", "scipy", "sklearn", "psutil", "joblib")):
        raise MissingExtra(command, "light")


def create_for(methods: Iterable[str], settings: Settings) -> None:
    """Install the environments of ``methods`` that are missing."""
    from ...synthesizers.running.environments import create_environment, environment_of

    for name in {environment.name for environment in map(environment_of, methods) if environment is not None}:
        create_environment(name, Path(settings.selector_environments).expanduser(), say=tell_steps())
