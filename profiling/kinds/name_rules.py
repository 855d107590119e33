"""Rules that start from a column's name; none believes the name against the values."""

from __future__ import annotations

import re

from .column_facts import ColumnFacts
from .decision import Decision

__all__ = [
    "birth_part", "code", "coded_category", "contact", "count", "demographic", "event_indicator", "event_time",
    "free_text", "identifier", "ordinal", "person_name", "place", "term",
]  # fmt: skip

FEW = 60
"""Categories beyond which a demographic column is no short list any more."""


def contact(column: ColumnFacts) -> Decision | None:
    """Phone, e-mail and insurance numbers; digits of the usual length, or text with digits."""
    if column.header.says("email") and column.word is not None and any("@" in text for text in column.texts):
        return Decision("email", direct=True)
    if not column.header.says("phone", "ssn"):
        return None
    lengths = [sum(c.isdigit() for c in text) for text in column.texts]
    usual = sum(7 <= n <= 15 for n in lengths) / len(lengths)
    if column.header.says("phone") and usual >= 0.8:
        return Decision("phone", direct=True)
    if column.header.says("ssn") and usual >= 0.8:
        return Decision("ssn", direct=True)
    return None


def person_name(column: ColumnFacts) -> Decision | None:
    """``last_name``, ``Vorname``, ``provider``: letters, not codes; ``drug_name`` and ``name`` of a unit are none."""
    if column.word is None or max(column.word.letter_share, column.word.title_share, column.word.upper_share) < 0.6:
        return None
    whole = column.header.says("name_whole")
    spoken = (
        column.header.says("name")
        and column.header.says("person_word")
        and not column.header.says("term", "not_identifier")
    )
    if not (whole or spoken) or (column.header.says("date", "address", "place") and not whole):
        return None
    if column.distinct < 10 and column.unique_share < 0.3:
        return None
    return Decision("name", direct=True)


def place(column: ColumnFacts) -> Decision | None:
    """Postcode, coordinate, street, town: geography below state (45 CFR 164.514(b)(2)(i)(B))."""
    if (
        column.header.says("latitude", "longitude")
        and column.number is not None
        and not column.number.integer
        and column.number.decimals >= 2
    ):
        limit = 90 if column.header.says("latitude") else 180
        if -limit <= column.number.minimum and column.number.maximum <= limit:
            return Decision("address", direct=True, quasi=True, detail="coordinate")
    if column.header.says("postcode") and column.distinct > 3:
        short = [len(text) for text in column.texts]
        if (
            min(short) >= 3
            and max(short) <= 10
            and sum(any(c.isdigit() for c in t) for t in column.texts) > 0.8 * len(column.texts)
        ):
            return Decision("address", direct=max(short) > 3, quasi=True, detail="postcode")
    if (
        column.number is not None
        and column.number.integer
        and column.header.says("place", "address")
        and 2 < column.distinct <= 100
    ):
        return Decision("quasi_identifier", quasi=True)
    if column.word is None or column.header.says("email"):
        return None
    if column.header.says("address"):
        return Decision("address", direct=True) if column.distinct > 5 else None
    if (
        column.header.says("place")
        and not column.header.says("identifier", "code")
        and column.distinct > 1
        and column.word.letter_share > 0.6
    ):
        return Decision("address", direct=True, quasi=True, detail="place")
    return None


def birth_part(column: ColumnFacts) -> Decision | None:
    """Year, month or day of birth."""
    if (
        column.header.says("birth")
        and column.number is not None
        and column.number.integer
        and not column.header.says("address")
    ):
        low, high = column.number.minimum, column.number.maximum
        if low >= 1850 and high <= 2200:
            return Decision("quasi_identifier", quasi=True, detail="year")
        if column.header.says("month", "day") and low >= 1 and high <= 31:
            return Decision("quasi_identifier", quasi=True)
    return None


def demographic(column: ColumnFacts) -> Decision | None:
    """Sex, race, marital status and the like, as words or codes."""
    if not column.header.says("sex", "demographic") or column.distinct > FEW or column.header.says("age", "date"):
        return None
    if column.number is not None and not column.number.integer:
        return None
    return Decision("quasi_identifier", quasi=True)


def _is_sequence(column: ColumnFacts) -> bool:
    """1, 2, 3 … starting anew with each person or record."""
    assert column.number is not None
    starts = column.number.minimum in (0, 1) and column.number.dense
    return (
        starts
        and (column.header.says("sequence") or column.blocks < 0.5)
        and column.unique_share < 0.1
        and column.distinct <= 60
    )


def identifier(column: ColumnFacts) -> Decision | None:
    """Numbers and labels of persons, stays, samples and records; not the ids of types and concepts."""
    h = column.header
    whole = h.says("identifier_whole")
    last = h.tokens[-1] if h.tokens else ""
    spoken = h.says("identifier") and (last in _LAST or (h.says("entity") and not h.says("count")))
    if not (whole or spoken) or (h.says("not_identifier") and not whole):
        return None
    if h.says("code_id") or (column.word is not None and column.word.mean_words > 3):
        return None
    if column.number is not None and not column.number.integer:
        return None
    if column.number is not None and _is_sequence(column):
        return None
    # An identifier tells many rows apart; a handful of values is a label whatever it is called.
    if column.distinct < 10 or (column.distinct < 20 and column.unique_share < 0.02 and not whole):
        return None
    if column.number is not None and not whole and column.number.minimum == 0 and column.number.quantiles[2] <= 2:
        return None
    return Decision("identifier", direct=True, detail="record")


