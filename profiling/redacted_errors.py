"""Errors of engines quote values and statements: only their class is passed on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..schemas.errors import TableError

__all__ = ["quietly"]

T = TypeVar("T")


def quietly(run: Callable[[], T], expected: tuple[type[Exception], ...], message: str) -> T:
    """Run, and turn an expected error into a ``TableError`` that holds no reference to it.

    Args:
        run: The work.
        expected: Errors it may fail with.
        message: What the caller is told; ``{error}`` becomes the class of the error.
    """
    try:
        return run()
    except MemoryError:  # Arrow's is one of its errors too, and says nothing of the table
        raise
    except expected as error:
        name = type(error).__name__
    # Raised out here, so that __context__ does not keep the engine's error for a log to print.
    raise TableError(message.replace("{error}", name))
