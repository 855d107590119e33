"""The user's own word about columns: ``columns.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from ..schemas.errors import TableError
from ..schemas.profile import Kind

__all__ = ["check_kind", "load_columns_file"]

KINDS: tuple[str, ...] = get_args(Kind)


def load_columns_file(path: str | Path) -> dict[str, Kind]:
    """Read ``column: kind`` lines from a YAML file.

    Raises:
        TableError: There is no such file, it is no such mapping, or a kind is unknown.
    """
    import yaml

    try:
        with Path(path).open(encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: the file cannot be read ({type(error).__name__})") from None
    except (yaml.YAMLError, RecursionError):
        raise TableError(f"{path}: this is not valid YAML; write one 'column: kind' per line") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise TableError(f"{path}: write one 'column: kind' per line")
    return {str(column): check_kind(str(column), kind) for column, kind in content.items()}


def check_kind(column: str, kind: object) -> Kind:
    """``kind`` as a known one.

    Raises:
        TableError: It is unknown; the message names the column, which the user named, and the known kinds.
    """
    if isinstance(kind, str) and kind in KINDS:
        return kind  # type: ignore[return-value]
    raise TableError(f"unknown kind for column {column!r}; known kinds: {', '.join(KINDS)}")
