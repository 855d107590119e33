"""Files: delimited text, Parquet and Excel, one of them or several of the same columns."""

from __future__ import annotations

import glob
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from ...schemas.errors import TableError
from ...schemas.table.reading import ReadingChange
from ..redacted_errors import quietly
from ..values.arrow_arrays import listed
from ..values.number_marks import DecimalMark
from ..values.table_values import ReadingHints
from . import engines
from .csv_dialect import Delimited, check_names, inspect_delimited
from .csv_reading import open_csv_stream, ragged, read_csv, sample_lines
from .engines import SLICE, ArrowEngine, DuckDBEngine, Engine, Tick, connect, is_small, silent, watch
from .refused import refuse_nested

__all__ = ["open_files", "reservoir"]

Run = Callable[[str, Tick], pa.Table]

_IN_MEMORY = 96 << 20
"""Bytes of delimited text that are read at once; gzip counts eightfold."""
_MOST_FILES = 10_000
_SHOWN = 20
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def open_files(path: Path, *, encoding: str | None, decimal: DecimalMark | None, pattern: bool) -> Engine:
    """Open one file, or with ``pattern`` all that a pattern fits.

    Raises:
        TableError: There is no such file, or it is no table; or files of a pattern have other columns.
        MissingExtra: An Excel workbook is to be read, and the library for it is not installed.
    """
    if not pattern:
        return _open_path(path, encoding, decimal)
    paths = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())
    if not paths:
        raise TableError(f"{path}: no file fits this pattern")
    if len(paths) > _MOST_FILES:
        raise TableError(f"{path}: {len(paths)} files fit this pattern; at most {_MOST_FILES} are read as one table")
    parts = [_open_path(each, encoding, decimal) for each in paths]
    for each, part in zip(paths, parts, strict=True):
        if part.names != parts[0].names:
            raise TableError(f"{each}: its columns are not those of {paths[0]}, so that they are not one table")
    shown = ", ".join(each.name for each in paths[:_SHOWN]) + (" …" if len(paths) > _SHOWN else "")
    return _joined(parts, ReadingChange(kind="files_read", cells=len(paths), detail=shown), str(path))


def _open_path(path: Path, encoding: str | None, decimal: DecimalMark | None) -> Engine:
    return quietly(
        lambda: _open_file(path, encoding, decimal), (OSError,), f"{path}: the file cannot be read ({{error}})"
    )


def _open_file(path: Path, encoding: str | None, decimal: DecimalMark | None) -> Engine:
    if path.is_dir():
        raise TableError(f"{path}: this is a folder; name one file")
    if not path.exists():
        raise TableError(f"{path}: no such file")
    if not path.is_file():
        raise TableError(f"{path}: this is no regular file")
    with path.open("rb") as file:
        magic = file.read(4)
    hints = ReadingHints(decimal=decimal)
    if magic == b"PAR1":
        return _open_parquet(path, hints)
    if magic in _WORKBOOKS:
        from .excel import open_workbook

        return open_workbook(path, hints)
    return _open_delimited(inspect_delimited(path, encoding), hints)


def _open_delimited(dialect: Delimited, hints: ReadingHints) -> Engine:
    hints = replace(hints, delimiter=dialect.delimiter)
    failures = (pa.ArrowException, OSError, UnicodeError)
    if dialect.path.stat().st_size * (8 if dialect.gzipped else 1) <= _IN_MEMORY:
        table = quietly(lambda: read_csv(dialect), failures, ragged(dialect))
        return ArrowEngine(dialect.names, table, hints, dialect.changes)
    run = _scan(lambda: open_csv_stream(dialect), ragged(dialect))

    def draw() -> pa.Table:
        some = sample_lines(dialect, engines.SAMPLE_ROWS)
        return reservoir(run, dialect.names) if some is None else some

    return DuckDBEngine(dialect.names, run, lambda: open_csv_stream(dialect), draw, None, hints, dialect.changes)


