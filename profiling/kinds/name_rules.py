"""Rules that start from a column's name; none believes the name against the values."""

from __future__ import annotations

import re

from .column_facts import Evidence
from .decision import Verdict

__all__ = [
    "age", "birth_part", "code", "coded_category", "contact", "count", "demographic", "event_indicator", "event_time",
    "free_text", "identifier", "ordinal", "person_name", "place", "term",
]  # fmt: skip

FEW = 60
"""Categories beyond which a demographic column is no short list any more."""


def contact(e: Evidence) -> Verdict | None:
    """Phone, e-mail and insurance numbers; digits of the usual length, or text with digits."""
    if e.header.says("email") and e.word is not None and any("@" in text for text in e.texts):
        return Verdict("email", direct=True)
    if not e.header.says("phone", "ssn"):
        return None
    lengths = [sum(c.isdigit() for c in text) for text in e.texts]
    usual = sum(7 <= n <= 15 for n in lengths) / len(lengths)
    if e.header.says("phone") and usual >= 0.8:
        return Verdict("phone", direct=True)
    if e.header.says("ssn") and usual >= 0.8:
        return Verdict("ssn", direct=True)
    return None


def person_name(e: Evidence) -> Verdict | None:
    """``last_name``, ``Vorname``, ``provider``: letters, not codes; ``drug_name`` and ``name`` of a unit are none."""
    if e.word is None or max(e.word.letter_share, e.word.title_share, e.word.upper_share) < 0.6:
        return None
    whole = e.header.says("name_whole")
    spoken = e.header.says("name") and e.header.says("person_word") and not e.header.says("term", "not_identifier")
    if not (whole or spoken) or (e.header.says("date", "address", "place") and not whole):
        return None
    if e.distinct < 10 and e.unique_share < 0.3:
        return None
    return Verdict("name", direct=True)


def place(e: Evidence) -> Verdict | None:
    """Postcode, coordinate, street, town: geography below state (45 CFR 164.514(b)(2)(i)(B))."""
    if (
        e.header.says("latitude", "longitude")
        and e.number is not None
        and not e.number.integer
        and e.number.decimals >= 2
    ):
        limit = 90 if e.header.says("latitude") else 180
        if -limit <= e.number.minimum and e.number.maximum <= limit:
            return Verdict("address", direct=True, quasi=True, detail="coordinate")
    if e.header.says("postcode") and e.distinct > 3:
        short = [len(text) for text in e.texts]
        if (
            min(short) >= 3
            and max(short) <= 10
            and sum(any(c.isdigit() for c in t) for t in e.texts) > 0.8 * len(e.texts)
        ):
            return Verdict("address", direct=max(short) > 3, quasi=True, detail="postcode")
    if e.number is not None and e.number.integer and e.header.says("place", "address") and 2 < e.distinct <= 100:
        return Verdict("quasi_identifier", quasi=True)
    if e.word is None or e.header.says("email"):
        return None
    if e.header.says("address"):
        return Verdict("address", direct=True) if e.distinct > 5 else None
    if (
        e.header.says("place")
        and not e.header.says("identifier", "code")
        and e.distinct > 1
        and e.word.letter_share > 0.6
    ):
        return Verdict("address", direct=True, quasi=True, detail="place")
    return None


def age(e: Evidence) -> Verdict | None:
    """Ages identify together with others; over 89 they are direct identifiers (item C)."""
    if not e.header.says("age") or e.header.says("date"):
        return None
    n = e.number
    if n is None:
        banded = e.word is not None and e.word.digit_share > 0.6 and e.distinct <= 30
        return Verdict("quasi_identifier", quasi=True) if banded else None
    if n.quantiles[4] > 130 or n.minimum < -1 or e.distinct < 3 or e.header.says("count", "ordinal"):
        return None
    # Top-coded ages pile up at 90; a tail beyond it, or single ages above 89, is what the rule forbids.
    highest = n.maximum if e.totals.maximum is None else max(e.totals.maximum, n.maximum)
    over = highest > 89 and highest != 90
    unit = e.header.says("month", "day")
    return Verdict(
        "quasi_identifier", direct=over and not unit, quasi=True, detail="age_over_89" if over and not unit else "age"
    )


def birth_part(e: Evidence) -> Verdict | None:
    """Year, month or day of birth."""
    if e.header.says("birth") and e.number is not None and e.number.integer and not e.header.says("address"):
        low, high = e.number.minimum, e.number.maximum
        if low >= 1850 and high <= 2200:
            return Verdict("quasi_identifier", quasi=True, detail="year")
        if e.header.says("month", "day") and low >= 1 and high <= 31:
            return Verdict("quasi_identifier", quasi=True)
    return None


def demographic(e: Evidence) -> Verdict | None:
    """Sex, race, marital status and the like, as words or codes."""
    if not e.header.says("sex", "demographic") or e.distinct > FEW or e.header.says("age", "date"):
        return None
    if e.number is not None and not e.number.integer:
        return None
    return Verdict("quasi_identifier", quasi=True)


def _is_sequence(e: Evidence) -> bool:
    """1, 2, 3 … starting anew with each person or record."""
    assert e.number is not None
    starts = e.number.minimum in (0, 1) and e.number.dense
    return starts and (e.header.says("sequence") or e.blocks < 0.5) and e.unique_share < 0.1 and e.distinct <= 60


