"""``selector.toml``: what is the same for every command run in a folder."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...schemas.errors import SettingsError
from ...schemas.options import SelectionOptions

__all__ = ["PROJECT_FILE", "read_defaults"]

PROJECT_FILE = Path("selector.toml")

_ALLOWED = frozenset(SelectionOptions.model_fields) | {
    "columns", "held_out", "kind", "limit_gb", "limit_seconds", "patient_id", "quasi", "rounds", "seed", "target",
}  # fmt: skip
"""Nothing that says where to write, what to install or what exit code to give: the folder may be somebody else's."""


def read_defaults(command: Any, path: Path = PROJECT_FILE) -> dict[str, Any]:
    """Command → option → default, as Typer's group of commands takes it; empty where there is no such file.

    Options at the top are for every command that has them, those in a table named after a command for it alone.

    Raises:
        SettingsError: It is no TOML, or names an option that no command has or that it may not set.
    """
    if not path.is_file():
        return {}
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise SettingsError(f"{path}: cannot be read as TOML") from None
    shared = {name: value for name, value in given.items() if not isinstance(value, dict)}
    options = {name: {str(item.name) for item in sub.params} for name, sub in command.commands.items()}
    own = {name: value for name, value in given.items() if isinstance(value, dict)}
    if unknown := set(own) - set(options):
        raise SettingsError(f"{path}: no command is called {', '.join(sorted(unknown))}")
    defaults: dict[str, Any] = {}
    _check(path, shared, {option for names in options.values() for option in names})
    for name, known in options.items():
        mine = {option.replace("-", "_"): value for option, value in own.get(name, {}).items()}
        _check(path, mine, known)
        theirs = {option.replace("-", "_"): value for option, value in shared.items()}
        chosen = {**{option: value for option, value in theirs.items() if option in known}, **mine}
        defaults[name] = {option: _as_text(option, value) for option, value in chosen.items()}
    return defaults


def _check(path: Path, given: Mapping[str, Any], known: set[str]) -> None:
    names = {option.replace("-", "_") for option in given}
    if wrong := names - known:
        raise SettingsError(f"{path}: no such option: {', '.join(sorted(wrong))}")
    columns = given.get("columns")
    if isinstance(columns, str) and (Path(columns).is_absolute() or ".." in Path(columns).parts):
        raise SettingsError(f"{path}: columns: name a file in the folder of {path}")
    if wrong := names - _ALLOWED:
        raise SettingsError(f"{path}: cannot be set there: {', '.join(sorted(wrong))}")


def _as_text(option: str, value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, list) and option != "kind" else value