def _open_parquet(path: Path, hints: ReadingHints) -> Engine:
    import pyarrow.parquet as pq

    broken = f"{path}: this Parquet file is broken ({{error}})"
    file = quietly(lambda: pq.ParquetFile(pa.OSFile(str(path)), pre_buffer=False), (pa.ArrowException, OSError), broken)
    names = tuple(file.schema_arrow.names)
    check_names(names, str(path))
    refuse_nested(file.schema_arrow, names)
    rows = file.metadata.num_rows
    if is_small(rows, len(names)):
        return ArrowEngine(names, quietly(file.read, (pa.ArrowException, OSError), broken), hints)
    run = _scan(lambda: _parquet_stream(path), broken.replace(" ({error})", ""))
    return DuckDBEngine(names, run, lambda: _parquet_stream(path), lambda: _draw_parquet(path, rows), rows, hints)


def _parquet_stream(path: Path) -> pa.RecordBatchReader:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.OSFile(str(path)), pre_buffer=False)
    schema = pa.schema([field.with_name(f"c{position}") for position, field in enumerate(file.schema_arrow)])
    batches = (pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in file.iter_batches())
    return pa.RecordBatchReader.from_batches(schema, batches)


def _draw_parquet(path: Path, rows: int) -> pa.Table:
    """Slices of ``SLICE`` rows, spread at random."""
    blocks = rows // SLICE
    starts = sorted(
        n * SLICE for n in random.Random(7).sample(range(blocks), min(blocks, engines.SAMPLE_ROWS // SLICE))
    )
    taken: list[pa.RecordBatch] = []
    seen = 0
    for batch in _parquet_stream(path):
        rows_here: list[int] = []
        while starts and starts[0] < seen + batch.num_rows:
            start = max(starts.pop(0) - seen, 0)
            rows_here += range(start, min(start + SLICE, batch.num_rows))
        if rows_here:
            taken.append(batch.take(listed(rows_here, pa.int64())))  # a slice would keep the whole batch alive
        seen += batch.num_rows
    return pa.Table.from_batches(taken)


def _joined(parts: Sequence[Engine], change: ReadingChange, where: str) -> Engine:
    names, hints = parts[0].names, parts[0].hints
    changes = (change, *dict.fromkeys(each for part in parts for each in part.changes))
    rows = None if any(part.rows is None for part in parts) else sum(part.rows or 0 for part in parts)

    def stream() -> pa.RecordBatchReader:
        first = next(parts[0].batches(), None)
        schema = pa.schema([]) if first is None else first.schema
        return pa.RecordBatchReader.from_batches(
            schema, (_as(batch, schema) for part in parts for batch in part.batches())
        )

    failure = f"{where}: the files cannot be read as one table ({{error}})"
    if all(isinstance(part, ArrowEngine) for part in parts):
        table = quietly(lambda: stream().read_all(), (pa.ArrowException,), failure)
        return ArrowEngine(names, table, hints, changes)
    run = _scan(stream, failure)
    return DuckDBEngine(names, run, stream, lambda: reservoir(run, names), rows, hints, changes)


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return batch if batch.schema.equals(schema) else batch.cast(schema)


def reservoir(run: Run, names: Sequence[str]) -> pa.Table:
    """A uniform sample that reads the whole table; for sources that cannot be read from the middle."""
    columns = ", ".join(f"c{position}" for position in range(len(names)))
    size = engines.SAMPLE_ROWS
    return run(f"SELECT {columns} FROM t USING SAMPLE reservoir({size} ROWS) REPEATABLE (7)", silent)


def _scan(stream: Callable[[], pa.RecordBatchReader], failure: str) -> Run:
    """Statements over a stream ``t``, each in a connection of its own that can open nothing."""
    import duckdb

    failures = (duckdb.Error, pa.ArrowException, OSError, UnicodeError)
    return lambda sql, tick: quietly(lambda: _query_stream(stream(), sql, tick), failures, failure)


def _query_stream(reader: pa.RecordBatchReader, sql: str, tick: Tick) -> pa.Table:
    with connect() as connection:
        connection.register("t", reader)
        return watch(connection, sql, tick)
