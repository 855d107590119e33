"""Progress of a long profile on stderr: a bar in a terminal, a line now and then in a log, nothing for quick work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ...synthesizers.progress import StepClock, in_words
from .terminal import say, show_live

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from rich.progress import Progress as Bar

__all__ = ["Progress", "Steps", "end_steps", "shown_selection", "tell_steps"]

_running: list[Steps] = []


class Steps(StepClock):
    """A line for each step; while it lasts the seconds so far below it in a terminal, a line now and then in a log.

    Args:
        interval: Seconds between two lines about one step; by default 1 in a terminal, 30 in a log.
    """

    def __init__(self, interval: float | None = None) -> None:
        terminal = sys.stderr.isatty()
        super().__init__(_show_step, interval if interval is not None else 1.0 if terminal else 30.0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        show_live("")


def _show_step(step: str, elapsed: float) -> None:
    if not elapsed:
        say(step)
    elif sys.stderr.isatty():
        show_live(f"  {in_words(elapsed)}: {step}")
    else:
        say(f"  {in_words(elapsed)}: {step}")


def tell_steps() -> Steps:
    """Tells the steps of the command that runs, until ``end_steps``."""
    steps = Steps()
    _running.append(steps)
    return steps.__enter__()


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
        self._began = monotonic()
        self._due = self._began + (patience if patience is not None else 2.0 if self._terminal else 10.0)
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, share: float | None, stage: str) -> None:
        """Say that ``share`` (0 to 1) of the work is done, None where nobody knows, and ``stage`` comes next."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=share or 0.0, description=stage)
        elif monotonic() >= self._due:
            if self._terminal:
                self._bar = _start_bar(share, stage)
            else:
                self._due = monotonic() + self._interval
                parts = [
                    f"{share:.0%}, {stage}" if share is not None else stage,
                    *_times(monotonic() - self._began, share),
                ]
                say(f"{self._work}: {', '.join(parts)}")


@contextmanager
def shown_selection(deadline: float) -> Iterator[RunnableConfig]:
    """A config under which a selection tells whom it asks: at once in a terminal, after a while in a log.

    Args:
        deadline: Seconds after which it ends whoever has answered; nobody knows how long a model takes.
    """
    # Costs half a second, which --help does not pay.
    from langchain_core.callbacks import BaseCallbackHandler

    class Told(BaseCallbackHandler):
        def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
            if name == "selection_progress":
                model = f" ({data['model']})" if "model" in data else ""
                progress(None, f"{data['step']} {data['provider']}{model}, at most {in_words(deadline)}")

    with Progress(patience=0.0 if sys.stderr.isatty() else None, work="selecting") as progress:
        yield {"callbacks": [Told()]}


def _times(elapsed: float, share: float | None) -> Iterator[str]:
    """Time so far and, where the share done tells, the time to come."""
    if elapsed >= 1:
        yield f"{in_words(elapsed)} so far"
        if share is not None and 0 < share < 1:
            yield f"about {in_words(elapsed / share - elapsed)} left"


def _start_bar(share: float | None, stage: str) -> Bar:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    described = TextColumn("{task.description}")
    known = (BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    columns = (described, *(known if share is not None else (TimeElapsedColumn(),)))
    bar = Bar(*columns, console=Console(stderr=True), transient=True)
    bar.update(bar.add_task(stage, total=1.0), completed=share or 0.0)
    bar.start()
    return bar
