from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from clinical_model_selector.app.cli.main import main


@dataclass(frozen=True)
class Finished:
    """How one command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the program in an empty folder with no setting but those given; only the embedded recommender answers."""
    monkeypatch.setenv("SELECTOR_EMBEDDED", "only")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # main() sets its own, and the test puts this back
    monkeypatch.chdir(tmp_path)

    def run_program(*arguments: Any, **environment: str) -> Finished:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Finished(int(ended.value.code or 0), captured.out, captured.err)

    return run_program


@pytest.fixture(scope="session")
def example() -> Path:
    return Path(__file__).parents[2] / "examples" / "gbsg2.csv"
