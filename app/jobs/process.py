"""One job in a process of its own: ``python -m …app.jobs.process FOLDER``; it ends with the worker that started it.

It writes what happens to ``events.jsonl`` and its end to ``outcome.json``. Nothing that a library prints is kept.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

from ...schemas.errors import SelectorError
from ...schemas.settings import Settings
from ...synthesizers.running.parent_death import end_with_parent
from ..service.problem_details import TooLarge, describe_problem
from ..service.profiler.upload_check import UploadLimits, UploadTooLarge, check_upload
from .records import Job, write_whole

__all__ = ["main"]


def main(folder: Path) -> None:
    """Carry out the job in ``folder``."""
    end_with_parent()
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    sys.excepthook = _report_bug
    # Errors name files by their path: a relative one says nothing about this machine.
    os.chdir(folder)
    job = Job.read(Path())
    if job is None:
        return
    from .tasks import TASKS, Task

    settings = Settings(_env_file=None)
    try:
        for name in ("upload", "synthetic"):
            if Path(name).exists():
                _check(Path(name), settings)
        TASKS[job.kind](Task(job, settings))
    except SelectorError as error:
        _end(describe_problem(error, job.id).model_dump(mode="json", exclude_none=True))
    except MemoryError:
        _end({"type": "MemoryError", "detail": "the job takes more memory than it may"})
    else:
        _end(None)


def _check(path: Path, settings: Settings) -> None:
    try:
        check_upload(path, UploadLimits.of(settings))
    except UploadTooLarge as error:
        raise TooLarge(str(error)) from None


def _end(problem: dict[str, object] | None) -> None:
    write_whole(Path("outcome.json"), json.dumps({"problem": problem}))


def _report_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """By its type and place alone: its message might quote a cell."""
    frames = [(frame.f_globals.get("__name__", "?"), line) for frame, line in traceback.walk_tb(trace)]
    ours = [place for place in frames if place[0].startswith("clinical_model_selector.")]
    name, line = (ours or frames or [("?", 0)])[-1]
    _end({"type": "Bug", "detail": f"unexpected {kind.__name__} in {name}, line {line}; please report it"})


def _end_with_stdin() -> None:
    while os.read(0, 1):
        continue
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
