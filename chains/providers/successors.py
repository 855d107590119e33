"""Who follows a model that is no longer served: the nearest newer one of the same vendor and line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .openrouter_models import ListedModel, without_suffix

__all__ = ["nearest_successor"]

_VERSION = re.compile(r"v?(\d{1,3}(?:\.\d+)*)")
"""A version on its own: 3.5, v3.1."""

_JOINED = re.compile(r"([a-z]+)(\d{1,2}(?:\.\d+)*)")
"""A version at the end of a word: qwen2.5, o3."""

_LETTERED = re.compile(r"(\d{1,2}(?:\.\d+)*)[a-z]")
"""A version with a letter of its own: 4o."""

_SIZE = re.compile(r"a?\d+(?:\.\d+)?[bm]")
"""Billions of parameters are part of a line's name: 70b, a4b."""

_STAMP = re.compile(r"\d{3,}")
"""A release date or build."""

_PASSING = frozenset({"preview", "exp", "experimental", "beta", "latest", "it", "instruct", "chat"})
"""Words that come and go within a line."""


@dataclass(frozen=True, slots=True)
class _Name:
    """An id taken apart."""

    vendor: str
    line: frozenset[str]
    """Words that name the line, in any order: claude-3.5-sonnet and claude-sonnet-4.5 are of one."""
    version: tuple[int, ...]
    plain: bool
    """Without a word that comes and goes."""


def nearest_successor(model: str, listed: Iterable[ListedModel]) -> str | None:
    """The lowest newer version of the line of ``model`` that can be asked by schema, else one that can be asked at all.

    A suffix such as ``:nitro`` is kept; an alias (``~vendor/…-latest``) names no version and has no successor.
    """
    old = _take_apart(without_suffix(model))
    if old is None:
        return None
    newer = []
    for candidate in listed:
        name = _take_apart(candidate.id)
        if name is None or ":" in candidate.id or not candidate.structured_outputs:
            continue
        if name.vendor == old.vendor and name.line == old.line and name.version > old.version:
            by_schema = "json_schema" in candidate.structured_outputs
            newer.append((not by_schema, name.version, not name.plain, candidate.id))
    if not newer:
        return None
    _, colon, suffix = model.partition(":")
    return min(newer)[-1] + colon + suffix


def _take_apart(model: str) -> _Name | None:
    vendor, slash, name = model.partition("/")
    if not slash or vendor.startswith("~"):
        return None
    words: set[str] = set()
    version: tuple[int, ...] = ()
    parts = name.lower().split("-")
    for part in parts:
        if match := _VERSION.fullmatch(part) if not version else None:
            version = _numbers(match[1])
        elif not version and not _SIZE.fullmatch(part) and (match := _JOINED.fullmatch(part)):
            words.add(match[1])
            version = _numbers(match[2])
        elif not version and not _SIZE.fullmatch(part) and (match := _LETTERED.fullmatch(part)):
            version = _numbers(match[1])
        elif not _STAMP.fullmatch(part) and part not in _PASSING:
            words.add(part)
    return _Name(vendor, frozenset(words), version, _PASSING.isdisjoint(parts))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))
