"""From whatever a caller holds to a handle: paths, data frames, Arrow tables, DuckDB relations, databases, Spark."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ...schemas.errors import MissingExtra, TableError
from ...schemas.table.table_handle import TableHandle, source_of
from ..redacted_errors import quietly
from . import engines
from .csv_dialect import Delimited, check_names, inspect_delimited
from .csv_sampling import sample_lines
from .engines import SLICE, ArrowEngine, DuckDBEngine, Engine, Tick, connect, is_small, silent, watch

if TYPE_CHECKING:
    import duckdb

__all__ = ["TableSource", "open_engine", "open_table", "read_delimited"]

Run = Callable[[str, Tick], pa.Table]

_IN_MEMORY = 96 << 20
"""Bytes of delimited text that are read at once; gzip counts eightfold."""


@dataclass(frozen=True, slots=True, repr=False)
class TableSource:
    """What a handle leads to.

    Attributes:
        table: What the caller gave.
        table_name: Which table of a database.
        engine: What reads it; None for a database, to which each use connects anew.
    """

    table: Any
    table_name: str | None
    engine: Engine | None


def open_table(table: Any, *, table_name: str | None = None) -> TableHandle:
    """Open a table; every command and every function reads it through the handle.

    Args:
        table: Path, database URL, a pandas, polars, Arrow, DuckDB or Spark table, or a handle, which is given back.
        table_name: Which table of a database, ``schema.table`` where it needs one.

    Raises:
        TableError: Nothing there, or nothing that is a table.
        MissingExtra: A database is to be read, and the library for it is not installed.
    """
    if isinstance(table, TableHandle):
        if table_name is not None:
            raise TableError("a table handle is one table already: give table_name where it is opened")
        source_of(table)
        return table
    engine = _open_engine(table, table_name)
    remote = isinstance(table, str) and "://" in table
    handle = TableHandle(engine.rows, len(engine.names), TableSource(table, table_name, None if remote else engine))
    engine.close()
    return handle


def open_engine(handle: TableHandle) -> Engine:
    """The engine that reads the table behind a handle; to be closed after use.

    Raises:
        TableError: The table is no longer there, or the handle came out of a pickle.
    """
    source: TableSource = source_of(handle)
    return source.engine if source.engine is not None else _open_engine(source.table, source.table_name)


def _open_engine(table: Any, table_name: str | None) -> Engine:
    if isinstance(table, str) and "://" in table:
        try:
            from .database import open_database
        except ModuleNotFoundError:
            raise MissingExtra("Reading a database", "postgres") from None
        return open_database(table, table_name)
    if isinstance(table, str | Path):
        return _open_path(Path(table))
    if isinstance(table, pa.Table):
        return _open_arrow(table)
    if isinstance(table, pa.RecordBatch):
        return _open_arrow(pa.Table.from_batches([table]))
    # Asked by name, so that no library is imported that the caller does not use.
    library = type(table).__module__.partition(".")[0]
    if library in ("duckdb", "_duckdb") and hasattr(table, "project"):
        return _open_relation(table)
    if library == "pandas" and hasattr(table, "columns"):
        return _open_arrow(_from_pandas(table))
    if library == "polars" and hasattr(table, "collect_schema"):
        return _open_arrow((table.collect() if hasattr(table, "collect") else table).to_arrow())
    if library == "pyspark":
        from .spark import open_spark

        return open_spark(table)
    raise TableError(
        "a table is a path, a database URL, or a pandas, polars, Arrow, DuckDB or Spark table, "
        f"not {type(table).__name__}"
    )


def _open_path(path: Path) -> Engine:
    return quietly(lambda: _open_file(path), (OSError,), f"{path}: the file cannot be read ({{error}})")


def _open_file(path: Path) -> Engine:
    found = _find_delimited(path)
    return _open_parquet(path) if found is None else _open_delimited(found)


def _find_delimited(path: Path) -> Delimited | None:
    """How to read a file of delimited text; None where it is Parquet."""
    if path.is_dir():
        raise TableError(f"{path}: this is a folder; name one file")
    if not path.exists():
        raise TableError(f"{path}: no such file")
    with path.open("rb") as file:
        magic = file.read(4)
    return None if magic == b"PAR1" else inspect_delimited(path)


def _open_parquet(path: Path) -> Engine:
    import pyarrow.parquet as pq

    meta = quietly(
        lambda: pq.read_metadata(path), (pa.ArrowException, OSError), f"{path}: this Parquet file is broken ({{error}})"
    )
    names = tuple(meta.schema.to_arrow_schema().names)
    check_names(names, str(path))
    if is_small(meta.num_rows, len(names)):
        broken = f"{path}: this Parquet file is broken ({{error}})"
        return ArrowEngine(names, quietly(lambda: pq.ParquetFile(path).read(), (pa.ArrowException, OSError), broken))
    source = f"read_parquet({_quote(str(path))}, file_row_number = true)"
    run = _scan(f"SELECT * FROM {source} AS s({_columns(names)}, file_row)", f"{path}: this Parquet file is broken")

    def draw() -> pa.Table:
        blocks = meta.num_rows // SLICE
        chosen = sorted(random.Random(7).sample(range(blocks), min(blocks, engines.SAMPLE_ROWS // SLICE)))
        among = ", ".join(map(str, chosen))
        return run(f"SELECT {_columns(names)} FROM t WHERE file_row // {SLICE} IN ({among})", silent)

    return DuckDBEngine(run, names, draw, meta.num_rows)


def _open_delimited(found: Delimited) -> Engine:
    size = found.path.stat().st_size * (8 if found.gzipped else 1)
    if size <= _IN_MEMORY:
        return ArrowEngine(found.names, _read_all(found))
    run = _scan(f"SELECT * FROM {_as_text(found)}", _ragged(found))

    def draw() -> pa.Table:
        some = sample_lines(found, engines.SAMPLE_ROWS)
        return _reservoir(run, found.names) if some is None else some

    return DuckDBEngine(run, found.names, draw, None)


def read_delimited(path: Path) -> tuple[tuple[str, ...], pa.Table] | None:
    """Names and all cells, as text, of a delimited file; None where it is Parquet.

    Raises:
        TableError: There is no such file, or it is no table.
    """
    found = quietly(lambda: _find_delimited(path), (OSError,), f"{path}: the file cannot be read ({{error}})")
    return None if found is None else (found.names, _read_all(found))


def _read_all(found: Delimited) -> pa.Table:
    import duckdb

    return quietly(lambda: _query(f"SELECT * FROM {_as_text(found)}"), (duckdb.Error,), _ragged(found))


def _as_text(found: Delimited) -> str:
    # The names of columns stay out of the statement; nothing is guessed twice, and every cell is text.
    columns = ", ".join(f"c{place}: 'VARCHAR'" for place in range(len(found.names)))
    return (
        f"read_csv({_quote(str(found.path))}, auto_detect = false, header = true, delim = {_quote(found.delimiter)}, "
        f"quote = '\"', escape = '\"', columns = {{{columns}}}, encoding = '{found.encoding}', nullstr = '', "
        f"strict_mode = true, null_padding = false" + (", compression = 'gzip'" if found.gzipped else "") + ")"
    )


def _ragged(found: Delimited) -> str:
    return (
        f"{found.path}: some rows have more or fewer fields than the header, or a quote is not closed; "
        "every row needs the same columns"
    )


def _reservoir(run: Run, names: Sequence[str]) -> pa.Table:
    """A uniform sample that reads the whole table; for sources that cannot be read from the middle."""
    size = engines.SAMPLE_ROWS
    return run(f"SELECT {_columns(names)} FROM t USING SAMPLE reservoir({size} ROWS) REPEATABLE (7)", silent)


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f"c{place}" for place in range(len(names)))


def _query(sql: str) -> pa.Table:
    with connect() as connection:
        return connection.sql(sql).to_arrow_table()


def _scan(view: str, failure: str) -> Run:
    """Statements over a view ``t``, each in a connection of its own."""
    import duckdb

    return lambda sql, tick: quietly(lambda: _query_view(view, sql, tick), (duckdb.Error,), failure)


def _query_view(view: str, sql: str, tick: Tick) -> pa.Table:
    with connect() as connection:
        connection.execute(f"CREATE TEMP VIEW t AS {view}")
        return watch(connection, sql, tick)


def _open_relation(relation: duckdb.DuckDBPyRelation) -> Engine:
    import duckdb

    names = tuple(relation.columns)
    check_names(names, "relation")
    renamed = relation.project(", ".join(f"{_identifier(name)} AS c{place}" for place, name in enumerate(names)))

    def run(sql: str, tick: Tick) -> pa.Table:
        return quietly(lambda: _query_relation(renamed, sql), (duckdb.Error,), "the relation cannot be read ({error})")

    rows = int(run("SELECT count(*) AS n FROM t", silent).column(0)[0].as_py())
    if is_small(rows, len(names)):
        return ArrowEngine(names, run("SELECT * FROM t", silent))
    return DuckDBEngine(run, names, lambda: _reservoir(run, names), rows)


def _query_relation(relation: duckdb.DuckDBPyRelation, sql: str) -> pa.Table:
    answer = relation.query("t", sql)
    return pa.table({}) if answer is None else answer.to_arrow_table()


def _open_arrow(table: pa.Table) -> Engine:
    names = tuple(str(name) for name in table.column_names)
    check_names(names, "table")
    return ArrowEngine(names, table)


def _from_pandas(frame: Any) -> pa.Table:
    """A pandas table as Arrow, its index left out; columns of mixed objects become text."""
    names = [str(name) for name in frame.columns]
    check_names(names, "table")
    columns = []
    for place in range(len(names)):
        series = frame.iloc[:, place]
        try:
            columns.append(pa.array(series, from_pandas=True))
        except (pa.ArrowException, TypeError, ValueError):
            missing = series.isna()
            columns.append(pa.array([None if m else str(v) for m, v in zip(missing, series, strict=True)], pa.string()))
    return pa.table(columns, names=names)


def _quote(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
