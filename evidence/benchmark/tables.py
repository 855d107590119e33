"""The tables of a benchmark: a list in TOML, how each is read, and how it is split."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from ...schemas.column_treatment import OutcomePart
from ...schemas.errors import SettingsError, TableError
from ...synthesizers.encoding.table_encoding import Encoding
from ...synthesizers.sizing import TableShape

__all__ = ["HELD_OUT", "BenchmarkTable", "rarest_share", "read_table", "read_tables", "shape_of", "split_table"]

HELD_OUT = 0.3
"""Share of the rows that no synthesizer sees."""


MOST_CLASSES = 10
"""Values of a target above which it is a number and not a class (judgement)."""


@dataclass(frozen=True, slots=True)
class BenchmarkTable:
    """A table with what is predicted from it and what is left out."""

    name: str
    file: Path
    target: str
    columns: tuple[str, ...] = ()
    """The only columns taken; all where empty."""
    drop: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Texts that stand for a missing cell."""
    rows: int | None = None
    """Takes a fixed random sample of so many rows."""
    positive_above: float | None = None
    """Makes the target yes where above this number, else no."""
    time: str | None = None
    """Column of times until the target, an event, or until one was lost from sight."""

    @property
    def outcome(self) -> dict[str, OutcomePart]:
        """Column → what it is of a time-to-event outcome; empty where the table has none."""
        return {} if self.time is None else {self.time: "time", self.target: "event"}


def read_tables(path: Path, data: Path) -> list[BenchmarkTable]:
    """The tables that a TOML file lists under ``[[table]]``, with files looked for in ``data``.

    Raises:
        SettingsError: The file cannot be read or an entry is wrong.
    """
    try:
        entries = tomllib.loads(path.read_text())["table"]
        return [
            BenchmarkTable(
                **{
                    **{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()},
                    "file": data / entry["file"],
                }
            )
            for entry in entries
        ]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SettingsError(f"{path}: not a list of benchmark tables ({type(error).__name__})") from None


@lru_cache(maxsize=4)
def read_table(table: BenchmarkTable) -> pd.DataFrame:
    """The rows of a benchmark table, its target known in each.

    Raises:
        TableError: It cannot be read.
    """
    try:
        whole = pd.read_csv(table.file, na_values=list(table.missing), low_memory=False)
    except (OSError, ValueError):
        raise TableError(f"benchmark table {table.name} cannot be read") from None
    wanted = [name for name in (table.columns or whole.columns) if name not in table.drop]
    whole = whole[wanted].dropna(subset=[table.target])
    if table.rows is not None and len(whole) > table.rows:
        whole = whole.sample(table.rows, random_state=0)
    if table.positive_above is not None:
        whole[table.target] = np.where(whole[table.target] > table.positive_above, "yes", "no")
    return whole.reset_index(drop=True)


def split_table(table: BenchmarkTable, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows that a fit may see, and the rest, drawn by ``seed``.

    Raises:
        TableError: The table cannot be read.
    """
    whole = read_table(table)
    order = np.random.default_rng(seed).permutation(len(whole))
    cut = round(len(whole) * (1 - HELD_OUT))
    return whole.iloc[order[:cut]].reset_index(drop=True), whole.iloc[order[cut:]].reset_index(drop=True)


def rarest_share(table: pd.DataFrame, target: str) -> float | None:
    """Share of the target's rarest value; None where it has more than ten, and so is no class."""
    shares = table[target].value_counts(normalize=True)
    return float(shares.min()) if len(shares) <= MOST_CLASSES else None


def shape_of(table: pd.DataFrame, *, survival: bool = False) -> TableShape:
    """The facts that decide cost, of a table as it enters a fit; ``survival`` where it has a time and an event."""
    columns = Encoding.of(table).columns
    levels = [len(column.levels) for column in columns if not column.numeric]
    return TableShape(
        rows=len(table),
        columns=len(columns),
        continuous=sum(column.numeric for column in columns),
        levels=sum(levels),
        max_levels=max(levels, default=0),
        high_cardinality=sum(count > 50 for count in levels),
        missing_share=float(table.isna().to_numpy().mean()),
        survival=survival,
    )
