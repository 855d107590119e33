"""The program as a process of its own, with an environment that a test decides."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from clinical_model_selector.schemas.methods import HYPERPARAMETERS

MAIN = "from clinical_model_selector.app.cli.main import main; main()"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", MAIN, *arguments]


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Nothing of this machine's own but the path; home and temporary files lie below ``folder``."""
    for name in ("home", "tmp"):
        (folder / name).mkdir(exist_ok=True)
    return {
        "PATH": os.defpath,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }


def run(
    folder: Path, *arguments: str, timeout: float = 120, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end in ``folder``."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(folder, **(variables or {})),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def wait_until(condition: Callable[[], object], what: str, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def plan_file(folder: Path, methods: Sequence[str]) -> None:
    """``plan.json``: the methods with their defaults, 50 rows."""
    configs = [HYPERPARAMETERS[method].with_defaults().model_dump() for method in methods]
    plan = {
        "choice": configs[0], "backups": configs[1:], "dp": {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0, "max_synth_rows": 50, "rationale": "",
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
