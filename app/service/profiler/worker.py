"""The process that profiles uploads: one task a line on stdin, one answer a line on stdout.

A table from outside is read here and not in the service, so that a file which takes all memory, never ends or crashes
the engine takes this process with it and nothing else. It holds no key: it is started with an empty environment. It
ends with its parent, however that dies.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any

from ....schemas.errors import SettingsError, TableError
from ....synthesizers.running.parent_death import end_with_parent
from .upload_check import UploadLimits, UploadTooLarge, at_most, check_upload

__all__ = ["main"]

_UPLOAD = Path("upload")


def main() -> None:
    """Answer tasks until stdin ends."""
    end_with_parent()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # Whatever a library prints must neither break the protocol nor reach a log.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(tasks,), daemon=True).start()
    from ....profiling import profile_table  # loads the engine before the first task

    profile_table.__module__  # noqa: B018
    limited = False
    while True:
        task = json.loads(tasks.get())
        if not limited:
            _limit_memory(task["memory_bytes"])
            limited = True
        print(json.dumps(_answer(task, UploadLimits(**task["limits"]))), file=answers, flush=True)


def _read_tasks(tasks: queue.SimpleQueue[str]) -> None:
    """Hand on what the parent writes; when it is gone, end at once, whatever is being done."""
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


def _answer(task: dict[str, Any], limits: UploadLimits) -> dict[str, str]:
    from ....profiling import profile_table

    # Errors name the file by its path: a relative one says nothing about this machine.
    os.chdir(task["folder"])
    try:
        check_upload(_UPLOAD, limits)
        profile = profile_table(
            _UPLOAD, target=task["target"], patient_id=task["patient_id"], kinds=task["kinds"] or None
        )
        at_most(len(profile.columns), limits.columns, "columns")
    except TableError as error:
        return {"error": "table", "detail": str(error)}
    except SettingsError as error:
        return {"error": "settings", "detail": str(error)}
    except UploadTooLarge as error:
        return {"error": "too_large", "detail": str(error)}
    except MemoryError:
        return {"error": "too_large", "detail": "the table takes more memory than a profile may"}
    finally:
        os.chdir("/")
    return {"profile": profile.model_dump_json()}


def _limit_memory(limit: int) -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (ImportError, ValueError, OSError):
        # No such limit on this system: the container's then holds.
        return


if __name__ == "__main__":
    main()
