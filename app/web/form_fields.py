"""Form fields that derive from a model of options, so that an option is declared once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen
from pydantic import BaseModel

from ...schemas.base import plain_type

__all__ = ["FormField", "form_fields"]


@dataclass(frozen=True, slots=True)
class FormField:
    """One control of a form."""

    name: str
    control: Literal["select", "checkbox", "number", "text"]
    label: str
    help: str
    """What else there is to say; may be empty."""
    default: str
    choices: tuple[str, ...] = ()
    """Of a select; where the option has no default of its own the first is empty."""
    minimum: float | None = None
    maximum: float | None = None
    longest: int | None = None


def form_fields(model: type[BaseModel], defaults: Mapping[str, str]) -> list[FormField]:
    """A control for each field of ``model``.

    Args:
        model: Each field has a description: what comes before its first semicolon or colon is the label.
        defaults: Name → value to begin with, where a setting decides it.
    """
    fields = []
    for name, field in model.model_fields.items():
        kind = plain_type(field.annotation)
        label, _, more = " ".join((field.description or name).split()).replace(":", ";", 1).partition(";")
        given = defaults.get(name, "" if field.default is None else str(field.default))
        choices = get_args(kind) if get_origin(kind) is Literal else ()
        limits = {type(item): item for item in field.metadata}
        low, high, longest = limits.get(Ge) or limits.get(Gt), limits.get(Le) or limits.get(Lt), limits.get(MaxLen)
        fields.append(
            FormField(
                name=name,
                control="select" if choices else _control(kind),
                label=label.rstrip("."),
                help=more.strip(),
                default=given,
                choices=choices if given else ("", *choices) if choices else (),
                minimum=_bound(low),
                maximum=_bound(high),
                longest=longest.max_length if isinstance(longest, MaxLen) and kind is str else None,
            )
        )
    return fields


def _control(kind: Any) -> Literal["checkbox", "number", "text"]:
    return "checkbox" if kind is bool else "number" if kind in (int, float) else "text"


def _bound(limit: Any) -> float | None:
    return next((getattr(limit, name) for name in ("ge", "gt", "le", "lt") if hasattr(limit, name)), None)
