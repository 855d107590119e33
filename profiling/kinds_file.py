"""The user's own word about columns: ``columns.yaml``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from ..schemas.errors import TableError
from ..schemas.profile import Kind
from .concept_recogniser import check_concept

__all__ = ["ColumnsFile", "check_kind", "load_columns_file"]

KINDS: tuple[str, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class ColumnsFile:
    """What the file says of columns."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    concepts: dict[str, str] = field(default_factory=dict)


def load_columns_file(path: str | Path) -> ColumnsFile:
    """Read ``column: kind`` lines from a YAML file, or ``column: {kind: …, concept: …}``.

    Raises:
        TableError: There is no such file, it is no such mapping, or a kind or a concept is unknown.
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
        return ColumnsFile()
    if not isinstance(content, dict):
        raise TableError(f"{path}: write one 'column: kind' per line")
    told = ColumnsFile()
    for column, said in content.items():
        entry = said if isinstance(said, dict) else {"kind": said}
        if not entry or set(entry) - {"kind", "concept"}:
            raise TableError(f"{path}: write 'column: kind' or 'column: {{kind: …, concept: …}}'")
        if "kind" in entry:
            told.kinds[str(column)] = check_kind(str(column), entry["kind"])
        if "concept" in entry:
            told.concepts[str(column)] = check_concept(str(column), str(entry["concept"]))
    return told


def check_kind(column: str, kind: object) -> Kind:
    """``kind`` as a known one.

    Raises:
        TableError: It is unknown; the message names the column, which the user named, and the known kinds.
    """
    if isinstance(kind, str) and kind in KINDS:
        return kind  # type: ignore[return-value]
    raise TableError(f"unknown kind for column {column!r}; known kinds: {', '.join(KINDS)}")
