"""The base of every closed, frozen model, and the one way in which a validation error and a count are told."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["FieldError", "Frozen", "count_of", "describe_error", "list_errors", "plain_type"]

Location = tuple[int | str, ...]


def count_of(number: int, thing: str) -> str:
    """``number`` with its noun: 1 row, 2 rows."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


class Frozen(BaseModel):
    """Unknown fields are refused, nothing can be changed, and no error quotes what was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class FieldError(NamedTuple):
    """What is wrong with one field; the value given, which may be a cell or a key, is not in it."""

    location: Location
    type: str
    """Pydantic's name of the error."""
    message: str


def list_errors(error: ValidationError) -> list[FieldError]:
    """Every field that is wrong and what it accepts."""
    items = error.errors(include_input=False, include_url=False, include_context=False)
    return [FieldError(item["loc"], item["type"], item["msg"].removeprefix("Value error, ")) for item in items]


def describe_error(
    error: ValidationError, name: Callable[[Location], str] | None = None, most: int | None = None
) -> str:
    """The same as one line.

    Args:
        error: Pydantic's.
        name: Location → what the user calls it; by default its parts with dots between them.
        most: At most so many fields are named.
    """
    return "; ".join(f"{(name or _dotted)(item.location)}: {item.message}" for item in list_errors(error)[:most])


def _dotted(location: Location) -> str:
    return ".".join(map(str, location)) or "request"


def plain_type(annotation: Any) -> Any:
    """What a field takes where it is given: the annotation without None and without metadata."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        (annotation,) = (item for item in get_args(annotation) if item is not NoneType)
    return annotation
