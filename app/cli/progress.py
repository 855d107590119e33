"""Progress of a long profile on stderr: a bar in a terminal, a line now and then in a log, nothing for quick work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from .terminal import say

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from rich.progress import Progress as Bar

__all__ = ["Progress", "Steps", "end_steps", "shown_selection", "tell_steps"]

_running: list[Steps] = []


class Steps:
    """Told each step as it begins; says how long it has been at it, so that no wait is silent.

    Args:
        interval: Seconds between two lines about one step.
    """

    def __init__(self, interval: float = 30.0) -> None:
        self._interval = interval
        self._ended = Event()
        self._step = ""
        self._began = monotonic()

    def __enter__(self) -> Self:
        Thread(target=self._remind, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()

    def __call__(self, step: str) -> None:
        """A step begins."""
        self._step, self._began = step, monotonic()
        say(step)

    def _remind(self) -> None:
        while not self._ended.wait(self._interval):
            if self._step:
                say(f"  {monotonic() - self._began:.0f} s: {self._step}")


def tell_steps() -> Steps:
    """Tells the steps of the command that runs, until ``end_steps``."""
    steps = Steps()
    _running.append(steps.__enter__())
    return steps


def end_steps() -> None:
    """The command has ended."""
    while _running:
        _running.pop().__exit__(None, None, None)


class Progress:
    """Told how far the work is, shows it once the work has taken a while.

    Args:
        patience: Seconds before anything is shown; by default 2 in a terminal, which is wiped again, and 10 in a log.
        interval: Seconds between two lines where stderr is no terminal.
        work: What is done, where a line says so.
    """

    def __init__(self, patience: float | None = None, interval: float = 5.0, work: str = "profiling") -> None:
        self._work = work
        self._terminal = sys.stderr.isatty()
        self._interval = interval
        self._due = monotonic() + (patience if patience is not None else 2.0 if self._terminal else 10.0)
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, share: float, stage: str) -> None:
        """Say that ``share`` (0 to 1) of the work is done and ``stage`` comes next."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=share, description=stage)
        elif monotonic() >= self._due:
            if self._terminal:
                self._bar = _start_bar(share, stage)
            else:
                self._due = monotonic() + self._interval
                print(f"{self._work}: {share:.0%}, {stage}", file=sys.stderr)


@contextmanager
def shown_selection() -> Iterator[RunnableConfig]:
    """A config under which a selection tells whom it asks: at once in a terminal, after a while in a log."""
    # Costs half a second, which --help does not pay.
    from langchain_core.callbacks import BaseCallbackHandler

    class Told(BaseCallbackHandler):
        def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
            if name == "selection_progress":
                model = f" ({data['model']})" if "model" in data else ""
                progress(_SHARES[data["step"]], f"{data['step']} {data['provider']}{model}")

    with Progress(patience=0.0 if sys.stderr.isatty() else None, work="selecting") as progress:
        yield {"callbacks": [Told()]}


_SHARES = {"asking": 0.2, "checking": 0.8}
"""Step → how far a selection is; nobody knows how long a model takes."""


def _start_bar(share: float, stage: str) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    bar.update(bar.add_task(stage, total=1.0), completed=share)
    bar.start()
    return bar
