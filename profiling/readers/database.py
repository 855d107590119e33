"""Tables in a database, through SQLAlchemy: aggregates and one bounded sample are read, and nothing is written.

All statements of one profile run in one read-only transaction, so that they see the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlglot import exp

from ...schemas.errors import MissingExtra, TableError
from ...schemas.table.reading import ReadingChange
from ..redacted_errors import quietly
from ..values.asked import ColumnQuery, Totals
from ..values.table_values import ReadingHints
from .aggregates import read_totals
from .csv_dialect import check_names
from .engines import SAMPLE_ROWS, Tick, is_small
from .refused import refuse_nested_columns

__all__ = ["DatabaseEngine", "open_database"]

_FAILURE = "the database table cannot be read ({error})"
_ROWS = 10_000
_BATCH = 200
"""Columns per statement: PostgreSQL allows 1,664 entries in a select list, and each column takes three."""
_DIALECTS = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
_PLAIN = (
    sa.Integer, sa.Numeric, sa.Float, sa.String, sa.Boolean, sa.Date, sa.DateTime, sa.Interval, sa.Time
)  # fmt: skip
"""Types read as they are; all others, such as JSON, UUID and enumerations, are read as text."""


def open_database(url: str, table_name: str | None, hints: ReadingHints) -> DatabaseEngine:
    """Connect, and look up a table's columns.

    Raises:
        TableError: The address, the connection or the table is not there; the message never holds the address.
        MissingExtra: The database's driver is not installed.
    """
    if not table_name:
        raise TableError("a database holds many tables: say which one with table_name (--table)")
    schema, _, name = table_name.rpartition(".")
    engine, connection = quietly(
        lambda: _connect(url),
        (ArgumentError, NoSuchModuleError, ValueError),
        "this is no database address that SQLAlchemy knows",
    )
    try:
        return quietly(
            lambda: _describe(engine, connection, schema or None, name, hints),
            (SQLAlchemyError,),
            f"there is no table {table_name!r} in the database, or it may not be read",
        )
    except TableError:
        connection.close()
        engine.dispose()
        raise


def _connect(url: str) -> tuple[sa.Engine, sa.Connection]:
    address = sa.make_url(url)
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+pg8000")
    if address.get_backend_name() == "sqlite":
        address = _existing_sqlite(address)
    try:
        engine = sa.create_engine(address)
    except ModuleNotFoundError:
        raise MissingExtra("Reading this database", "postgres") from None
    connection = quietly(
        engine.connect, (InterfaceError, OperationalError, OSError), "the database cannot be reached ({error})"
    )
    return engine, connection


def _existing_sqlite(address: sa.URL) -> sa.URL:
    """The address of a file that is there, opened to be read only: SQLite creates what it does not find."""
    name = address.database
    if not name or name == ":memory:" or name.startswith("file:"):
        raise TableError("an SQLite database is a file that exists: sqlite:///path")
    path = Path(name)
    if not path.is_file():
        raise TableError(f"{path}: no such database file")
    return address.set(database=f"file:{quote(str(path.resolve()))}?mode=ro").update_query_dict({"uri": "true"})


def _describe(
    engine: sa.Engine, connection: sa.Connection, schema: str | None, name: str, hints: ReadingHints
) -> DatabaseEngine:
    if engine.dialect.name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    inspector = sa.inspect(connection)
    columns = inspector.get_columns(name, schema)
    names = tuple(str(column["name"]) for column in columns)
    check_names(names, name)
    dialect = _DIALECTS.get(engine.dialect.name, engine.dialect.name)
    texts = tuple(not isinstance(column["type"], _PLAIN) or isinstance(column["type"], sa.Enum) for column in columns)
    refuse_nested_columns([str(column["name"]) for column in columns if isinstance(column["type"], sa.ARRAY)])
    flags = tuple(isinstance(column["type"], sa.Boolean) for column in columns)
    base = name in inspector.get_table_names(schema)
    table = exp.table_(name, db=schema, quoted=True)
    return DatabaseEngine(engine, connection, names, table, texts, flags, dialect, base, hints)


@dataclass
class DatabaseEngine:
    """One table behind an open read-only transaction.

    Attributes:
        texts: Per column whether it is read as text.
        flags: Per column whether it is boolean; some databases hold 0 and 1.
        base: It is a table and no view, so that it can be sampled block by block.
    """

    engine: sa.Engine
    connection: sa.Connection
    names: tuple[str, ...]
    table: exp.Table
    texts: tuple[bool, ...]
    flags: tuple[bool, ...]
    dialect: str
    base: bool
    hints: ReadingHints
    changes: tuple[ReadingChange, ...] = ()
    rows: int = field(init=False)
    whole: bool = field(init=False)

    def __post_init__(self) -> None:
        counted = exp.select(exp.Count(this=exp.Star())).from_(self.table.copy()).sql(dialect=self.dialect)
        self.rows = int(self._run(counted)[0][0])
        self.whole = is_small(self.rows, len(self.names))

    def sample(self) -> pa.Table:
        """All rows, or about ``SAMPLE_ROWS`` of them at random."""
        statement = self._selected().sql(dialect=self.dialect)
        if not self.whole:
            share = SAMPLE_ROWS / self.rows
            if self.dialect == "postgres" and self.base:
                statement += f" TABLESAMPLE BERNOULLI ({100 * share:.6f}) REPEATABLE (7)"
            else:
                statement += f" WHERE {_random(self.dialect)} < {share:.8f}"
        return self._fetch(statement)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, as the database hands them over."""
        statement = self._selected().sql(dialect=self.dialect)
        result = quietly(
            lambda: self.connection.execution_options(stream_results=True).exec_driver_sql(statement),
            (SQLAlchemyError,),
            _FAILURE,
        )
        schema = None
        while rows := quietly(lambda: result.fetchmany(_ROWS), (SQLAlchemyError,), _FAILURE):
            table = self._as_table(rows)
            if schema is None:
                schema = pa.schema([f if f.type != pa.null() else f.with_type(pa.string()) for f in table.schema])
            yield from _cast(table, schema).to_batches()

    def _fetch(self, statement: str) -> pa.Table:
        return self._as_table(self._run(statement))

    def _as_table(self, rows: Sequence[sa.Row[Any]]) -> pa.Table:
        columns: Iterable[Sequence[Any]] = zip(*rows, strict=True) if rows else [()] * len(self.names)
        arrays = [_array(values, flag) for values, flag in zip(columns, self.flags, strict=True)]
        return pa.table(arrays, names=[f"c{n}" for n in range(len(self.names))])

    def totals(self, queries: Sequence[ColumnQuery], tick: Tick) -> list[Totals]:
        """One pass of aggregates, in batches of columns."""
        source = self._selected().subquery("t")
        return read_totals(lambda sql: tuple(self._run(sql)[0]), queries, source, self.dialect, _BATCH, tick)

    def close(self) -> None:
        """End the transaction and the connection."""
        self.connection.close()
        self.engine.dispose()

    def _selected(self) -> exp.Select:
        fields: list[exp.Expr] = []
        for place, (name, as_text) in enumerate(zip(self.names, self.texts, strict=True)):
            column: exp.Expr = exp.column(name, quoted=True)
            fields.append((exp.cast(column, "text") if as_text else column).as_(f"c{place}", quoted=True))
        return exp.select(*fields).from_(self.table.copy())

    def _run(self, statement: str) -> Sequence[sa.Row[Any]]:
        # exec_driver_sql passes the text on as it is: a colon in a name is no parameter.
        return quietly(
            lambda: self.connection.exec_driver_sql(statement).all(),
            (SQLAlchemyError,),
            _FAILURE,
        )


def _random(dialect: str) -> str:
    """A uniform number between 0 and 1."""
    if dialect == "sqlite":
        return "abs(random() % 1000000) / 1000000.0"
    return "rand()" if dialect in ("mysql", "tsql") else "random()"


def _array(values: Sequence[Any], flag: bool) -> pa.Array:
    if flag:
        return pa.array([None if value is None else bool(value) for value in values], pa.bool_())
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Later rows in the types of the first ones, where they fit; as text where they do not."""
    columns = []
    for column, wanted in zip(table.columns, schema, strict=True):
        try:
            columns.append(column.cast(wanted.type))
        except pa.ArrowException:
            raise TableError("the database table has a column whose values change their type on the way") from None
    return pa.table(columns, schema=schema)
