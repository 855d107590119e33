"""What long work says while it runs: steps with the time that they are expected to take, and who listens."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

__all__ = ["Say", "Step", "StepClock", "in_words", "notebook_line", "say_nothing", "shown_in_notebooks"]

P = ParamSpec("P")
R = TypeVar("R")

Say = Callable[[str], None]
"""Told what happens, one sentence at a time; what takes long begins with a ``Step``."""


class Step(str):
    """A sentence about work that begins now, which ends with how long it is expected to take.

    Attributes:
        expected_seconds: Wall-clock seconds until it is done, as far as they can be estimated.
    """

    expected_seconds: float

    def __new__(cls, text: str, expected_seconds: float) -> Self:
        """``text`` with the expectation in words."""
        step = super().__new__(cls, f"{text}, about {in_words(expected_seconds)}")
        step.expected_seconds = expected_seconds
        return step


def in_words(seconds: float) -> str:
    """A duration as one reads it; no more exact than an estimate is."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def say_nothing(text: str) -> None:
    """For those who do not listen."""


class StepClock:
    """Told each step as it begins, and tells again and again how long it has been at it.

    Args:
        show: Takes the step and the seconds since it began, which are 0 at first.
        interval: Seconds between two calls about one step.
    """

    def __init__(self, show: Callable[[str, float], None], interval: float) -> None:
        self._show = show
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
        self._show(step, 0.0)

    def _remind(self) -> None:
        while not self._ended.wait(self._interval):
            if self._step:
                self._show(self._step, monotonic() - self._began)


_shown: list[object] = []
"""The notebook's line that is up, if any: what one call does inside another is told in the outer one's."""


@contextmanager
def notebook_line(name: str) -> Iterator[Say | None]:
    """A line below a notebook's cell that shows the steps it is told; None where there is no notebook or no need.

    Args:
        name: What was called; at the end the line says how long it took.
    """
    display = None if _shown else _notebook_display()
    if display is None:
        yield None
        return
    began = monotonic()
    handle = display({"text/plain": name}, raw=True, display_id=True)

    def show(step: str, elapsed: float) -> None:
        handle.update({"text/plain": f"{in_words(elapsed)}: {step}" if elapsed else step}, raw=True)

    _shown.append(handle)
    try:
        with StepClock(show, interval=1.0) as clock:
            yield clock
    finally:
        _shown.clear()
        handle.update({"text/plain": f"{name}: done in {in_words(monotonic() - began)}"}, raw=True)


def shown_in_notebooks(function: Callable[P, R]) -> Callable[P, R]:
    """In a notebook, where nobody else listens, ``function`` shows its steps in a line below the cell.

    Args:
        function: Takes ``say`` by keyword.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs.get("say") is not None:
            return function(*args, **kwargs)
        with notebook_line(function.__name__) as line:
            kwargs["say"] = line
            return function(*args, **kwargs)

    return call


def _notebook_display() -> Any:
    """IPython's ``display`` where a notebook's kernel runs this; None elsewhere."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    return import_module("IPython.display").display
