"""From a code of a clinical classification to its parent: less detail, held by more persons."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["ParentOf", "parent_rule"]

ParentOf = Callable[[str], "str | None"]
"""A code's parent; None at the top."""

_SHARE = 0.8
"""Of a column's levels must be codes of a classification (judgement: exports hold stray cells)."""


@dataclass(frozen=True, slots=True)
class _Scheme:
    pattern: re.Pattern[str]
    parent: ParentOf


def _shorten(code: str, *, least: int) -> str | None:
    """The code without its last character, and without a point that would end it."""
    if len(code) <= least:
        return None
    return code[:-1].rstrip(".")


def _icd10_parent(code: str) -> str | None:
    return _shorten(code, least=3)


def _icd9_parent(code: str) -> str | None:
    return _shorten(code, least=4 if code[0] in "Ee" else 3)


def _atc_parent(code: str) -> str | None:
    return {7: code[:5], 5: code[:4], 4: code[:3], 3: code[:1]}.get(len(code))


_SCHEMES = (
    # WHO's ATC: group, two digits, two letters, two digits.
    _Scheme(re.compile(r"[A-Z]\d{2}(?:[A-Z](?:[A-Z](?:\d{2})?)?)?"), _atc_parent),
    _Scheme(re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?[*+!†]?"), _icd10_parent),
    _Scheme(re.compile(r"(?:\d{3}(?:\.?\d{1,2})?|V\d{2}(?:\.?\d{1,2})?|E\d{3}(?:\.?\d)?)"), _icd9_parent),
)


def parent_rule(levels: Sequence[str]) -> ParentOf | None:
    """How to climb from a code of this column to its parent; None where the levels are no codes of a classification.

    Args:
        levels: The column's distinct texts.
    """
    texts = [level.strip() for level in levels]
    for scheme in _SCHEMES:
        matching = sum(scheme.pattern.fullmatch(text) is not None for text in texts)
        longer = sum(len(text) > 3 for text in texts)
        if matching >= _SHARE * len(texts) and 2 * longer >= len(texts):
            return _within(scheme)
    return None


def _within(scheme: _Scheme) -> ParentOf:
    def parent(code: str) -> str | None:
        code = code.strip()
        return scheme.parent(code) if scheme.pattern.fullmatch(code) else None

    return parent
