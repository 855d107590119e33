"""What the commands do with ``--events`` or a folder: linked tables as one set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..schemas.errors import SettingsError
from .cli.options import LinkOptions
from .cli.terminal import say

if TYPE_CHECKING:
    from ..agents.auto_sets import SetRound
    from ..agents.linked import SetSynthesis
    from ..evidence.evaluation_sets import SetEvaluation
    from ..schemas.compliance import Compliance
    from ..schemas.profile import TableProfile
    from ..schemas.result import SelectionResult
    from ..synthesizers.progress import Say

__all__ = [
    "auto_linked",
    "check_folder",
    "evaluate_linked",
    "is_set",
    "keys_of",
    "profile_linked",
    "sources_of",
    "tune_linked",
    "write_set",
]

_CARD = "run-card.json"


def is_set(table: str, linked: LinkOptions) -> bool:
    """Whether several tables are meant: event tables are named, or TABLE is a folder."""
    return bool(linked.events) or ("://" not in table and Path(table).is_dir())


def sources_of(table: str, linked: LinkOptions, table_name: str | None = None) -> dict[str, Any]:
    """Name → file or open table, TABLE the first: files, the tables of a folder, or those of one database.

    Args:
        table: A file, a folder, or the address of a database.
        linked: What ``--events`` name: files, or tables of the database.
        table_name: The table of a database that the events stand beside.

    Raises:
        SettingsError: Two tables have one name, or it is not said which tables are meant.
        TableError: A table of the database cannot be opened.
    """
    if "://" in table:
        from ..profiling import open_table

        if table_name is None:
            raise SettingsError("--events of a database: name the table that they stand beside with --table")
        names = (table_name, *(linked.events or ()))
        return _named((name.rpartition(".")[2], open_table(table, table_name=name)) for name in names)
    if Path(table).is_dir():
        if linked.events:
            raise SettingsError(f"{table}: a folder holds all tables of a set; leave --events out")
        files = sorted(path for path in Path(table).iterdir() if path.is_file() and _is_table(path))
        if len(files) < 2:
            raise SettingsError(f"{table}: this folder holds fewer than two tables; name one file")
        return _named((_stem(path), str(path)) for path in files)
    return _named((_stem(Path(path)), path) for path in (table, *(linked.events or ())))


def keys_of(names: Sequence[str], linked: LinkOptions) -> dict[str, str]:
    """Table → column of the patient's key: ``--key PATIENT=Id`` says that PATIENT of the events is Id of TABLE.

    Either side may name its table: ``--key visits.who=patients.Id``.

    Args:
        names: Of the tables, TABLE the first.
        linked: The pairs.

    Raises:
        SettingsError: A pair cannot be read.
    """
    keys: dict[str, str] = {}
    for pair in linked.key or ():
        events, _, own = pair.partition("=")
        if not events or not own:
            raise SettingsError(f"--key: {pair!r} is not COLUMN=NAME")
        home, own_column = _split(own, names)
        keys[home or names[0]] = own_column
        table_name, column = _split(events, names)
        if table_name is not None:
            keys[table_name] = column
        else:
            keys |= {name: events for name in names if name != (home or names[0]) and name not in keys}
    return keys


def _split(text: str, names: Sequence[str]) -> tuple[str | None, str]:
    """Table and column, where a table is named."""
    table, dot, column = text.partition(".")
    return (table, column) if dot and table in names else (None, text)


def _named(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, source in pairs:
        if name in found:
            raise SettingsError(f"--events: two tables are called {name!r}: rename a file")
        found[name] = source
    return found


def _stem(path: Path) -> str:
    return path.name.split(".")[0]


def _is_table(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith((".csv", ".tsv", ".parquet"))


def profile_linked(table: str, linked: LinkOptions, table_name: str | None = None) -> TableProfile:
    """One profile of the set."""
    from ..evidence.histories.link_tables import combine_profiles, link_tables

    sources = sources_of(table, linked, table_name)
    return combine_profiles(link_tables(sources, keys=keys_of(list(sources), linked)))


def check_folder(folder: Path, files: Mapping[str, Any], *, force: bool) -> None:
    """Refuse a folder in which a table would be written over, before any work is done.

    Args:
        folder: Where the tables will be written.
        files: Name → file of each table that is read, or a table of a database.
        force: Older synthetic tables there may be written over; what is read never is.

    Raises:
        SettingsError: One of the files to be written is one that is read, or is there already.
    """
    written = [folder / f"{name}.csv" for name in files]
    read = [Path(file) for file in files.values() if isinstance(file, str)]
    for path in written:
        if any(path.exists() and other.exists() and path.samefile(other) for other in read):
            raise SettingsError(f"{path} is read by this command, which would write over it")
        if not force and path.exists():
            raise SettingsError(f"{path} is there already: --force writes over it")


def write_set(made: SetSynthesis, folder: Path) -> None:
    """A CSV file for each table, and the run card."""
    from ..synthesizers.running.files import write_atomically, write_table

    folder.mkdir(parents=True, exist_ok=True)
    for name, table in made.tables.items():
        write_table(table, folder / f"{name}.csv")
    write_atomically(folder / _CARD, lambda path: path.write_text(made.card.model_dump_json(indent=2)))
    rows = ", ".join(f"{len(table)} rows of {name}" for name, table in made.tables.items())
    say(f"wrote {rows} made by {made.card.method}, and the run card beside them")


def evaluate_linked(
    real: str,
    folder: Path,
    linked: LinkOptions,
    compliance: Compliance | None,
    tell: Say,
    table_name: str | None = None,
) -> SetEvaluation:
    """Judge a folder of synthetic tables against the real files.

    Raises:
        SettingsError: The folder or its run card is not there.
    """
    from ..evidence.evaluation_sets import evaluate_set
    from .input_files import read_card

    if not (folder / _CARD).exists():
        raise SettingsError(f"{folder}: no folder that synthesize --events wrote, since it holds no {_CARD}")
    sources = sources_of(real, linked, table_name)
    made = {name: str(folder / f"{name}.csv") for name in sources}
    keys = keys_of(list(sources), linked)
    return evaluate_set(sources, made, card=read_card(folder / _CARD), keys=keys, compliance=compliance, say=tell)


def auto_linked(
    table: str,
    linked: LinkOptions,
    output: Path,
    *,
    rounds: int,
    seed: int | None,
    held_out: float,
    force: bool,
    limits: tuple[float, float],
    options: Mapping[str, Any],
    table_name: str | None,
    as_json: bool,
    html: Path | None,
) -> SetRound:
    """Plan, make, judge and write a set; the round that is kept.

    Raises:
        SettingsError: Something would be written over.
        SelectorError: As for ``run_auto_set``.
    """
    from ..agents import ClinicalModelSelector
    from ..agents.auto_sets import run_auto_set
    from ..synthesizers.running.fit_process import FitLimits
    from .cli.progress import tell_steps
    from .cli.terminal import print_json, print_view, write_page
    from .render.history_views import auto_set_page, auto_set_record, auto_set_view

    sources = sources_of(table, linked, table_name)
    check_folder(output, sources, force=force)
    best, every = run_auto_set(
        sources,
        selector=ClinicalModelSelector(),
        keys=keys_of(list(sources), linked),
        rounds=rounds,
        seed=seed,
        held_out=held_out,
        limits=FitLimits(limits[0], limits[1] * 1e9),
        say=tell_steps(),
        **options,
    )
    write_set(best.synthesis, output)
    if html is not None:
        write_page(html, auto_set_page(best, every))
    if as_json:
        print_json(auto_set_record(best, every))
    else:
        print_view(auto_set_view(best, every))
    return best


def tune_linked(
    table: str, linked: LinkOptions, *, seed: int, limits: tuple[float, float], options: Mapping[str, Any],
    table_name: str | None,
) -> SelectionResult:  # fmt: skip
    """The plan for a set with the caution that does best.

    Raises:
        SelectorError: As for ``tune_set``.
    """
    from ..agents import ClinicalModelSelector
    from ..agents.auto_sets import tune_set
    from ..synthesizers.running.fit_process import FitLimits
    from .cli.progress import tell_steps

    sources = sources_of(table, linked, table_name)
    return tune_set(
        sources, selector=ClinicalModelSelector(), keys=keys_of(list(sources), linked), seed=seed,
        limits=FitLimits(limits[0], limits[1] * 1e9), say=tell_steps(), **options,
    )  # fmt: skip
