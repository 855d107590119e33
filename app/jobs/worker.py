"""``worker``: takes jobs, one at a time, and sees to it that each keeps its limits and none is lost."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from ...schemas.errors import MissingExtra
from ...schemas.settings import Settings
from ...synthesizers.running.held_folders import sweep_folders
from ..service.intake import UPLOAD_FOLDER
from ..service.logs import LOGGER
from .environment import job_environment
from .queue import JobQueue
from .records import Job, JobState
from .store import JobStore

__all__ = ["Worker", "run_worker"]

_MOST_ATTEMPTS = 3
_POLL_SECONDS = 0.2
_WAIT_SECONDS = 2.0
"""After so long without an id from the queue the folders are looked through."""
_TIDY_SECONDS = 30.0


def run_worker(settings: Settings, *, with_parent: bool) -> None:
    """Work until told to stop; the job under way then goes back and is begun anew by the next worker.

    Args:
        settings: The service's.
        with_parent: End when stdin does: whoever started this process is gone.

    Raises:
        SettingsError: SERVICE_DATA or SERVICE_QUEUE cannot be used.
        MissingExtra: What jobs need is not installed.
    """
    worker = Worker(settings)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.stop())
    if with_parent:
        threading.Thread(target=_stop_with_stdin, args=(worker.stop,), daemon=True).start()
    worker.run()


class Worker:
    """One worker.

    Args:
        settings: The service's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store = JobStore(settings)
        self._queue = JobQueue(settings.service_queue, self._store.root)
        self._stopping = threading.Event()
        self._tidied = 0.0

    def stop(self) -> None:
        """Take no more jobs, and give the one under way back."""
        self._stopping.set()

    def run(self) -> None:
        """Work until ``stop``."""
        LOGGER.info("worker started")
        while not self._stopping.is_set():
            if time.monotonic() >= self._tidied + _TIDY_SECONDS:
                self._store.tidy()
                sweep_folders(UPLOAD_FOLDER)
                self._tidied = time.monotonic()
            taken = self._store.next()
            if taken is None:
                self._queue.wait(_WAIT_SECONDS)
                continue
            job, lock = taken
            try:
                with structlog.contextvars.bound_contextvars(job=job.id):
                    self._carry_out(job, lock)
            finally:
                os.close(lock)
        self._queue.close()
        LOGGER.info("worker stopped")

    def _carry_out(self, job: Job, lock: int) -> None:
        before = job.state()
        if before.attempts >= _MOST_ATTEMPTS:
            detail = f"it was begun {before.attempts} times, and its process or its worker was killed each time"
            self._finish(job, before, {"type": "Abandoned", "detail": detail})
            return
        state = JobState(state="running", attempts=before.attempts + 1, started=time.time())
        for name in ("outcome.json", "events.jsonl"):
            (job.folder / name).unlink(missing_ok=True)
        for name in ("results", "tmp"):
            shutil.rmtree(job.folder / name, ignore_errors=True)
        (job.folder / "tmp").mkdir(mode=0o700)
        job.write_state(state)
        LOGGER.info("job started", kind=job.kind, attempt=state.attempts)
        process = _start(job, self._settings, lock)
        try:
            problem = self._watch(job, process)
        finally:
            _end(process)
            shutil.rmtree(job.folder / "tmp", ignore_errors=True)
        if job.is_cancelled:
            shutil.rmtree(job.folder, ignore_errors=True)
            LOGGER.info("job cancelled")
        elif self._stopping.is_set() and problem is None and not (job.folder / "outcome.json").exists():
            # Not the job's fault: it does not count.
            job.write_state(before.model_copy(update={"state": "queued"}))
            self._queue.put(job.id)
            LOGGER.info("job given back")
        else:
            self._finish(job, state, problem or _outcome(job, process.returncode))

    def _finish(self, job: Job, state: JobState, problem: dict[str, Any] | None) -> None:
        if problem is not None and problem["type"] == "Crashed" and state.attempts < _MOST_ATTEMPTS:
            job.write_state(state.model_copy(update={"state": "queued"}))
            self._queue.put(job.id)
            LOGGER.warning("job crashed", attempt=state.attempts)
            return
        if problem is not None:
            shutil.rmtree(job.results, ignore_errors=True)
        outcome = "failed" if problem else "succeeded"
        job.write_state(state.model_copy(update={"state": outcome, "finished": time.time(), "problem": problem}))
        LOGGER.info("job ended", outcome=outcome, error=problem and str(problem["type"]).rpartition(":")[2])

    def _watch(self, job: Job, process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
        """Wait for the job's end; the limit that it ran over, if any."""
        settings, began = self._settings, time.monotonic()
        memory, disk = settings.service_job_memory_mb << 20, settings.service_job_disk_mb << 20
        while not self._stopping.is_set() and not job.is_cancelled:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_POLL_SECONDS)
                return None
            if time.monotonic() - began > settings.service_job_timeout_s:
                return _over("time", "SERVICE_JOB_TIMEOUT_S")
            if _resident(process.pid) > memory:
                return _over("memory", "SERVICE_JOB_MEMORY_MB")
            if _size(job.folder) > disk:
                return _over("disk", "SERVICE_JOB_DISK_MB")
        return None


def _start(job: Job, settings: Settings, lock: int) -> subprocess.Popen[bytes]:
    # The lock goes along: the job is nobody else's before this process is dead, even where its worker is.
    return subprocess.Popen(
        [sys.executable, "-I", "-m", f"{__package__}.process", str(job.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=job_environment(settings, job.folder / "tmp", keys=job.kind in ("auto", "tune")),
        pass_fds=(lock,),
        start_new_session=True,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left; its fits end with it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _outcome(job: Job, status: int) -> dict[str, Any] | None:
    try:
        problem: dict[str, Any] | None = json.loads((job.folder / "outcome.json").read_bytes())["problem"]
    except (OSError, ValueError):
        return {"type": "Crashed", "detail": f"its process died (status {status})"}
    return problem


def _over(what: str, setting: str) -> dict[str, Any]:
    return {"type": "LimitReached", "detail": f"the job ran over its limit of {what}, {setting}"}


def _resident(pid: int) -> int:
    try:
        import psutil
    except ImportError:
        raise MissingExtra("Jobs", "light") from None
    try:
        process = psutil.Process(pid)
        return sum(item.memory_info().rss for item in [process, *process.children(recursive=True)])
    except psutil.Error:
        return 0


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.lstat().st_size
    return total


def _stop_with_stdin(stop: Callable[[], None]) -> None:
    while os.read(0, 1):
        continue
    stop()
