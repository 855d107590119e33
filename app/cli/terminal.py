"""What goes to the terminal: results to stdout, progress and errors to stderr."""

from __future__ import annotations

import json
import logging
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...schemas.errors import SettingsError
from ..render.words import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["log_to_stderr", "print_error", "print_json", "print_view", "say", "show_live", "write_page"]

_live_line = threading.Lock()


def print_view(view: RenderableType) -> None:
    """Print a Rich renderable to stdout; plain and 80 wide where stdout is no terminal."""
    from rich.console import Console

    show_live("")
    Console(highlight=False, markup=False, emoji=False).print(view)


def print_json(record: Any) -> None:
    """Print JSON alone to stdout; ASCII, so that no terminal's encoding can break it."""
    show_live("")
    sys.stdout.write(json.dumps(record, indent=2, allow_nan=False) + "\n")


def log_to_stderr() -> None:
    """Warnings and worse as lines of their own, in the form of the program's other messages."""
    handler = logging.StreamHandler()
    handler.setFormatter(_LowerCase("%(levelname)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _LowerCase(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return super().format(logging.makeLogRecord({**vars(record), "levelname": record.levelname.lower()}))


def print_error(lines: Sequence[str]) -> None:
    """A line on stderr, details indented below it."""
    show_live("")
    for number, line in enumerate(lines):
        sys.stderr.write(("  " if number else "error: ") + printable(" ".join(line.split())) + "\n")


def say(text: str) -> None:
    """A line on stderr: what happens now."""
    show_live("")
    sys.stderr.write(printable(text) + "\n")


def show_live(text: str) -> None:
    """A last line of the terminal that the next output wipes; nothing where stderr is no terminal."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns - 1
        with _live_line:
            sys.stderr.write(f"\r\x1b[2K{printable(text)[:width]}")
            sys.stderr.flush()


def write_page(path: Path, page: str, option: str = "--html") -> None:
    """Write what ``option`` asks for.

    Raises:
        SettingsError: The file cannot be written.
    """
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{option}: cannot write {path}: {error.strerror}") from None
