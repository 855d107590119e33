"""Standard layouts: a table with the columns of OMOP's ``measurement`` or SDTM's ``AE`` is taken for one.

``layouts/*.txt`` hold a layout each under its name: the columns it needs, the patient's key, columns by kind, and
columns with their concept. Names are compared without regard to case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

__all__ = ["Layout", "recognise_layout"]

_FOLDER = Path(__file__).with_name("layouts")


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of table that a standard describes; names of columns in lower case."""

    name: str
    needs: frozenset[str] = frozenset()
    """Columns without which a table is none of these."""
    patient: str | None = None
    kinds: dict[str, str] = field(default_factory=dict)
    """Column → kind (``schemas.profile.Kind``)."""
    concepts: dict[str, str] = field(default_factory=dict)
    """Column → clinical concept."""


def recognise_layout(columns: Sequence[str]) -> Layout | None:
    """The layout whose needed columns are all there, the most demanding one of several; None where none is."""
    names = {name.lower() for name in columns}
    fitting = [layout for layout in _layouts() if layout.needs <= names]
    return max(fitting, key=lambda layout: len(layout.needs), default=None)


@cache
def _layouts() -> tuple[Layout, ...]:
    return tuple(layout for path in sorted(_FOLDER.glob("*.txt")) for layout in _read(path))


def _read(path: Path) -> Iterator[Layout]:
    for block in path.read_text(encoding="utf-8").split("\n[")[1:]:
        name, _, body = block.partition("]")
        lines = dict(line.split(": ", 1) for line in body.strip().splitlines())
        concepts = dict(pair.split("=") for pair in lines.pop("concept", "").split())
        needs, patient = frozenset(lines.pop("needs").split()), lines.pop("patient", None)
        kinds = {column: kind for kind, columns in lines.items() for column in columns.split()}
        yield Layout(name, needs, patient, kinds, concepts)
