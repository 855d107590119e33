"""The few shapes that every view is made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from rich import box
from rich.table import Table
from rich.text import Text

from .words import printable

__all__ = ["facts_grid", "shown", "table_of", "warnings_grid"]


def shown(text: str, style: str = "") -> Text:
    """Text that may hold anything: no markup is read, no control character gets through."""
    return Text(printable(text), style=style)


def facts_grid() -> Table:
    """Two columns without lines: a heading and what there is to say."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def warnings_grid(warnings: Iterable[str]) -> Table:
    """Each warning with its mark."""
    grid = facts_grid()
    for warning in warnings:
        grid.add_row(shown("warning", "yellow"), shown(warning))
    return grid


def table_of(
    title: str,
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Sequence[int] = (),
    fixed: Sequence[int] = (),
) -> Table:
    """A table under its title.

    Args:
        title: Above the table, to the left.
        headings: One per column.
        rows: Cells as text.
        numbers: Columns set to the right.
        fixed: Columns that are never wrapped.
    """
    table = Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False
    )
    for index, heading in enumerate(headings):
        side: Literal["left", "right"] = "right" if index in numbers else "left"
        table.add_column(heading, justify=side, overflow="fold", no_wrap=index in fixed)
    for row in rows:
        table.add_row(*map(shown, row))
    return table
