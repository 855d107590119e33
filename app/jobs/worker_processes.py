"""The workers that ``serve`` starts beside itself, and starts again when one dies."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading

from ...schemas.settings import Settings
from .environment import job_environment

__all__ = ["WorkerProcesses"]

_RESTART_SECONDS = 2.0
_PATIENCE_SECONDS = 10.0


class WorkerProcesses:
    """So many workers while the service runs.

    Args:
        settings: The service's.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stopping = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        """Start them."""
        self._processes = [self._start() for _ in range(self._settings.service_job_workers)]
        self._watching.start()

    def stop(self) -> None:
        """Have each give its job back, and wait until it has."""
        self._stopping.set()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_SECONDS)
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _watch(self) -> None:
        while not self._stopping.wait(_RESTART_SECONDS):
            for number, process in enumerate(self._processes):
                status = process.poll()
                # One that ended by itself has said why, and would say it again.
                if status is not None and status < 0:
                    self._processes[number] = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        program = "from clinical_model_selector.app.cli.main import main; main()"
        return subprocess.Popen(
            [sys.executable, "-I", "-c", program, "worker", "--end-with-stdin"],
            stdin=subprocess.PIPE,
            env=job_environment(self._settings),
            start_new_session=True,
        )
