"""Rules as a language model writes them: one short sentence each, over the aliases of columns.

``c1 <= c2``, ``c1 < c2``, ``30 <= c3 <= 44``, ``c1 + c2 = c3``, ``c4 determines c5``, ``c6 missing where c2 = male``,
``c6 missing where c7 missing``, ``c6 = no where c2 = male``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from .rules import Determines, ImpliesLevel, ImpliesMissing, NotAbove, Rule, SumsTo, Within

__all__ = ["MOST_RULES", "RULE_GRAMMAR", "parse_rule"]

MOST_RULES = 12
"""Of one plan."""

RULE_GRAMMAR = (
    "c1 <= c2", "c1 < c2", "30 <= c3 <= 44", "c1 + c2 = c3", "c4 determines c5", "c6 missing where c2 = male",
    "c6 missing where c7 missing", "c6 = no where c2 = male",
)  # fmt: skip
"""An example of every form."""

_ALIAS = re.compile(r"c[1-9]\d{0,5}")
_NUMBER = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")
_COMPARISON = re.compile(r"\s*(<=|>=|<|>|≤|≥)\s*")
_MIRRORED = {">=": "<=", ">": "<", "≥": "<=", "≤": "<="}
_CONDITION = re.compile(r"(.+?)\s+where\s+(\S+)\s*(?:=\s*(.+)|(?:is\s+)?missing)")


def parse_rule(sentence: str, columns: Mapping[str, str]) -> tuple[Rule, ...]:
    """What ``sentence`` says, of the owner's columns; a chain of comparisons says several things.

    Args:
        sentence: In one of the forms of ``RULE_GRAMMAR``.
        columns: Alias → column.

    Raises:
        ValueError: It has none of these forms, or an alias is unknown.
    """
    text = " ".join(sentence.split())
    rules = tuple(_parse(text, columns))
    if not rules:
        raise ValueError("has none of the forms that a rule may have")
    return rules


def _parse(text: str, columns: Mapping[str, str]) -> Iterator[Rule]:
    if match := _CONDITION.fullmatch(text):
        yield _conditional(match[1], _column(match[2], columns), match[3], columns)
    elif _COMPARISON.search(text):
        yield from _comparisons(_COMPARISON.split(text), columns)
    elif " determines " in text:
        determinant, _, dependent = text.partition(" determines ")
        yield Determines(determinant=_column(determinant, columns), dependent=_column(dependent, columns))
    elif "+" in text and text.count("=") == 1:
        left, right = (side.strip() for side in text.split("="))
        parts, total = (left, right) if "+" in left else (right, left)
        names = tuple(_column(part.strip(), columns) for part in parts.split("+"))
        yield SumsTo(parts=names, total=_column(total, columns))


def _conditional(what: str, condition: str, level: str | None, columns: Mapping[str, str]) -> Rule:
    if match := re.fullmatch(r"(\S+) (?:is )?missing", what):
        return ImpliesMissing(condition=condition, level=level, missing=_column(match[1], columns))
    if (match := re.fullmatch(r"(\S+) ?= ?(.+)", what)) and level is not None:
        return ImpliesLevel(condition=condition, level=level, column=_column(match[1], columns), value=match[2])
    raise ValueError("has none of the forms that a rule may have")


def _comparisons(parts: list[str], columns: Mapping[str, str]) -> Iterator[Rule]:
    """Neighbours of a chain; limits on both sides of a column are one rule."""
    terms, signs = parts[::2], parts[1::2]
    if [bool(_NUMBER.fullmatch(term)) for term in terms] == [True, False, True]:
        limits = sorted((float(terms[0]), float(terms[2])))
        yield Within(column=_column(terms[1], columns), least=limits[0], most=limits[1])
        return
    for left, sign, right in zip(terms, signs, terms[1:], strict=False):
        low, high = (right, left) if sign in (">", ">=", "≥") else (left, right)
        sign = _MIRRORED.get(sign, sign)
        if _NUMBER.fullmatch(low):
            yield Within(column=_column(high, columns), least=float(low))
        elif _NUMBER.fullmatch(high):
            yield Within(column=_column(low, columns), most=float(high))
        else:
            yield NotAbove(lower=_column(low, columns), upper=_column(high, columns), strict=sign == "<")


def _column(text: str, columns: Mapping[str, str]) -> str:
    if not _ALIAS.fullmatch(text):
        raise ValueError("has none of the forms that a rule may have")
    if text not in columns:
        raise ValueError("names an alias that the table does not have")
    return columns[text]