def identifier(e: Evidence) -> Verdict | None:
    """Numbers and labels of persons, stays, samples and records; not the ids of types and concepts."""
    h = e.header
    whole = h.says("identifier_whole")
    last = h.tokens[-1] if h.tokens else ""
    spoken = h.says("identifier") and (last in _LAST or (h.says("entity") and not h.says("count")))
    if not (whole or spoken) or (h.says("not_identifier") and not whole):
        return None
    if h.says("code_id") or (e.word is not None and e.word.mean_words > 3):
        return None
    if e.number is not None and not e.number.integer:
        return None
    if e.number is not None and _is_sequence(e):
        return None
    # An identifier tells many rows apart; a handful of values is a label whatever it is called.
    if e.distinct < 10 or (e.distinct < 20 and e.unique_share < 0.02 and not whole):
        return None
    if e.number is not None and not whole and e.number.minimum == 0 and e.number.quantiles[2] <= 2:
        return None
    return Verdict("identifier", direct=True, detail="record")


_LAST = frozenset(
    (
        "id", "ids", "identifier", "uid", "guid", "uuid", "key", "nbr", "nr", "nummer", "no", "number", "num",
        "kennung", "identifiant",
    )
)  # fmt: skip


def coded_category(e: Evidence) -> Verdict | None:
    """``admission_type_id``, ``SITEID``: the key of a short list, not of a record."""
    h = e.header
    listed = h.says("not_identifier") and (h.says("code_id") or (h.says("identifier") and h.tokens[-1] in _LAST))
    if e.distinct < 3 or (e.number is not None and not e.number.integer):
        return None
    if h.says("group") and not h.says("date", "follow_whole", "count") and e.distinct <= 100 and e.unique_share < 0.2:
        return Verdict("categorical")
    if listed and e.distinct <= 60 and e.unique_share < 0.2:
        return Verdict("code" if h.says("code_id") else "categorical")
    return None


def term(e: Evidence) -> Verdict | None:
    """Names of drugs, tests and diagnoses: capitalised or not, they name no person."""
    if e.word is None or not e.header.says("term") or e.header.says("person_word", "name_whole", "address"):
        return None
    if e.distinct < 15 or (e.word.digit_share > 0.9 and e.word.mean_words < 1.2):
        return None
    return Verdict("categorical") if e.unique_share <= 0.3 else Verdict("free_text", withheld=True)


def event_indicator(e: Evidence) -> Verdict | None:
    """An event or censoring flag: two or three values, coded or in words."""
    if not e.header.says("event_whole", "death") or not 2 <= e.distinct <= 4 or e.header.says("date", "follow_whole"):
        return None
    if e.number is not None and not (e.number.integer and e.number.minimum >= 0 and e.number.maximum <= 4):
        return None
    if not e.header.says("event_whole") and e.distinct != 2:
        return None
    if e.number is None and not all(_EVENT_WORDS & set(re.findall(r"[a-zà-ÿ]+", t.casefold())) for t in e.texts):
        return None
    return Verdict("event_indicator")


_EVENT_WORDS = frozenset(
    (
        "alive", "dead", "deceased", "died", "expired", "living", "survived", "survivor", "censored", "event", "yes",
        "no", "y", "n", "t", "f", "true", "false", "lost", "progressed", "progression", "relapse", "relapsed", "ja",
        "nein", "oui", "non", "si", "sí", "tot", "lebt", "lebend", "verstorben", "vivant", "décédé", "vivo", "muerto",
        "fallecido", "death", "none", "transplant", "withdrawn", "recurred", "recurrence", "a", "d",
    )
)  # fmt: skip


def free_text(e: Evidence) -> Verdict | None:
    """Notes, comments and verbatim terms."""
    if e.word is None or not e.header.says("free_text") or e.distinct < 15:
        return None
    if (e.word.mean_words < 1.5 and e.word.median_length < 12) or e.word.digit_share > 0.9:
        return None
    return Verdict("free_text", withheld=True)


def code(e: Evidence) -> Verdict | None:
    """A code list's key, in numbers or short labels."""
    if not e.header.says("code", "code_id") or e.date is not None:
        return None
    # "cd" is short for code at the end of a name only: CD4 is a cell.
    if e.header.says("code") and not e.header.says("code_id", "term") and "cd" in e.header.tokens[:-1]:
        return None
    if e.number is not None and ((not e.number.integer and e.number.decimals > 2) or e.number.minimum < 0):
        return None
    if e.word is not None and (e.word.mean_words > 1.6 or e.word.median_length > 20 or e.word.title_share > 0.8):
        return None
    if e.distinct <= 2:
        return None
    if e.distinct <= 20 and not e.header.says("code_id"):
        return Verdict("categorical")
    return Verdict("code")


def event_time(e: Evidence) -> Verdict | None:
    """A duration since a start: not negative, many values."""
    n = e.number
    if n is None or n.minimum < 0 or e.distinct <= 20 or not e.header.says("follow_whole"):
        return None
    return Verdict("event_time")


def ordinal(e: Evidence) -> Verdict | None:
    """Grades and stages."""
    if not e.header.says("ordinal") or not 3 <= e.distinct <= 12 or e.header.says("count", "identifier"):
        return None
    if e.number is not None and e.number.minimum < 0:
        return None
    return Verdict("ordinal")


def count(e: Evidence) -> Verdict | None:
    """Numbers of things."""
    n = e.number
    if n is None or not n.integer or n.minimum < 0 or e.distinct < 3 or not e.header.says("count"):
        return None
    first, last = e.header.tokens[0], e.header.tokens[-1]
    if e.header.joined in _LAST:
        return None
    # "n_visits" and "visits" count; "rad_num" numbers.
    if last in ("num", "no", "nr", "nbr", "n", "number") and first != last and not e.header.says("entity"):
        return None
    return Verdict("count")
