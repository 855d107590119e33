"""One fit in a process of its own: ``python worker.py JOB``, where JOB is a directory.

In: ``job.json`` (adapter, libraries, hyper-parameters, seed, rows, columns) and ``real.parquet``. Out:
``synthetic.parquet`` and ``report.json``, each written under another name first, so that what has its name is whole. An
error is reported by its class alone, since a library's message may quote cells. Runs in interpreters that do not have
this package installed.
"""

from __future__ import annotations

import errno
import importlib.metadata
import importlib.util
import json
import os
import pickle
import platform
import shutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["NO_ROOM", "main"]

NO_ROOM = 75
"""Exit status where the disk is full, so that not even a report can be written (EX_TEMPFAIL)."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

_TELL_SECONDS = 0.2

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def main(job: Path) -> int:
    """Wait for the job, fit, sample, report, and stay until the parent has taken it; an exit status if it cannot."""
    if not os.read(0, 1):
        _remove(job)
        return 0
    parent = threading.Thread(target=_end_with_parent, args=(job,), daemon=True)
    parent.start()
    import resource  # not on Windows

    warnings.simplefilter("ignore")
    started = time.perf_counter()
    try:
        report = _work(job, json.loads((job / "job.json").read_text()))
    except ImportError as error:
        report = {"error": "MissingLibrary", "module": str(error.name or "")}
    except MemoryError:
        report = {"error": "MemoryError"}
    except BaseException as error:  # noqa: BLE001  (a library may raise anything; its class is all that is told)
        if isinstance(error, OSError) and error.errno in _FULL:
            return _give_up(job)
        report = {"error": type(error).__name__}
    report["seconds"] = time.perf_counter() - started
    report["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
    try:
        _write_whole(job / "report.json", lambda path: path.write_text(json.dumps(report)))
    except OSError as error:
        if error.errno in _FULL:
            return _give_up(job)
        raise
    parent.join()
    return 0


def _teller(job: Path) -> Callable[[float], None]:
    """Leaves the share of the fit that is done where the parent reads it, now and then."""
    due = 0.0

    def tell(share: float) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _TELL_SECONDS
            _write_whole(job / "progress", lambda path: path.write_text(f"{share:.3f}"))

    return tell


def _give_up(job: Path) -> int:
    _remove(job)
    return NO_ROOM


def _work(job: Path, task: dict[str, Any]) -> dict[str, Any]:
    adapters = _load_package(Path(__file__).parents[1] / "adapters")
    adapter = adapters.load_adapter(task["adapter"])
    import pandas as pd

    if "torch" in task["libraries"]:
        import torch

        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    began, cpu = time.perf_counter(), time.process_time()
    if "model" in task:
        model = _open_model(Path(task["model"]), task)
    else:
        table = pd.read_parquet(job / "real.parquet")
        told = {"tell": _teller(job)} if getattr(adapter, "tells", False) else {}
        model = adapter(task["columns"]).fit(table, {**task["hyperparameters"], **told}, task["seed"])
    fitted, fit_cpu = time.perf_counter(), time.process_time()
    if task.get("keep"):
        _keep(model, job / "model.pickle")
    drawn = model.sample(task["rows"])
    sampled = time.perf_counter()
    frame = pd.DataFrame(
        {
            name: drawn[name].astype(float) if facts["kind"] == "numeric" else drawn[name].astype(object).astype(str)
            for name, facts in task["columns"].items()
        }
    )
    _write_whole(job / "synthetic.parquet", lambda path: frame.to_parquet(path, index=False))
    return {
        "fit_seconds": fitted - began,
        "fit_cpu_seconds": fit_cpu - cpu,
        "sample_seconds": sampled - fitted,
        "versions": {"python": platform.python_version(), **_versions(task["libraries"])},
    }


def _open_model(path: Path, task: dict[str, Any]) -> Any:
    """A model that this program kept: the caller has checked its signature."""
    here = {"python": platform.python_version(), **_versions(task["libraries"])}
    if here != {name: task["versions"].get(name) for name in here}:
        raise OtherVersions
    model = pickle.loads(path.read_bytes())
    model.reseed(task["seed"])
    return model


def _keep(model: Any, path: Path) -> None:
    """Write the fitted model, where it can be written: the parent sees that there is none."""
    try:
        content = pickle.dumps(model)
    except (pickle.PicklingError, TypeError, AttributeError):
        return
    _write_whole(path, lambda partial: partial.write_bytes(content))


class OtherVersions(Exception):
    """The libraries are not those that made the model."""


def _versions(names: list[str]) -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in names}


def _load_package(folder: Path) -> Any:
    """The package ``adapters`` from its folder, whether or not the distribution is installed here."""
    spec = importlib.util.spec_from_file_location(
        "adapters", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["adapters"] = module
    spec.loader.exec_module(module)
    return module


def _write_whole(path: Path, write: Any) -> None:
    partial = path.with_suffix(".partial")
    write(partial)
    partial.replace(path)


def _end_with_parent(job: Path) -> None:
    """The parent holds the other end of stdin: when it dies, however it dies, the rows and the process group go too."""
    while os.read(0, 1):
        continue
    _remove(job)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _remove(job: Path) -> None:
    # Again, since the fit may write a file meanwhile.
    for _ in range(10):
        shutil.rmtree(job, ignore_errors=True)
        if not job.exists():
            return


if __name__ == "__main__":
    # The folder of this file holds modules with library-like names; only the adapters' package is wanted from it.
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")
    sys.exit(main(Path(sys.argv[1])))
