"""The DuckDB engine: files and frames, sampled first, then one pass of aggregates over the whole."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import duckdb
import pyarrow as pa
from sqlglot import exp

from .evidence import Totals
from .queries import ColumnQuery, batches, render

__all__ = ["ArrowEngine", "DuckDBEngine", "Engine", "connect", "is_small", "read_totals", "spread_slices"]

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


def read_totals(
    run: Callable[[str], Sequence[Any]],
    queries: Sequence[ColumnQuery | None],
    source: exp.Expr,
    dialect: str,
    most: int,
) -> list[Totals]:
    """Render, run and read the aggregates, in batches of at most ``most`` columns."""
    asked = [(place, query) for place, query in enumerate(queries) if query is not None]
    found: dict[int, tuple[int, int, float | None]] = {}
    rows = 0
    places = [place for place, _ in asked]
    start = 0
    for batch in batches([query for _, query in asked], most) if asked else [()]:
        answer = run(render(batch, source.copy(), dialect))
        rows = int(answer[0])
        for offset in range(len(batch)):
            present, distinct, maximum = answer[1 + 3 * offset : 4 + 3 * offset]
            number = None if maximum is None else float(maximum)
            found[places[start + offset]] = (int(present), -1 if distinct is None else int(distinct), number)
        start += len(batch)
    return [Totals(rows, *found.get(place, (rows, -1, None))) for place in range(len(queries))]


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
        with connect() as connection:
            connection.register("t", self.table)
            return read_totals(
                lambda sql: connection.execute(sql).fetchone() or (), queries, exp.to_table("t"), "duckdb", 500
            )

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
        return read_totals(self._first_row, queries, exp.to_table("t"), "duckdb", 500)

    def _first_row(self, sql: str) -> Sequence[Any]:
        row = self.run(sql).to_pylist()[0]
        return tuple(row.values())

    def close(self) -> None:
        """Nothing is held between statements."""
