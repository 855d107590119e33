"""No command writes over what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...schemas.errors import SettingsError

__all__ = ["guard_inputs"]

_OUTPUTS = ("output", "html", "save", "save_model", "collect")
"""Parameters that name what a command writes."""


def guard_inputs(command: Any) -> None:
    """Have every command, before it does anything, refuse to write a file that it was given to read.

    Args:
        command: What Typer made: a command, or a group of them.
    """
    parts = getattr(command, "commands", None)
    if parts is not None:
        for part in parts.values():
            guard_inputs(part)
        return
    invoke = command.invoke

    def guarded(context: Any) -> Any:
        _check(context.params)
        return invoke(context)

    command.invoke = guarded


def _check(parameters: Mapping[str, Any]) -> None:
    written = [Path(str(parameters[name])) for name in _OUTPUTS if parameters.get(name) is not None]
    # A run card is written beside its table.
    written += [path.with_name(f"{path.name}.card.json") for path in written if path.name]
    read = [path for name, value in parameters.items() if name not in _OUTPUTS for path in _paths(value)]
    for number, path in enumerate(written):
        if any(_is_same(path, other) for other in read):
            raise SettingsError(f"{path} is read by this command, which would write over it")
        if any(path.absolute() == other.absolute() for other in written[:number]):
            raise SettingsError(f"{path} is named twice as what is to be written")


def _paths(value: Any) -> Iterable[Path]:
    items = value if isinstance(value, list | tuple) else [value]
    return [Path(item) for item in items if isinstance(item, str | Path) and item != ""]


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.is_file() and other.is_file() and path.samefile(other)
    except (OSError, ValueError):
        return False
