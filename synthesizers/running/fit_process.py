"""Run one fit in a worker process, with a time limit and a memory limit, and be sure that it is gone afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from ...schemas.errors import SettingsError
from ...schemas.methods import CATALOGUE, Hyperparameters
from ..encoding.table_encoding import Encoding
from .environments import interpreter_for
from .held_folders import LOCK_FILE, HeldFolder, sweep_folders
from .worker import NO_ROOM

__all__ = ["FIT_FOLDER", "FitFailed", "FitLimits", "FitRun", "run_coded", "run_fit"]

_DYING_SECONDS = 5.0
_POLL_SECONDS = 0.1
FIT_FOLDER = "selector-fit-"
"""How the names of folders with coded rows begin."""


@dataclass(frozen=True, slots=True)
class FitLimits:
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
        kind: ``time``, ``memory``, ``disk``, ``crash`` or ``error``.
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
    limits: FitLimits | None = None,
    keep: Path | None = None,
) -> FitRun:
    """Fit ``config`` to ``table`` in a process of its own and draw ``rows`` synthetic rows.

    Raises:
        MissingExtra: No interpreter here can run the method.
        FitFailed: It crashed, raised, or ran over a limit.
        SettingsError: The model is to be kept and cannot be.
    """
    native = CATALOGUE[config.method].native_missing
    if CATALOGUE[config.method].survival and not encoding.survival:
        raise FitFailed("error", "its fit needs a time and an event, and what is fitted holds no such pair", 0.0)
    run = run_coded(
        encoding.encode(table, seed, native_missing=native, private=config.is_dp),
        encoding.describe(native_missing=native),
        config,
        rows=rows,
        seed=seed,
        environments=environments,
        limits=limits,
        keep=keep,
    )
    if len(run.table) != rows:
        raise FitFailed("error", f"the library drew {len(run.table)} rows and not {rows}", run.fit_seconds)
    return replace(run, table=encoding.decode(run.table))


def run_coded(
    coded: pd.DataFrame,
    columns: dict[str, dict[str, Any]],
    config: Hyperparameters,
    *,
    rows: int,
    seed: int,
    environments: Path,
    limits: FitLimits | None = None,
    knobs: Mapping[str, Any] | None = None,
    keep: Path | None = None,
    watch: Callable[[float], None] | None = None,
) -> FitRun:
    """As :func:`run_fit`, of a table that is coded already and comes back coded.

    Args:
        coded: Numbers and category codes.
        columns: What its adapter is told of each column.
        config: Method and hyper-parameters.
        rows: Rows, or patients, to draw.
        seed: Of the fit.
        environments: Directory of the synthesizers' environments.
        limits: Time and memory.
        knobs: Hyper-parameters that are not those of ``config``.
        keep: A file that the fitted model is written to.
        watch: Told the share of the fit that is done, by methods that tell it.
    """
    task = _task(config, columns, rows, seed, knobs or {})
    return _run_job(config, task, coded, environments, limits or FitLimits(), keep, watch)


def draw_rows(
    model: Path,
    versions: Mapping[str, str],
    columns: dict[str, dict[str, Any]],
    config: Hyperparameters,
    *,
    rows: int,
    seed: int,
    environments: Path,
    limits: FitLimits | None = None,
) -> FitRun:
    """Coded rows of a model that was kept; its file is unpickled, so it must be known to be ours.

    Raises:
        MissingExtra: No interpreter here can run the method.
        FitFailed: It crashed, ran over a limit, or the libraries are not of the versions that made the model.
    """
    task = {**_task(config, columns, rows, seed, {}), "model": str(model.resolve()), "versions": dict(versions)}
    return _run_job(config, task, None, environments, limits or FitLimits(), None)


def _run_job(
    config: Hyperparameters,
    task: dict[str, Any],
    coded: pd.DataFrame | None,
    environments: Path,
    limits: FitLimits,
    keep: Path | None,
    watch: Callable[[float], None] | None = None,
) -> FitRun:
    python = interpreter_for(config.method, environments)
    sweep_folders(FIT_FOLDER)
    with _make_job() as folder:
        job = folder.path
        process = _start(python, job, limits)
        try:
            if coded is not None:
                coded.to_parquet(job / "real.parquet", index=False)
            (job / "job.json").write_text(json.dumps({**task, "keep": keep is not None}))
            _let_go(process)
            status, peak = _watch(process, job, limits, watch)
            run = _collect(job, status, peak)
            if keep is not None:
                if not (job / "model.pickle").exists():
                    raise SettingsError(f"a fitted {config.method} cannot be kept: leave out --save-model")
                shutil.move(job / "model.pickle", keep)
            return run
        except OSError as error:
            raise FitFailed("disk", f"the temporary directory cannot be used: {error.strerror}", 0.0) from None
        finally:
            # While the worker is there to go on with it, should this process die: nothing must outlive both.
            _empty(job)
            _end(process)


def _empty(job: Path) -> None:
    """Remove what holds rows; the folder itself goes with its holder."""
    with contextlib.suppress(OSError):
        for path in [item for item in job.iterdir() if item.is_file() and item.name != LOCK_FILE]:
            path.unlink(missing_ok=True)


def _make_job() -> HeldFolder:
    try:
        return HeldFolder(FIT_FOLDER)
    except OSError as error:
        raise FitFailed("disk", f"the temporary directory cannot be written: {error.strerror}", 0.0) from None


def _task(
    config: Hyperparameters, columns: dict[str, dict[str, Any]], rows: int, seed: int, knobs: Mapping[str, Any]
) -> dict[str, Any]:
    entry = CATALOGUE[config.method]
    return {
        "adapter": entry.adapter,
        "libraries": entry.libraries,
        "hyperparameters": {**config.knobs(), **knobs},
        "seed": seed,
        "rows": rows,
        "columns": columns,
    }


def _start(python: Path, job: Path, limits: FitLimits) -> subprocess.Popen[bytes]:
    """The worker, which waits for its job and stays until it is ended: rows lie on the disk only while it is there to
    remove them, should this process die."""
    # A library may print cells: nothing it writes is kept.
    try:
        return subprocess.Popen(
            [str(python), str(Path(__file__).with_name("worker.py")), str(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=job,
            env=_environment(job, limits),
            start_new_session=True,
        )
    except OSError as error:
        raise FitFailed("crash", f"its interpreter cannot be started: {error.strerror}", 0.0) from None


def _let_go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"\n")
        process.stdin.flush()


def _watch(
    process: subprocess.Popen[bytes], job: Path, limits: FitLimits, watch: Callable[[float], None] | None
) -> tuple[int, float]:
    """Wait for the report; the worker's exit status, 0 where it is still there, and its peak memory in bytes."""
    started = time.perf_counter()
    peak = 0.0
    while True:
        try:
            return process.wait(_POLL_SECONDS), peak
        except subprocess.TimeoutExpired:
            if (job / "report.json").exists():
                return 0, peak
        if watch is not None and (job / "progress").exists():
            watch(float((job / "progress").read_text()))
        elapsed = time.perf_counter() - started
        used = _resident(process.pid)
        peak = max(peak, used)
        if elapsed > limits.seconds:
            raise FitFailed("time", f"ran over its limit of {limits.seconds:.0f} seconds", elapsed)
        if used > limits.memory_bytes:
            raise FitFailed("memory", f"ran over its limit of {limits.memory_bytes / 1e9:.1f} GB", elapsed)


