"""Spark DataFrames: aggregates run in Spark, and one bounded sample comes to this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pyarrow as pa
from pyspark.errors import PySparkException

from ...schemas.errors import TableError
from ...schemas.table.reading import ReadingChange
from ..redacted_errors import quietly
from ..values.asked import ColumnQuery, Totals
from ..values.table_values import ReadingHints
from .aggregates import read_totals
from .csv_dialect import check_names
from .engines import SAMPLE_ROWS, Tick, is_small
from .refused import refuse_nested_columns

__all__ = ["SparkEngine", "open_spark"]

_BATCH = 200
_FAILURES = (PySparkException,)
_MESSAGE = "the Spark table cannot be read ({error})"
_NESTED = ("array", "map", "struct")
_PLAIN = (
    "string",
    "boolean",
    "byte",
    "short",
    "integer",
    "long",
    "float",
    "double",
    "decimal",
    "date",
    "timestamp",
    "void",
    "daytimeinterval",
)
"""Types read as they are; all others are read as text."""


def open_spark(frame: Any, hints: ReadingHints) -> SparkEngine:
    """Look at a DataFrame's columns.

    Raises:
        TableError: It is no DataFrame, or its column names cannot be used.
    """
    if not hasattr(frame, "toDF") or not hasattr(frame, "schema"):
        raise TableError(f"a table is a Spark DataFrame, not {type(frame).__name__}")
    names = tuple(str(name) for name in frame.columns)
    check_names(names, "table")
    renamed = frame.toDF(*[f"c{position}" for position in range(len(names))])
    refuse_nested_columns(
        [name for name, column in zip(names, frame.schema.fields, strict=True) if column.dataType.typeName() in _NESTED]
    )
    texts = [column.dataType.typeName() not in _PLAIN for column in frame.schema.fields]
    fields = [
        renamed[f"c{position}"].cast("string").alias(f"c{position}") if text else renamed[f"c{position}"]
        for position, text in enumerate(texts)
    ]
    return SparkEngine(renamed.select(*fields), names, hints)


@dataclass
class SparkEngine:
    """A DataFrame whose columns are called ``c0`` … ``cN``."""

    frame: Any
    names: tuple[str, ...]
    hints: ReadingHints
    changes: tuple[ReadingChange, ...] = ()
    rows: int = field(init=False)
    whole: bool = field(init=False)

    def __post_init__(self) -> None:
        self.rows = int(quietly(self.frame.count, _FAILURES, _MESSAGE))
        self.whole = is_small(self.rows, len(self.names))

    def sample(self) -> pa.Table:
        """All rows, or about ``SAMPLE_ROWS`` of them at random."""
        return self._fetch(self.frame if self.whole else self.frame.sample(fraction=SAMPLE_ROWS / self.rows, seed=7))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows; Spark hands them over as one."""
        yield from self._fetch(self.frame).to_batches(max_chunksize=100_000)

    def _fetch(self, frame: Any) -> pa.Table:
        table: pa.Table = quietly(frame.toArrow, _FAILURES, _MESSAGE)
        return table

    def totals(self, queries: Sequence[ColumnQuery], tick: Tick) -> list[Totals]:
        """One pass of aggregates, in batches of columns."""
        view = f"profile_{uuid4().hex}"
        self.frame.createTempView(view)
        try:
            return read_totals(self._first_row, queries, view, "spark", _BATCH, tick)
        finally:
            self.frame.sparkSession.catalog.dropTempView(view)

    def _first_row(self, statement: str) -> Sequence[Any]:
        return tuple(quietly(lambda: self.frame.sparkSession.sql(statement).first(), _FAILURES, _MESSAGE))

    def close(self) -> None:
        """Nothing is held: views are dropped after use."""
