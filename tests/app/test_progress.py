"""Progress: a bar in a terminal, lines in a log, nothing for quick work."""

import os
import pty
import subprocess
import sys

import pytest
from clinical_model_selector.app.cli.progress import Progress, Steps


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


def test_terminal_gets_a_bar_that_is_wiped_at_the_end() -> None:
    code = (
        "from clinical_model_selector.app.cli.progress import Progress, Steps\n"
        "with Progress(patience=0) as told:\n"
        "    told(0.0, 'open')\n"
        "    told(0.4, 'count')\n"
    )
    master, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", code], stderr=terminal, env=environment, check=True, timeout=60)
    os.close(terminal)
    shown = os.read(master, 65536).decode()
    os.close(master)
    assert "count" in shown
    assert "40%" in shown
    assert shown.rstrip().endswith("\x1b[2K")


def test_a_long_step_says_how_long_it_has_been_at_it(capsys: pytest.CaptureFixture[str]) -> None:
    with Steps(interval=0.02) as steps:
        steps("fitting cart")
        while (told := capsys.readouterr().err).count("fitting cart") < 1 or " s: fitting cart" not in told:
            steps._ended.wait(0.05)
