"""What reads a table: sampled first, then one pass of aggregates over the whole, in DuckDB for files and frames."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from ...schemas.table.reading import ReadingChange
from ..values.asked import ColumnQuery, Totals
from ..values.table_values import ReadingHints

if TYPE_CHECKING:
    import duckdb

__all__ = [
    "ArrowEngine",
    "DuckDBEngine",
    "Engine",
    "connect",
    "Tick",
    "first_row",
    "is_small",
    "silent",
    "spread_slices",
    "watch",
]

WHOLE_ROWS = 25_000
"""Tables up to this many rows are looked at whole, without sampling."""
WHOLE_CELLS = 2_500_000
"""So are longer tables of up to this many cells."""
SAMPLE_ROWS = 20_000
SLICE = 32
"""Rows of one slice of the sample: many small ones, since neighbours are alike in sorted tables."""


Tick = Callable[[float], None]
"""Told the share of a pass that is done, 0 to 1."""


def silent(share: float) -> None:
    """A ``Tick`` that tells nobody."""


class Engine(Protocol):
    """A table where it lives."""

    names: tuple[str, ...]
    whole: bool
    """The sample is the whole table, in its order."""

    hints: ReadingHints
    """How its cells are written, as far as the source tells."""
    changes: tuple[ReadingChange, ...]
    """What opening the source did: lines skipped, encoding taken."""

    @property
    def rows(self) -> int | None:
        """Rows of the whole table; None where only a pass over it would tell."""

    def sample(self) -> pa.Table:
        """The bounded sample, columns in the order of ``names``."""

    def totals(self, queries: Sequence[ColumnQuery], tick: Tick) -> list[Totals]:
        """One pass over the whole table, told to ``tick`` on the way."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, some at a time, columns in the order of ``names``."""

    def close(self) -> None:
        """Let go of the connection, where there is one."""


def connect() -> duckdb.DuckDBPyConnection:
    """A private in-memory database that opens no file, loads no extension and writes no temporary file."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "enable_external_access": "false",
            "temp_directory": "",
        },
    )


def watch(connection: duckdb.DuckDBPyConnection, sql: str, tick: Tick) -> pa.Table:
    """Run a statement and tell its progress meanwhile; an interruption ends the statement too."""
    if tick is silent:
        return connection.sql(sql).to_arrow_table()
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    with ThreadPoolExecutor(max_workers=1) as pool:
        job = pool.submit(lambda: connection.sql(sql).to_arrow_table())
        try:
            while not wait([job], timeout=0.2).done:
                tick(max(connection.query_progress(), 0.0) / 100)
        except BaseException:
            connection.interrupt()
            raise
        return job.result()


def first_row(table: pa.Table) -> tuple[Any, ...]:
    """The single row of an aggregate."""
    return tuple(column[0].as_py() for column in table.columns)


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
    hints: ReadingHints
    changes: tuple[ReadingChange, ...] = ()
    rows: int = field(init=False)
    whole: bool = field(init=False)

    def __post_init__(self) -> None:
        self.rows = self.table.num_rows
        self.table = self.table.rename_columns([f"c{position}" for position in range(len(self.names))])
        self.whole = is_small(self.table.num_rows, len(self.names))

    def sample(self) -> pa.Table:
        """All rows, or slices spread over them."""
        if self.whole:
            return self.table
        starts = spread_slices(self.table.num_rows, SAMPLE_ROWS)
        return pa.concat_tables([self.table.slice(start, SLICE) for start in starts]).combine_chunks()

    def totals(self, queries: Sequence[ColumnQuery], tick: Tick) -> list[Totals]:
        """One pass in DuckDB over the Arrow table, without a copy."""
        from .aggregates import read_totals  # sqlglot takes a while to import, and whole tables need none of it

        with connect() as connection:
            connection.register("t", self.table)
            return read_totals(lambda sql: first_row(watch(connection, sql, tick)), queries, "t", "duckdb", 500)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows."""
        yield from self.table.to_batches()

    def close(self) -> None:
        """The rows stay for the next use."""


@dataclass
class DuckDBEngine:
    """What is too large for memory and goes through DuckDB as a stream: a Parquet or CSV file, or a relation.

    Attributes:
        names: Column names of the caller; in ``t`` they are ``c0`` … ``cN``.
        run: Runs a statement that reads the table as ``t``, telling a ``Tick``, and gives an Arrow table.
        stream: All rows, from the start.
        draw: Draws the sample.
        rows: Rows of the table, where they are known.
    """

    names: tuple[str, ...]
    run: Callable[[str, Tick], pa.Table]
    stream: Callable[[], Iterable[pa.RecordBatch]]
    draw: Callable[[], pa.Table]
    rows: int | None
    hints: ReadingHints
    changes: tuple[ReadingChange, ...] = ()
    whole: bool = False

    def sample(self) -> pa.Table:
        """The sample that suits the source."""
        return self.draw().combine_chunks()

    def totals(self, queries: Sequence[ColumnQuery], tick: Tick) -> list[Totals]:
        """One pass of aggregates."""
        from .aggregates import read_totals

        return read_totals(lambda sql: first_row(self.run(sql, tick)), queries, "t", "duckdb", 500)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows."""
        yield from self.stream()

    def close(self) -> None:
        """Nothing is held between statements."""
