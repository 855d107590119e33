"""Which texts stand for a missing cell: it depends on what else is in the column.

``-`` is missing among measurements and a result beside ``+``; ``NA`` is sodium among electrolytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["IN_DOUBT", "MISSING_TOKENS", "is_missing"]

MISSING_TOKENS: frozenset[str] = frozenset(
    (
        "", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "(null)", "nat", "nil", ".", "..", "?", "??", "-", "--",
        "---", "*", "\\n", "missing", "not available", "not applicable", "#null!", "#value!", "#div/0!", "#ref!",
        "#name?", "#num!", "k.a.", "keine angabe", "s/d", "sin dato", "nsp", "non renseigné", "na_character_",
        "na_integer_", "na_real_",
    )
)  # fmt: skip
"""Lower-case texts that stand for a missing cell unless the column's other values speak against it."""

IN_DOUBT: frozenset[str] = frozenset(
    (
        "none", "unknown", "unk", "nd", "n.d.", "not done", "not measured", "u", "x", "inf", "-inf", "+inf", "infinity",
        "-infinity",
    )
)  # fmt: skip
"""Missing only among numbers or dates; among words they are a level of their own."""

_PLUS = re.compile(r"\(?\+{1,4}\)?|\d?\+{1,4}|\+[1-4]|\+/-|-/\+|\+-|±")
_STARS = re.compile(r"\*{2,4}|•|†|‡")
_TWO_LETTERS = re.compile(r"[A-Z]{1,2}")
_ELECTROLYTES = frozenset(("K", "Cl", "Ca", "Mg", "Fe", "Zn", "Cu", "P", "KCL", "CL", "CA", "MG", "FE"))
_GRADES = frozenset(
    (
        "trace", "mild", "moderate", "severe", "present", "some", "low", "high", "heavy", "light", "slight", "small",
        "large", "few", "many", "1+", "2+", "3+", "4+", "+", "++", "+++",
    )
)  # fmt: skip


def is_missing(token: str, others: Sequence[str], *, measured: bool) -> bool:
    """Whether ``token`` stands for a missing cell.

    Args:
        token: A text of ``MISSING_TOKENS`` or ``IN_DOUBT``, as it is written but for blanks around it.
        others: The column's other distinct texts, none of them such a token.
        measured: The others are numbers or dates, nearly all of them.
    """
    lowered = token.lower()
    if measured:
        return True
    if lowered in IN_DOUBT:
        return False
    if not others:
        return True
    if lowered.strip("-") == "":
        return lowered == "" or not any(_PLUS.fullmatch(other) for other in others)
    if lowered in ("*", "."):
        return not any(_STARS.fullmatch(other) for other in others)
    if lowered == "na" and token in ("NA", "Na"):
        return not _is_sodium_or_namibia(token, others)
    if lowered == "nil":
        return not any(other.lower() in _GRADES for other in others)
    return True


def _is_sodium_or_namibia(token: str, others: Sequence[str]) -> bool:
    """Beside other electrolytes, or in a list of codes of two capitals."""
    if sum(other in _ELECTROLYTES for other in others) >= max(2, 0.5 * len(others)):
        return True
    codes = all(_TWO_LETTERS.fullmatch(other) for other in others)
    return token == "NA" and codes and len(others) >= 4 and sum(len(o) == 2 for o in others) >= 0.75 * len(others)