def _environment(job: Path, limits: FitLimits) -> dict[str, str]:
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
        # jax takes every core otherwise, looks for other devices than the processor, and spends seconds to make
        # milliseconds faster.
        "XLA_FLAGS": (
            f"--xla_cpu_multi_thread_eigen={'true' if limits.threads > 1 else 'false'} "
            "--xla_backend_optimization_level=0"
        ),
        "NPROC": threads,
        "JAX_PLATFORMS": "cpu",
    }


def _resident(pid: int) -> float:
    try:
        return float(sum(one.memory_info().rss for one in [psutil.Process(pid), *_descendants(pid)]))
    except psutil.Error:
        return 0.0


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the worker's whole process group; it is gone when this returns."""
    members = _descendants(process.pid)
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
    # Killed is not yet dead: the system takes down a child of the worker in its own time.
    until = time.monotonic() + _DYING_SECONDS
    while any(map(_is_alive, members)) and time.monotonic() < until:
        time.sleep(0.01)
    if process.stdin is not None:
        process.stdin.close()


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _collect(job: Path, status: int, peak: float) -> FitRun:
    path = job / "report.json"
    if status == NO_ROOM:
        raise FitFailed("disk", "the temporary directory has no room left", 0.0)
    if not path.exists():
        raise FitFailed("crash", f"the process died ({_death(status)})", 0.0)
    report: dict[str, Any] = json.loads(path.read_text())
    if "error" in report:
        detail = f" of {report['module']}" if report.get("module") else ""
        raise FitFailed("error", f"the library raised {report['error']}{detail}", report["seconds"])
    return FitRun(
        table=pd.read_parquet(job / "synthetic.parquet"),
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
