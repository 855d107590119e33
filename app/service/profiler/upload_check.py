"""Refuse an upload that is too large before the engine opens it, and unpack what is compressed, counted on the way."""

from __future__ import annotations

import codecs
import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from ....schemas.errors import TableError
from ....schemas.settings import Settings

__all__ = ["UploadLimits", "UploadTooLarge", "at_most", "check_upload"]

_BLOCK = 1 << 20
_MAX_LINE = 8 << 20
_DELIMITERS = b",;\t|"


class UploadLimits(NamedTuple):
    """What a table may have at most."""

    rows: int
    columns: int
    unpacked_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of the SERVICE_* settings."""
        return cls(settings.service_max_rows, settings.service_max_columns, settings.service_max_unpacked_mb << 20)


class UploadTooLarge(Exception):
    """The table is over a limit; the message names it."""


def check_upload(path: Path, limits: UploadLimits) -> None:
    """Check the table at ``path``; where it is gzip, the plain text takes its place.

    Raises:
        TableError: It is no table, or a broken one.
        UploadTooLarge: It is over a limit.
    """
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start == b"PAR1":
            _check_parquet(path, limits)
        elif start[:2] == b"\x1f\x8b":
            plain = path.with_suffix(".plain")
            try:
                with gzip.open(file, "rb") as packed, plain.open("wb") as out:
                    _check_text(path, packed, limits, out)  # type: ignore[arg-type]
            except (OSError, EOFError, zlib.error):
                raise TableError(f"{path.name}: the gzip archive is broken or cut short") from None
            with plain.open("rb") as unpacked:
                if unpacked.read(2) == b"\x1f\x8b":
                    raise TableError(f"{path.name}: an archive within an archive is not unpacked")
            plain.replace(path)
        else:
            _check_text(path, file, limits, None)


def at_most(count: int, limit: int, what: str) -> None:
    """Check a figure against its limit.

    Raises:
        UploadTooLarge: It is over.
    """
    if count > limit:
        raise UploadTooLarge(f"the table has more than {limit} {what}")


def _check_parquet(path: Path, limits: UploadLimits) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        meta = pq.read_metadata(path)
        unpacked = sum(meta.row_group(number).total_byte_size for number in range(meta.num_row_groups))
    except (pa.ArrowException, OSError):
        raise TableError(f"{path.name}: the Parquet file is broken or cut short") from None
    at_most(meta.num_columns, limits.columns, "columns")
    at_most(meta.num_rows, limits.rows, "rows")
    at_most(unpacked, limits.unpacked_bytes, "bytes when unpacked")


def _check_text(path: Path, file: BinaryIO, limits: UploadLimits, out: BinaryIO | None) -> None:
    seen = rows = line = 0
    header = _Header()
    wide = False
    while block := file.read(_BLOCK):
        if not seen:
            wide = block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        seen += len(block)
        at_most(seen, limits.unpacked_bytes, "bytes when unpacked")
        if not wide and b"\0" in block:
            raise TableError(
                f"{path.name}: this is a binary file; a table is read from CSV, TSV (plain or .gz) or Parquet"
            )
        header.take(block)
        at_most(header.columns, limits.columns, "columns")
        rows += block.count(b"\n")
        at_most(rows, limits.rows + 1, "rows")
        last = block.rfind(b"\n")
        line = line + len(block) if last < 0 else len(block) - last - 1
        at_most(line, _MAX_LINE, "bytes in one line")
        if out is not None:
            out.write(block)


class _Header:
    """Counts a header's columns: a name may itself hold line ends, within quotes, and a quote may stand for itself."""

    def __init__(self) -> None:
        self._in_line = dict.fromkeys(_DELIMITERS, 0)
        self._unquoted = dict.fromkeys(_DELIMITERS, 0)
        self._quoted = self._line_ended = self._ended = False

    @property
    def columns(self) -> int:
        """The most that any delimiter would make of it."""
        return max(*self._in_line.values(), *self._unquoted.values()) + 1

    def take(self, block: bytes) -> None:
        """Count on in the next block."""
        if not self._line_ended:
            first, newline, _ = block.partition(b"\n")
            _add(self._in_line, first)
            self._line_ended = bool(newline)
        for number, part in enumerate(block.split(b'"') if not self._ended else ()):
            self._quoted ^= number > 0
            if self._quoted:
                continue
            head, newline, _ = part.partition(b"\n")
            _add(self._unquoted, head)
            if newline:
                self._ended = True
                return


def _add(counts: dict[int, int], text: bytes) -> None:
    for mark in counts:
        counts[mark] += text.count(bytes([mark]))