_LAST = frozenset(
    (
        "id", "ids", "identifier", "uid", "guid", "uuid", "key", "nbr", "nr", "nummer", "no", "number", "num",
        "kennung", "identifiant",
    )
)  # fmt: skip


def coded_category(column: ColumnFacts) -> Decision | None:
    """``admission_type_id``, ``SITEID``: the key of a short list, not of a record."""
    h = column.header
    listed = h.says("not_identifier") and (h.says("code_id") or (h.says("identifier") and h.tokens[-1] in _LAST))
    if column.distinct < 3 or (column.number is not None and not column.number.integer):
        return None
    if (
        h.says("group")
        and not h.says("date", "follow_whole", "count")
        and column.distinct <= 100
        and column.unique_share < 0.2
    ):
        return Decision("categorical")
    if listed and column.distinct <= 60 and column.unique_share < 0.2:
        return Decision("code" if h.says("code_id") else "categorical")
    return None


def term(column: ColumnFacts) -> Decision | None:
    """Names of drugs, tests and diagnoses: capitalised or not, they name no person."""
    if (
        column.word is None
        or not column.header.says("term")
        or column.header.says("person_word", "name_whole", "address")
    ):
        return None
    if column.distinct < 15 or (column.word.digit_share > 0.9 and column.word.mean_words < 1.2):
        return None
    return Decision("categorical") if column.unique_share <= 0.3 else Decision("free_text", withheld=True)


def event_indicator(column: ColumnFacts) -> Decision | None:
    """An event or censoring flag: two or three values, coded or in words."""
    if (
        not column.header.says("event_whole", "death")
        or not 2 <= column.distinct <= 4
        or column.header.says("date", "follow_whole")
    ):
        return None
    if column.number is not None and not (
        column.number.integer and column.number.minimum >= 0 and column.number.maximum <= 4
    ):
        return None
    if not column.header.says("event_whole") and column.distinct != 2:
        return None
    if column.number is None and not all(
        _EVENT_WORDS & set(re.findall(r"[a-zà-ÿ]+", t.casefold())) for t in column.texts
    ):
        return None
    return Decision("event_indicator")


_EVENT_WORDS = frozenset(
    (
        "alive", "dead", "deceased", "died", "expired", "living", "survived", "survivor", "censored", "event", "yes",
        "no", "y", "n", "t", "f", "true", "false", "lost", "progressed", "progression", "relapse", "relapsed", "ja",
        "nein", "oui", "non", "si", "sí", "tot", "lebt", "lebend", "verstorben", "vivant", "décédé", "vivo", "muerto",
        "fallecido", "death", "none", "transplant", "withdrawn", "recurred", "recurrence", "a", "d",
    )
)  # fmt: skip


def free_text(column: ColumnFacts) -> Decision | None:
    """Notes, comments and verbatim terms."""
    if column.word is None or not column.header.says("free_text") or column.distinct < 15:
        return None
    if (column.word.mean_words < 1.5 and column.word.median_length < 12) or column.word.digit_share > 0.9:
        return None
    return Decision("free_text", withheld=True)


def code(column: ColumnFacts) -> Decision | None:
    """A code list's key, in numbers or short labels."""
    if not column.header.says("code", "code_id") or column.date is not None:
        return None
    # "cd" is short for code at the end of a name only: CD4 is a cell.
    if column.header.says("code") and not column.header.says("code_id", "term") and "cd" in column.header.tokens[:-1]:
        return None
    if column.number is not None and (
        (not column.number.integer and column.number.decimals > 2) or column.number.minimum < 0
    ):
        return None
    if column.word is not None and (
        column.word.mean_words > 1.6 or column.word.median_length > 20 or column.word.title_share > 0.8
    ):
        return None
    if column.distinct <= 2:
        return None
    if column.distinct <= 20 and not column.header.says("code_id"):
        return Decision("categorical")
    return Decision("code")


def event_time(column: ColumnFacts) -> Decision | None:
    """A duration since a start: not negative, many values."""
    n = column.number
    if n is None or n.minimum < 0 or column.distinct <= 20 or not column.header.says("follow_whole"):
        return None
    return Decision("event_time")


def ordinal(column: ColumnFacts) -> Decision | None:
    """Grades and stages."""
    if not column.header.says("ordinal") or not 3 <= column.distinct <= 12 or column.header.says("count", "identifier"):
        return None
    if column.number is not None and column.number.minimum < 0:
        return None
    return Decision("ordinal")


def count(column: ColumnFacts) -> Decision | None:
    """Numbers of things."""
    n = column.number
    if n is None or not n.integer or n.minimum < 0 or column.distinct < 3 or not column.header.says("count"):
        return None
    first, last = column.header.tokens[0], column.header.tokens[-1]
    if column.header.joined in _LAST:
        return None
    # "n_visits" and "visits" count; "rad_num" numbers.
    if last in ("num", "no", "nr", "nbr", "n", "number") and first != last and not column.header.says("entity"):
        return None
    return Decision("count")
