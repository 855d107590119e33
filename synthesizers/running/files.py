"""Write results so that a file with its name is a whole one."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from ...schemas.errors import SettingsError
from .locks import hold, is_free

__all__ = ["card_path", "check_output", "write_atomically", "write_result", "write_table"]


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write CSV, TSV or Parquet, as the name ends, in one step.

    Raises:
        SettingsError: The name ends otherwise, or the place cannot be written.
    """
    check_output(path)
    write_atomically(path, lambda partial: _fill(table, path, partial))


def write_result(table: pd.DataFrame, card: str, path: Path) -> None:
    """Write a table and its run card, so that whenever both are there they belong together.

    Whatever takes room is written first. Then an older table goes, the card takes its place, and the table last.

    Raises:
        SettingsError: The name ends otherwise, or the place cannot be written.
    """
    check_output(path)
    with _partial(path) as partial, _partial(card_path(path)) as partial_card:
        _fill(table, path, partial)
        partial_card.write_text(card)
        _sync(partial)
        _sync(partial_card)
        path.unlink(missing_ok=True)
        partial_card.replace(card_path(path))
        partial.replace(path)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then give it that name in one step.

    Raises:
        SettingsError: The place cannot be written.
    """
    with _partial(path) as partial:
        write(partial)
        _sync(partial)
        partial.replace(path)


def check_output(path: Path, *, force: bool = True) -> None:
    """Refuse a name that tells no format, before any work is done, and where there is a table already.

    Args:
        path: Where a table will be written.
        force: An older table there may be written over.

    Raises:
        SettingsError: It ends otherwise than in .csv, .tsv, .parquet or .pq, or is there already.
    """
    if path.suffix not in (".csv", ".tsv", ".parquet", ".pq"):
        raise SettingsError(f"{path}: name it .csv, .tsv or .parquet")
    if not force and path.exists():
        raise SettingsError(f"{path} is there already: --force writes over it")


def _fill(table: pd.DataFrame, path: Path, partial: Path) -> None:
    if path.suffix in (".parquet", ".pq"):
        table.to_parquet(partial, index=False)
    else:
        table.to_csv(partial, index=False, sep="\t" if path.suffix == ".tsv" else ",")


def _sync(partial: Path) -> None:
    with partial.open("rb+") as stream:
        os.fsync(stream.fileno())


@contextlib.contextmanager
def _partial(path: Path) -> Iterator[Path]:
    """A file beside ``path`` to be filled and renamed; those that killed processes left there are removed."""
    partial: Path | None = None
    try:
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.partial"):
            if is_free(left):
                left.unlink(missing_ok=True)
        # Not mkstemp: the file shall be readable by whoever may read what the user writes.
        partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.partial")
        partial.touch(exist_ok=False)
        with hold(partial):
            yield partial
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror or type(error).__name__}") from None
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def card_path(output: Path) -> Path:
    """Where the run card of ``output`` lies."""
    return output.with_name(f"{output.name}.card.json")
