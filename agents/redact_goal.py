"""The user's own words, made safe to send: column names become aliases, contacts and long numbers are struck out."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["make_safe"]

_CONTACT = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://\S+")
_NUMBER = re.compile(r"\d[\d\s().:/-]{3,}\d")
"""Five or more digits and their separators: record, phone and social security numbers, dates."""


def make_safe(text: str | None, names: Mapping[str, str]) -> str | None:
    """``text`` as it may leave the machine.

    Args:
        text: Goal or instructions, as the user wrote them.
        names: Alias → column name. Names of one or two lower-case letters are left alone: they are ordinary words.
    """
    if not text:
        return None
    by_length = sorted(names.items(), key=lambda pair: -len(pair[1]))
    for alias, name in by_length:
        if len(name) > 2 or not name.islower():
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", alias, text, flags=re.IGNORECASE)
    text = _CONTACT.sub("[contact]", text)
    return _NUMBER.sub(_strike_long, text)


def _strike_long(match: re.Match[str]) -> str:
    return "[number]" if sum(char.isdigit() for char in match.group()) >= 5 else match.group()
