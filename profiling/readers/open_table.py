"""From whatever a caller holds to a handle: paths, data frames, Arrow tables, DuckDB relations, databases, Spark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ...schemas.errors import MissingExtra, TableError
from ...schemas.table.table_handle import TableHandle, source_of
from ..redacted_errors import quietly
from ..values.number_marks import DecimalMark
from ..values.table_values import ReadingHints
from .csv_dialect import check_names
from .engines import ArrowEngine, DuckDBEngine, Engine, Tick, is_small, silent
from .files import open_files, reservoir
from .refused import refuse_address, refuse_nested, refuse_nested_columns

if TYPE_CHECKING:
    import duckdb

__all__ = ["TableSource", "open_engine", "open_table"]


@dataclass(frozen=True, slots=True, repr=False)
class TableSource:
    """What a handle leads to.

    Attributes:
        table: What the caller gave.
        table_name: Which table of a database.
        hints: What the user says of how cells are written.
        engine: What reads it; None for a database, to which each use connects anew.
    """

    table: Any
    table_name: str | None
    hints: ReadingHints
    engine: Engine | None


def open_table(
    table: Any,
    *,
    table_name: str | None = None,
    encoding: str | None = None,
    decimal: DecimalMark | None = None,
    pattern: bool = False,
) -> TableHandle:
    """Open a table; every command and every function reads it through the handle.

    Args:
        table: Path to CSV, TSV (plain or .gz), Parquet or Excel, a database URL, a pandas, polars, Arrow, DuckDB or
            Spark table, or a handle, which is given back.
        table_name: Which table of a database, ``schema.table`` where it needs one.
        encoding: Of a text file, where it is not recognised; any name that Python knows, such as ``cp1252``.
        decimal: What marks decimals in numbers written as text, where the table does not tell.
        pattern: The path is a pattern (``site*.csv``) for files of the same columns, which become one table. Without
            it a path is a name, whatever characters are in it.

    Raises:
        TableError: Nothing there, or nothing that is a table.
        MissingExtra: A database or workbook is to be read, and the library for it is not installed.
    """
    if isinstance(table, TableHandle):
        if table_name is not None or encoding is not None or decimal is not None or pattern:
            raise TableError("a table handle is open already: say how to read the table where it is opened")
        source_of(table)
        return table
    if decimal not in (None, ".", ","):
        raise TableError("decimal: a point or a comma marks decimals")
    remote = isinstance(table, str) and "://" in table
    if (encoding is not None or pattern) and (remote or not isinstance(table, str | Path)):
        raise TableError("encoding and pattern are for files")
    hints = ReadingHints(decimal=decimal)
    if isinstance(table, str | Path) and not remote:
        engine: Engine = open_files(Path(table), encoding=encoding, decimal=decimal, pattern=pattern)
    else:
        engine = _open_engine(table, table_name, hints)
    handle = TableHandle(
        engine.rows, len(engine.names), TableSource(table, table_name, hints, None if remote else engine)
    )
    engine.close()
    return handle


def open_engine(handle: TableHandle) -> Engine:
    """The engine that reads the table behind a handle; to be closed after use.

    Raises:
        TableError: The table is no longer there, or the handle came out of a pickle.
    """
    source: TableSource = source_of(handle)
    return source.engine if source.engine is not None else _open_engine(source.table, source.table_name, source.hints)


def _open_engine(table: Any, table_name: str | None, hints: ReadingHints) -> Engine:
    if isinstance(table, str):
        refuse_address(table.partition("://")[0])
        try:
            from .database import open_database
        except ModuleNotFoundError:
            raise MissingExtra("Reading a database", "postgres") from None
        return open_database(table, table_name, hints)
    if isinstance(table, pa.Table):
        return _open_arrow(table, hints)
    if isinstance(table, pa.RecordBatch):
        return _open_arrow(pa.Table.from_batches([table]), hints)
    # Asked by name, so that no library is imported that the caller does not use.
    library = type(table).__module__.partition(".")[0]
    if library in ("duckdb", "_duckdb") and hasattr(table, "project"):
        return _open_relation(table, hints)
    if library == "pandas" and hasattr(table, "columns"):
        return _open_arrow(_from_pandas(table), hints)
    if library == "polars" and hasattr(table, "collect_schema"):
        return _open_arrow((table.collect() if hasattr(table, "collect") else table).to_arrow(), hints)
    if library == "pyspark":
        from .spark import open_spark

        return open_spark(table, hints)
    raise TableError(
        "a table is a path, a database URL, or a pandas, polars, Arrow, DuckDB or Spark table, "
        f"not {type(table).__name__}"
    )


def _open_relation(relation: duckdb.DuckDBPyRelation, hints: ReadingHints) -> Engine:
    import duckdb

    names = tuple(relation.columns)
    check_names(names, "relation")
    renamed = relation.project(", ".join(f"{_identifier(name)} AS c{position}" for position, name in enumerate(names)))

    def run(sql: str, tick: Tick) -> pa.Table:
        return quietly(lambda: _query_relation(renamed, sql), (duckdb.Error,), "the relation cannot be read ({error})")

    refuse_nested(run("SELECT * FROM t LIMIT 0", silent).schema, names)
    rows = int(run("SELECT count(*) AS n FROM t", silent).column(0)[0].as_py())
    if is_small(rows, len(names)):
        return ArrowEngine(names, run("SELECT * FROM t", silent), hints)
    return DuckDBEngine(
        names,
        run,
        lambda: run("SELECT * FROM t", silent).to_batches(max_chunksize=100_000),
        lambda: reservoir(run, names),
        rows,
        hints,
    )


def _query_relation(relation: duckdb.DuckDBPyRelation, sql: str) -> pa.Table:
    answer = relation.query("t", sql)
    return pa.table({}) if answer is None else answer.to_arrow_table()


def _open_arrow(table: pa.Table, hints: ReadingHints) -> Engine:
    names = tuple(str(name) for name in table.column_names)
    check_names(names, "table")
    refuse_nested(table.schema, names)
    return ArrowEngine(names, table, hints)


def _from_pandas(frame: Any) -> pa.Table:
    """A pandas table as Arrow, its index left out; columns of mixed objects become text."""
    names = [str(name) for name in frame.columns]
    check_names(names, "table")
    columns = []
    refuse_nested_columns([name for position, name in enumerate(names) if _holds_containers(frame.iloc[:, position])])
    for position in range(len(names)):
        series = frame.iloc[:, position]
        try:
            columns.append(pa.array(series, from_pandas=True))
        except (pa.ArrowException, TypeError, ValueError):
            missing = series.isna()
            columns.append(pa.array([None if m else str(v) for m, v in zip(missing, series, strict=True)], pa.string()))
    return pa.table(columns, names=names)


def _holds_containers(series: Any) -> bool:
    return series.dtype == object and any(isinstance(cell, list | dict | tuple | set) for cell in series)


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
