"""Write results so that a file with its name is a whole one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from ..schemas.errors import SettingsError

__all__ = ["card_path", "write_atomically", "write_table"]


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write CSV or Parquet, as the name ends, atomically.

    Raises:
        SettingsError: The name ends otherwise, or the place cannot be written.
    """
    if path.suffix in (".parquet", ".pq"):
        write_atomically(path, lambda partial: table.to_parquet(partial, index=False))
    elif path.suffix in (".csv", ".tsv"):
        separator = "\t" if path.suffix == ".tsv" else ","
        write_atomically(path, lambda partial: table.to_csv(partial, index=False, sep=separator))
    else:
        raise SettingsError(f"{path}: name it .csv, .tsv or .parquet")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then give it that name in one step.

    Raises:
        SettingsError: The place cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        os.close(handle)
        partial = Path(name)
        try:
            write(partial)
            with partial.open("rb+") as stream:
                os.fsync(stream.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from None


def card_path(output: Path) -> Path:
    """Where the run card of ``output`` lies."""
    return output.with_name(f"{output.name}.card.json")
