"""What reading a table made of it: cells taken for missing, units taken off, lines skipped; nothing in silence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import Frozen, count_of

__all__ = ["ReadingChange", "ReadingChangeKind"]

ReadingChangeKind = Literal[
    "missing_token",
    "note_as_missing",
    "date_code_as_missing",
    "infinity_as_missing",
    "unit",
    "composite",
    "duration",
    "date_order_assumed",
    "century_chosen",
    "decimal_mark",
    "decimal_mark_assumed",
    "encoding",
    "lines_skipped",
    "header_rows_skipped",
    "files_read",
    "sheet",
    "sampled",
]


class ReadingChange(Frozen):
    """One thing that reading did to a table or to a column; for the table's owner, never for a prompt."""

    kind: ReadingChangeKind
    column: str | None = None
    """Name of the column; None where it is the whole table."""
    cells: Annotated[int, Field(ge=0)] | None = None
    """How many cells, lines, rows or files; in a long table those of the sample."""
    detail: str = ""
    """Which token of the closed list, which unit, which encoding, which files: never another cell's value."""

    @property
    def sentence(self) -> str:
        """What is told."""
        where = "" if self.column is None else f"column {self.column!r}: "
        return where + _SENTENCES[self.kind].format(count=self._count, detail=self.detail)

    @property
    def _count(self) -> str:
        things: dict[ReadingChangeKind, str] = {
            "infinity_as_missing": "infinite value",
            "lines_skipped": "line",
            "header_rows_skipped": "further row",
            "files_read": "file",
            "sampled": "row",
        }
        return count_of(self.cells or 0, things.get(self.kind, "cell"))


_SENTENCES: dict[ReadingChangeKind, str] = {
    "missing_token": "{detail!r} is taken as missing: {count}",
    "note_as_missing": "notes among measurements are taken as missing: {count}",
    "date_code_as_missing": "dates that stand for none are taken as missing: {count}",
    "infinity_as_missing": "taken as missing: {count}",
    "unit": "the unit {detail!r} is taken off, and written back",
    "composite": "each cell holds several numbers; they are modelled one by one, and written back in their form",
    "duration": "durations are modelled in {detail}, and written back as durations",
    "date_order_assumed": "nothing tells whether the day or the month comes first; the {detail} is taken to",
    "century_chosen": "years of two digits are taken to lie in the century that puts none into the future",
    "decimal_mark": "a {detail} marks decimals",
    "decimal_mark_assumed": "a {detail} before three digits is taken to mark decimals (--decimal says otherwise)",
    "encoding": "the text is read as {detail}",
    "lines_skipped": "skipped above the header: {count}",
    "header_rows_skipped": "skipped below the header: {count} of it",
    "files_read": "read as one table: {count}: {detail}",
    "sheet": "sheet {detail} of the workbook is read",
    "sampled": "the table is too large for a fit, and only a part is read: {count}, {detail}",
}
