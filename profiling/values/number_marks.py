"""Whether a comma or a point marks the decimals: one question for the whole table.

``1,248`` is a number with three decimals in one country and more than a thousand in another. Other cells, other columns
and the file's delimiter tell which; where nothing does, the user is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.errors import TableError
from .arrow_arrays import FALSE

__all__ = ["DecimalMark", "MarkVotes", "choose_marks", "count_votes", "plain_numbers", "with_points"]

DecimalMark = Literal[".", ","]

_PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_SURE = (
    r"^[+-]?(?:\d+D(?:\d{1,2}|\d{4,})|0+D\d+|D\d+|\d{4,}D\d+|"
    r"\d{1,3}(?:G\d{3})+D\d+|\d{1,3}(?:G\d{3}){2,}|\d*D\d+[eE].*)$"
)
"""Told apart by the number of digits before and after the mark; D marks decimals, G groups thousands."""
_OPEN = r"^[+-]?[1-9]\d{0,2}D\d{3}$"
"""One mark before three digits: decimals or thousands."""
_WRITTEN = r"^[+-]?\d{1,3}(?:G\d{3})*(?:D\d+)?$|^[+-]?\d*D\d+(?:[eE][+-]?\d+)?$"
_SPACED = r"^(-?\d{1,3}(?:[ \x{00A0}\x{202F}'\x{2019}]\d{3})+)([.,]\d+)?$"
_DIALLED = r"^\d{3}(?: \d{3}){2,}$"
_LOOKED_AT = 2000
"""Distinct values of a column that are asked for its mark."""
_MOSTLY = 0.7


def _form(pattern: str, mark: DecimalMark) -> str:
    point, group = (r"\.", ",") if mark == "." else (",", r"\.")
    return pattern.replace("D", point).replace("G", group)


def _matches(texts: pa.Array, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0)


@dataclass(frozen=True, slots=True)
class MarkVotes:
    """How many distinct values of a column speak for each mark, and how many leave it open."""

    point: int = 0
    comma: int = 0
    open_point: int = 0
    """One point before three digits."""
    open_comma: int = 0

    @property
    def own(self) -> DecimalMark | None:
        """The mark that the column's own values prove."""
        if bool(self.point) == bool(self.comma):
            return None
        return "." if self.point else ","

    @property
    def open(self) -> int:
        """Values that do not tell."""
        return self.open_point + self.open_comma


def count_votes(distinct: pa.Array) -> MarkVotes:
    """What the distinct texts of one column say; nothing where most of them are no numbers."""
    texts = distinct.slice(0, _LOOKED_AT).drop_null()
    if not len(texts) or not _matches(texts, r"\d[.,]\d"):
        return MarkVotes()
    votes = MarkVotes(
        point=_matches(texts, _form(_SURE, ".")),
        comma=_matches(texts, _form(_SURE, ",")),
        open_point=_matches(texts, _form(_OPEN, ".")),
        open_comma=_matches(texts, _form(_OPEN, ",")),
    )
    whole = _matches(texts, r"^[+-]?\d+$")
    told = votes.point + votes.comma + votes.open + whole
    return votes if told >= _MOSTLY * len(texts) else MarkVotes()


def choose_marks(
    votes: Sequence[MarkVotes], names: Sequence[str], delimiter: str | None, given: DecimalMark | None
) -> tuple[tuple[DecimalMark, ...], tuple[int, ...]]:
    """The mark of each column, and the columns whose mark was taken to be the point for want of any sign.

    Args:
        votes: One for each column.
        names: The columns' names, for the error.
        delimiter: Of a file; a semicolon goes with decimal commas.
        given: What the user said.

    Raises:
        TableError: A mark before three digits could be either; the message names the column.
    """
    if given is not None:
        return (given,) * len(votes), ()
    comma, point = any(vote.own == "," for vote in votes), any(vote.own == "." for vote in votes)
    marks: list[DecimalMark] = []
    assumed: list[int] = []
    for position, vote in enumerate(votes):
        mark = vote.own
        if mark is None and vote.open:
            mark = _of_the_table(vote, comma=comma, point=point, delimiter=delimiter)
            if mark is None:
                raise TableError(
                    f"column {names[position]!r}: a {'comma' if vote.open_comma else 'point'} before three digits may "
                    "mark decimals or thousands, and nothing in the table tells which: say what marks decimals with "
                    "decimal='.' or decimal=',' (--decimal)"
                )
            if not comma and not point:
                assumed.append(position)
        marks.append(mark or ("," if comma and not point else "."))
    return tuple(marks), tuple(assumed)


def _of_the_table(vote: MarkVotes, *, comma: bool, point: bool, delimiter: str | None) -> DecimalMark | None:
    """What other columns and the delimiter say of a column that does not tell."""
    if vote.point and vote.comma:
        return None
    if comma != point:
        return "," if comma else "."
    if comma or (vote.open_point and vote.open_comma):
        return None
    if vote.open_comma:
        # A comma inside a cell of comma-separated text groups thousands; semicolons go with decimal commas.
        return {",": ".", ";": ","}.get(delimiter or "")  # type: ignore[return-value]
    return None if delimiter == ";" else "."


def with_points(texts: pa.Array, mark: DecimalMark) -> pa.Array:
    """Numbers in the table's own writing as numbers with a decimal point and no groups; other texts as they are."""
    spaced = pc.match_substring_regex(texts, _SPACED)
    # Nine digits and more in every cell are telephone numbers: hundreds of millions are no measurement.
    if pc.any(spaced).as_py() and not pc.all(pc.match_substring_regex(texts, _DIALLED)).as_py():
        texts = pc.if_else(spaced, pc.replace_substring_regex(texts, r"[ \x{00A0}\x{202F}'\x{2019}]", ""), texts)
    if mark == "," or pc.any(pc.match_substring(texts, ",")).as_py():
        written = pc.match_substring_regex(texts, _form(_WRITTEN, mark))
        group = "." if mark == "," else ","
        bare = pc.replace_substring(pc.replace_substring(texts, group, ""), ",", ".")
        texts = pc.if_else(pc.fill_null(written, FALSE), bare, texts)
    return texts


def plain_numbers(texts: pa.Array) -> pa.Array:
    """Which texts are numbers with a decimal point; null stays null."""
    return pc.match_substring_regex(texts, _PLAIN)
