"""A table as it may be passed around: it opens where it was made, and shows nothing but its size.

Traces, logs, checkpoints and notebooks print and pickle whatever passes through them. What the handle stands for is
therefore kept beside it and not in it: no attribute, text or pickle of a handle leads to a cell, a name or a path.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ..errors import TableError

__all__ = ["TableHandle", "source_of"]

_SOURCES: WeakKeyDictionary[TableHandle, Any] = WeakKeyDictionary()
"""Handle → what it opens, for as long as the handle lives; in this process only."""


class TableHandle:
    """A table that has been opened and can be read again and again; ``open_table`` makes it.

    A handle equals itself only. A copy is the same handle. One that comes out of a pickle knows its size and nothing
    else: to read it is a ``TableError``.

    Attributes:
        rows: Number of rows; None where they are counted by the first profile only.
        columns: Number of columns.
    """

    __slots__ = ("__weakref__", "columns", "rows")

    rows: int | None
    columns: int

    def __init__(self, rows: int | None, columns: int, source: Any = None) -> None:
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "columns", columns)
        if source is not None:
            _SOURCES[self] = source

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a table handle does not change")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a table handle does not change")

    def __str__(self) -> str:
        rows = "rows not yet counted" if self.rows is None else f"{self.rows} rows"
        return f"{rows} × {self.columns} columns"  # noqa: RUF001

    def __repr__(self) -> str:
        return f"<TableHandle: {self}>"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def _repr_html_(self) -> str:
        return f"<code>{self}</code>"

    def __copy__(self) -> TableHandle:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> TableHandle:
        return self

    def __reduce__(self) -> tuple[type[TableHandle], tuple[int | None, int]]:
        return TableHandle, (self.rows, self.columns)

    def model_dump(self, **_how: Any) -> dict[str, int | None]:
        """What a tracer or a LangGraph checkpoint keeps of it, under the name that both ask for: its size."""
        return {"rows": self.rows, "columns": self.columns}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls, serialization=core_schema.to_string_ser_schema())


def source_of(handle: TableHandle) -> Any:
    """What ``profiling`` reads; nobody else needs it.

    Raises:
        TableError: The handle was loaded from a pickle or made in another process.
    """
    try:
        return _SOURCES[handle]
    except KeyError:
        raise TableError(
            "this table handle was loaded from a pickle and leads to no table: open the table again with open_table"
        ) from None
