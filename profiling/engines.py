"""The DuckDB engine: files and frames, sampled first, then one pass of aggregates over the whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from .asked import ColumnQuery, Totals

if TYPE_CHECKING:
    import duckdb

__all__ = ["ArrowEngine", "DuckDBEngine", "Engine", "connect", "is_small", "spread_slices"]

WHOLE_ROWS = 25_000
"""Tables up to this many rows are looked at whole, without sampling."""
WHOLE_CELLS = 6_000_000
"""So are longer tables of up to this many cells."""
SAMPLE_ROWS = 20_000
SLICE = 32
"""Rows of one slice of the sample: many small ones, since neighbours are alike in sorted tables."""


class Engine(Protocol):
    """A table where it lives."""

    names: tuple[str, ...]
    whole: bool
    """The sample is the whole table, in its order."""

    def sample(self) -> pa.Table:
        """The bounded sample, columns in the order of ``names``."""

    def totals(self, queries: Sequence[ColumnQuery | None]) -> list[Totals]:
        """One pass over the whole table; None asks for nothing but the row count."""

    def close(self) -> None:
        """Let go of sample and connection."""


def connect() -> duckdb.DuckDBPyConnection:
    """A private in-memory database that loads no extension and writes no temporary file."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "temp_directory": ""},
    )


def spread_slices(rows: int, wanted: int, seed: int = 7) -> list[int]:
    """Sorted starts of slices of ``SLICE`` rows, spread at random over ``rows``."""
    blocks = rows // SLICE
    return [start * SLICE for start in sorted(random.Random(seed).sample(range(blocks), min(blocks, wanted // SLICE)))]


def is_small(rows: int, columns: int) -> bool:
    """Whether a table is looked at whole."""
    return rows <= WHOLE_ROWS or rows * columns <= WHOLE_CELLS


@dataclass
class ArrowEngine:
    """An Arrow table in memory; data frames and small files become one."""

    names: tuple[str, ...]
    table: pa.Table
    whole: bool = field(init=False)

    def __post_init__(self) -> None:
        self.table = self.table.rename_columns([f"c{place}" for place in range(len(self.names))])
        self.whole = is_small(self.table.num_rows, len(self.names))

    def sample(self) -> pa.Table:
        """All rows, or slices spread over them."""
        if self.whole:
            return self.table
        starts = spread_slices(self.table.num_rows, SAMPLE_ROWS)
        return pa.concat_tables([self.table.slice(start, SLICE) for start in starts]).combine_chunks()

    def totals(self, queries: Sequence[ColumnQuery | None]) -> list[Totals]:
        """One pass in DuckDB over the Arrow table, without a copy."""
        from .queries import read_totals  # sqlglot takes a while to import, and whole tables need none of it

        with connect() as connection:
            connection.register("t", self.table)
            return read_totals(lambda sql: connection.execute(sql).fetchone() or (), queries, "t", "duckdb", 500)

    def close(self) -> None:
        """Drop the reference to the rows."""
        self.table = self.table.slice(0, 0)


@dataclass
class DuckDBEngine:
    """A scan in DuckDB that is too large for memory: a Parquet or CSV file, or a relation.

    Attributes:
        run: Runs a statement that reads the table as ``t`` and gives an Arrow table.
        names: Column names of the caller; in ``t`` they are ``c0`` … ``cN``.
        rows: Row count where the source tells it without a scan.
        sliced: The statement that samples by slices of row numbers, where the source has row numbers.
    """

    run: Callable[[str], pa.Table]
    names: tuple[str, ...]
    rows: int
    sampler: Callable[[int], str]
    whole: bool = field(init=False)

    def __post_init__(self) -> None:
        self.whole = is_small(self.rows, len(self.names))

    def sample(self) -> pa.Table:
        """All rows, or the sample that the source's statement takes."""
        columns = ", ".join(f"c{place}" for place in range(len(self.names)))
        statement = f"SELECT {columns} FROM t" if self.whole else self.sampler(SAMPLE_ROWS)
        return self.run(statement).select(list(range(len(self.names)))).combine_chunks()

    def totals(self, queries: Sequence[ColumnQuery | None]) -> list[Totals]:
        """One pass of aggregates."""
        from .queries import read_totals

        return read_totals(self._first_row, queries, "t", "duckdb", 500)

    def _first_row(self, sql: str) -> Sequence[Any]:
        row = self.run(sql).to_pylist()[0]
        return tuple(row.values())

    def close(self) -> None:
        """Nothing is held between statements."""
