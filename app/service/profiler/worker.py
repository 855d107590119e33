"""The process that profiles uploads: one job a line on stdin, one answer a line on stdout.

A table from outside is read here and not in the service, so that a file which takes all memory, never ends or crashes
the engine takes this process with it and nothing else. It holds no key: it is started with an empty environment.
"""

from __future__ import annotations

import codecs
import gzip
import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ....schemas.errors import SettingsError, TableError

__all__ = ["Limits", "main"]

_BLOCK = 1 << 20
_MAX_LINE = 8 << 20
_DELIMITERS = b",;\t|"
_UPLOAD = "upload"


class Limits(NamedTuple):
    """What a table may have at most."""

    rows: int
    columns: int
    unpacked_bytes: int
    memory_bytes: int


class _TooLarge(Exception):
    """The table is over a limit; the message names it."""


def main() -> None:
    """Answer jobs until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints must neither break the protocol nor reach a log.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    from ....profiling import profile_table  # loads the engine before the first job

    profile_table.__module__  # noqa: B018
    limited = False
    for line in sys.stdin:
        job = json.loads(line)
        limits = Limits(**job["limits"])
        if not limited:
            _limit_memory(limits.memory_bytes)
            limited = True
        print(json.dumps(_answer(job, limits)), file=answers, flush=True)


def _answer(job: dict[str, Any], limits: Limits) -> dict[str, str]:
    from ....profiling import profile_table

    # Errors name the file by its path: a relative one says nothing about this machine.
    os.chdir(job["folder"])
    try:
        _check(limits)
        profile = profile_table(
            Path(_UPLOAD), target=job["target"], patient_id=job["patient_id"], kinds=job["kinds"] or None
        )
    except TableError as error:
        return {"error": "table", "detail": str(error)}
    except SettingsError as error:
        return {"error": "settings", "detail": str(error)}
    except _TooLarge as error:
        return {"error": "too_large", "detail": str(error)}
    except MemoryError:
        return {"error": "too_large", "detail": "the table takes more memory than a profile may"}
    finally:
        os.chdir("/")
    return {"profile": profile.model_dump_json()}


def _check(limits: Limits) -> None:
    """Refuse what is too large before the engine opens it; what is compressed is unpacked here, counted on the way."""
    path = Path(_UPLOAD)
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        if start == b"PAR1":
            _check_parquet(path, limits)
        elif start[:2] == b"\x1f\x8b":
            plain = path.with_suffix(".plain")
            try:
                with gzip.open(file, "rb") as packed, plain.open("wb") as out:
                    _check_text(packed, limits, out)  # type: ignore[arg-type]
            except (OSError, EOFError, zlib.error):
                raise TableError(f"{_UPLOAD}: the gzip archive is broken or cut short") from None
            if plain.stat().st_size and plain.open("rb").read(2) == b"\x1f\x8b":
                raise TableError(f"{_UPLOAD}: an archive within an archive is not unpacked")
            plain.replace(path)
        else:
            _check_text(file, limits, None)


def _check_parquet(path: Path, limits: Limits) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        meta = pq.read_metadata(path)
        unpacked = sum(meta.row_group(place).total_byte_size for place in range(meta.num_row_groups))
    except (pa.ArrowException, OSError):
        raise TableError(f"{_UPLOAD}: the Parquet file is broken or cut short") from None
    _at_most(meta.num_columns, limits.columns, "columns")
    _at_most(meta.num_rows, limits.rows, "rows")
    _at_most(unpacked, limits.unpacked_bytes, "bytes when unpacked")


def _check_text(file: BinaryIO, limits: Limits, out: BinaryIO | None) -> None:
    seen = rows = line = 0
    fields: dict[int, int] | None = dict.fromkeys(_DELIMITERS, 0)
    wide = False
    while block := file.read(_BLOCK):
        if not seen:
            wide = block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        seen += len(block)
        _at_most(seen, limits.unpacked_bytes, "bytes when unpacked")
        if not wide and b"\0" in block:
            raise TableError(
                f"{_UPLOAD}: this is a binary file; a table is read from CSV, TSV (plain or .gz) or Parquet"
            )
        if fields is not None:
            head, newline, _ = block.partition(b"\n")
            fields = {mark: count + head.count(bytes([mark])) for mark, count in fields.items()}
            _at_most(max(fields.values()) + 1, limits.columns, "columns")
            if newline:
                fields = None
        rows += block.count(b"\n")
        _at_most(rows, limits.rows + 1, "rows")
        last = block.rfind(b"\n")
        line = line + len(block) if last < 0 else len(block) - last - 1
        _at_most(line, _MAX_LINE, "bytes in one line")
        if out is not None:
            out.write(block)


def _at_most(found: int, limit: int, what: str) -> None:
    if found > limit:
        raise _TooLarge(f"the table has more than {limit} {what}")


def _limit_memory(limit: int) -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (ImportError, ValueError, OSError):
        # No such limit on this system: the container's then holds.
        return


if __name__ == "__main__":
    main()
