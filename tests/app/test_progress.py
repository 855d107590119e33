"""Progress: a bar in a terminal, lines in a log, one line in a notebook, nothing for quick work."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest
from clinical_model_selector.app.cli.progress import Progress, Steps
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.synthesizers import progress as progress_module
from clinical_model_selector.synthesizers.progress import Say, Step, in_words, notebook_line, shown_in_notebooks
from clinical_model_selector.synthesizers.running.environments import ENVIRONMENTS, InstallProgress


def _work(progress: Progress) -> None:
    with progress as told:
        for share, stage in ((0.0, "open"), (0.4, "count"), (1.0, "done")):
            told(share, stage)


@pytest.mark.parametrize(
    ("patience", "interval", "lines"),
    [
        (60.0, 0.0, []),
        (0.0, 0.0, ["profiling: 0%, open", "profiling: 40%, count", "profiling: 100%, done"]),
        (0.0, 60.0, ["profiling: 0%, open"]),
    ],
)
def test_log_gets_a_line_now_and_then(
    patience: float, interval: float, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _work(Progress(patience, interval))
    captured = capsys.readouterr()
    assert (captured.err.splitlines(), captured.out) == (lines, "")


def _in_a_terminal(code: str) -> str:
    """What a program writes to stderr where that is a terminal."""
    master, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    subprocess.run([sys.executable, "-c", code], stderr=terminal, env=environment, check=True, timeout=300)
    os.close(terminal)
    shown = os.read(master, 65536).decode()
    os.close(master)
    return shown


def test_terminal_gets_a_bar_that_is_wiped_at_the_end() -> None:
    code = (
        "from clinical_model_selector.app.cli.progress import Progress, Steps\n"
        "with Progress(patience=0) as told:\n"
        "    told(0.0, 'open')\n"
        "    told(0.4, 'count')\n"
    )
    shown = _in_a_terminal(code)
    assert "count" in shown
    assert "40%" in shown
    assert shown.rstrip().endswith("\x1b[2K")


def test_a_long_step_says_how_long_it_has_been_at_it_and_how_long_it_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Steps(interval=0.02) as steps:
        steps(Step("fitting cart", 200.0))
        told = ""
        while told.count("fitting cart, about 3 min") < 2:
            told += capsys.readouterr().err
    first, second, *_ = told.splitlines()
    assert first == "fitting cart, about 3 min"
    assert second.endswith(" s: fitting cart, about 3 min")


def test_a_terminal_counts_in_one_line_that_the_next_output_wipes() -> None:
    code = (
        "from clinical_model_selector.app.cli.progress import Steps, _show_step\n"
        "from clinical_model_selector.app.cli.terminal import say\n"
        "with Steps(interval=3600.0) as steps:\n"
        "    steps('fitting cart')\n"
        "    _show_step('fitting cart', 5.0)\n"
        "    say('wrote it')\n"
    )
    shown = _in_a_terminal(code)
    assert "\x1b[2K  5 s: fitting cart" in shown
    assert "\x1b[2Kwrote it" in shown
    assert shown.endswith("\x1b[2K")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0, "1 s"), (59.6, "60 s"), (100.0, "2 min"), (5000.0, "83 min"), (9000.0, "2.5 h")]
)
def test_durations_are_no_more_exact_than_estimates(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
    assert Step("fitting", seconds) == f"fitting, about {words}"


class _Display:
    """A notebook's, which keeps what was shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, data: dict[str, str], **_: object) -> _Display:
        self.update(data)
        return self

    def update(self, data: dict[str, str], **_: object) -> None:
        self.shown.append(data["text/plain"])


@shown_in_notebooks
def _work_in_steps(*, say: Say | None = None) -> None:
    assert say is not None
    say(Step("fitting cart", 3.0))


def test_a_notebook_shows_steps_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    display = _Display()
    monkeypatch.setattr(progress_module, "_notebook_display", lambda: display)
    _work_in_steps()
    assert display.shown == ["_work_in_steps", "fitting cart, about 3 s", "_work_in_steps: done in 1 s"]
    told: list[str] = []
    _work_in_steps(say=told.append)
    assert told == ["fitting cart, about 3 s"]
    assert len(display.shown) == 3


def test_outside_a_notebook_nothing_is_shown() -> None:
    with notebook_line("select") as line:
        assert line is None


def test_an_installation_tells_how_many_packages_are_there(capfd: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    progress = InstallProgress(ENVIRONMENTS["arf"], told.append)
    code = "for n in range(12): print('Collecting', n)\nprint('Installing collected packages: a, b')"
    progress.run([sys.executable, "-c", code])
    assert [text.partition(", about")[0] for text in told] == [
        "installing the environment arf",
        "installing the environment arf: 10 packages",
        "installing the environment arf: 12 packages, unpacking",
    ]
    assert all(isinstance(text, Step) and text.expected_seconds > 0 for text in told)
    with pytest.raises(SettingsError, match="arf could not be installed"):
        progress.run([sys.executable, "-c", "raise SystemExit(1)"])
    assert capfd.readouterr().out == ""
