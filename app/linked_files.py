"""What select, synthesize and evaluate do with ``--events``: linked tables as one set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..schemas.errors import SettingsError
from .cli.options import LinkOptions
from .cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.linked import SetSynthesis
    from ..evidence.evaluation_sets import SetEvaluation
    from ..schemas.compliance import Compliance
    from ..schemas.profile import TableProfile

__all__ = ["evaluate_linked", "files_of", "keys_of", "profile_linked", "write_set"]

_CARD = "run-card.json"


def files_of(table: str, linked: LinkOptions) -> dict[str, str]:
    """Name → file of each table, the first the one that ``--events`` stand beside.

    Raises:
        SettingsError: Two files have one name.
    """
    files: dict[str, str] = {}
    for path in (table, *(linked.events or ())):
        name = Path(path).name.split(".")[0]
        if name in files:
            raise SettingsError(f"--events: two tables are called {name!r}: rename a file")
        files[name] = path
    return files


def keys_of(table: str, linked: LinkOptions) -> dict[str, str]:
    """Table → column of the patient's key: ``--key PATIENT=Id`` says that PATIENT of the events is Id of TABLE.

    Raises:
        SettingsError: A pair cannot be read.
    """
    names = list(files_of(table, linked))
    keys: dict[str, str] = {}
    for pair in linked.key or ():
        events, _, own = pair.partition("=")
        if not events or not own:
            raise SettingsError(f"--key: {pair!r} is not COLUMN=NAME")
        table_name, dot, column = events.partition(".")
        keys[names[0]] = own
        if dot and table_name in names:
            keys[table_name] = column
        else:
            keys |= {name: events for name in names[1:] if name not in keys}
    return keys


def profile_linked(table: str, linked: LinkOptions) -> TableProfile:
    """One profile of the set."""
    from ..evidence.histories.link_tables import combine_profiles, link_tables

    return combine_profiles(link_tables(files_of(table, linked), keys=keys_of(table, linked)))


def check_folder(folder: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Refuse a folder in which a table would be written over, before any work is done.

    Args:
        folder: Where the tables will be written.
        files: Name → file of each table that is read.
        force: Older synthetic tables there may be written over; what is read never is.

    Raises:
        SettingsError: One of the files to be written is one that is read, or is there already.
    """
    written = [folder / f"{name}.csv" for name in files]
    read = [Path(file) for file in files.values()]
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
    real: str, folder: Path, linked: LinkOptions, compliance: Compliance | None, tell: Callable[[str], None]
) -> SetEvaluation:
    """Judge a folder of synthetic tables against the real files.

    Raises:
        SettingsError: The folder or its run card is not there.
    """
    from ..evidence.evaluation_sets import evaluate_set
    from .input_files import read_card

    if not (folder / _CARD).exists():
        raise SettingsError(f"{folder}: no folder that synthesize --events wrote, since it holds no {_CARD}")
    files = files_of(real, linked)
    made: dict[str, Any] = {name: str(folder / f"{name}.csv") for name in files}
    return evaluate_set(
        files, made, card=read_card(folder / _CARD), keys=keys_of(real, linked), compliance=compliance, say=tell
    )
