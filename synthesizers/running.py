"""Run one fit in a worker process, with a time limit and a memory limit, and be sure that it is gone afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from ..schemas.hyperparameters import Hyperparameters
from .adapters import load_adapter
from .columns import Encoding
from .environments import interpreter_for

__all__ = ["FitFailed", "FitRun", "Limits", "run_fit"]

_POLL_SECONDS = 0.1
_PREFIX = "selector-fit-"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fit may use."""

    seconds: float = 3600.0
    """Wall-clock, start of the interpreter included."""
    memory_bytes: float = 8e9
    """Resident memory of the worker and its children together."""
    threads: int = 1


@dataclass(frozen=True, slots=True)
class FitRun:
    """A fit that ended well."""

    table: pd.DataFrame
    fit_seconds: float
    fit_cpu_seconds: float
    sample_seconds: float
    peak_bytes: int
    versions: dict[str, str] = field(default_factory=dict)


class FitFailed(Exception):
    """A fit crashed or ran over a limit.

    Attributes:
        kind: ``time``, ``memory``, ``crash`` or ``error``.
        seconds: Wall-clock seconds until then.
    """

    def __init__(self, kind: str, message: str, seconds: float) -> None:
        self.kind = kind
        self.seconds = seconds
        super().__init__(message)


def run_fit(
    table: pd.DataFrame,
    encoding: Encoding,
    config: Hyperparameters,
    *,
    rows: int,
    seed: int,
    environments: Path,
    limits: Limits | None = None,
) -> FitRun:
    """Fit ``config`` to ``table`` in a process of its own and draw ``rows`` synthetic rows.

    Raises:
        MissingExtra: No interpreter here can run the method.
        FitFailed: It crashed, raised, or ran over a limit.
    """
    limits = limits or Limits()
    python = interpreter_for(config.method, environments)
    _sweep()
    job = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        _write_job(job, table, encoding, config, rows, seed)
        return _collect(job, encoding, *_watch(python, job, limits))
    finally:
        shutil.rmtree(job, ignore_errors=True)


def _write_job(
    job: Path, table: pd.DataFrame, encoding: Encoding, config: Hyperparameters, rows: int, seed: int
) -> None:
    native = load_adapter(config.method).native_missing
    encoding.encode(table, seed, native_missing=native, private=config.is_dp).to_parquet(
        job / "real.parquet", index=False
    )
    task = {
        "method": config.method,
        "hyperparameters": config.knobs(),
        "seed": seed,
        "rows": rows,
        "columns": encoding.describe(native_missing=native),
    }
    (job / "job.json").write_text(json.dumps(task))


def _watch(python: Path, job: Path, limits: Limits) -> tuple[int, float]:
    """The worker's exit status and its peak memory in bytes."""
    # A library may print cells: nothing it writes is kept.
    process = subprocess.Popen(
        [str(python), str(Path(__file__).with_name("worker.py")), str(job)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=job,
        env=_environment(job, limits),
        start_new_session=True,
    )
    started = time.perf_counter()
    peak = 0.0
    try:
        while True:
            try:
                return process.wait(_POLL_SECONDS), peak
            except subprocess.TimeoutExpired:
                pass
            elapsed = time.perf_counter() - started
            used = _resident(process.pid)
            peak = max(peak, used)
            if elapsed > limits.seconds:
                raise FitFailed("time", f"ran over its limit of {limits.seconds:.0f} seconds", elapsed)
            if used > limits.memory_bytes:
                raise FitFailed("memory", f"ran over its limit of {limits.memory_bytes / 1e9:.1f} GB", elapsed)
    finally:
        _end(process)


def _environment(job: Path, limits: Limits) -> dict[str, str]:
    """What a library needs of the environment and no more: no key of the caller's reaches it."""
    threads = str(limits.threads)
    return {
        "PATH": os.defpath,
        "HOME": str(job),
        "TMPDIR": str(job),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
    }


def _resident(pid: int) -> float:
    try:
        parent = psutil.Process(pid)
        return float(sum(one.memory_info().rss for one in [parent, *parent.children(recursive=True)]))
    except psutil.Error:
        return 0.0


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker's whole process group; it is gone when this returns."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _collect(job: Path, encoding: Encoding, status: int, peak: float) -> FitRun:
    path = job / "report.json"
    if not path.exists():
        raise FitFailed("crash", f"the process died ({_death(status)})", 0.0)
    report: dict[str, Any] = json.loads(path.read_text())
    if "error" in report:
        detail = f" of {report['module']}" if report.get("module") else ""
        raise FitFailed("error", f"the library raised {report['error']}{detail}", report["seconds"])
    drawn = encoding.decode(pd.read_parquet(job / "synthetic.parquet"))
    return FitRun(
        table=drawn,
        fit_seconds=report["fit_seconds"],
        fit_cpu_seconds=report["fit_cpu_seconds"],
        sample_seconds=report["sample_seconds"],
        peak_bytes=int(max(peak, report["peak_bytes"])),
        versions=report["versions"],
    )


def _death(status: int) -> str:
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


def _sweep() -> None:
    """Remove jobs that a killed process left behind: they hold coded rows."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)
