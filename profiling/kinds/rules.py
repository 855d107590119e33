"""The rules that recognise kinds, in order: the first that speaks decides. Each is a small test with its reason.

Order matters twice: patterns that identify a person come before everything else, and where the values leave doubt
whether a text column names persons, it is taken to do so (fail closed). New rules are added to ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...schemas.profile import Kind
from . import name_rules as named
from . import value_rules as valued
from .column_facts import Evidence
from .decision import Verdict

__all__ = ["RULES", "Rule", "judge"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One test of the evidence on a column.

    Attributes:
        name: What the rule is called in reports.
        reason: Why a column that passes has this kind.
        test: The verdict, or None where the rule does not speak.
    """

    name: str
    reason: str
    test: Callable[[Evidence], Verdict | None]


RULES: tuple[Rule, ...] = (
    Rule("empty", "No cell has a value.", valued.empty),
    Rule("direct pattern", "Nearly all values have a shape that identifies a person or record.", valued.direct_pattern),
    Rule("constant", "One value only; it tells nothing about a row.", valued.constant),
    Rule("date", "Nearly all values are dates.", valued.date),
    Rule("named contact", "The name says phone, e-mail or insurance number, and the values agree.", named.contact),
    Rule("named person", "The name says a person's name, and the values are words.", named.person_name),
    Rule("named place", "The name says an address or a unit smaller than a state.", named.place),
    Rule("named age", "The name says age, and the values are ages.", named.age),
    Rule("named birth part", "The name says a part of the birth date.", named.birth_part),
    Rule("named demographic", "The name says sex, race, religion, language or the like.", named.demographic),
    Rule("coded category", "The name says the key of a short list, and the values repeat.", named.coded_category),
    Rule("named identifier", "The name says an identifier, and the values could be one.", named.identifier),
    Rule("named event", "The name says an event, and the values are an indicator.", named.event_indicator),
    Rule("terminology", "The values are codes of a clinical terminology.", valued.terminology),
    Rule("two values", "Two values besides missing ones.", valued.boolean),
    Rule("named free text", "The name says a note or a verbatim term, and the values are words.", named.free_text),
    Rule("named code", "The name says a code, and the values are labels.", named.code),
    Rule("named time to event", "The name says a time to an event, and the values are durations.", named.event_time),
    Rule("serial number", "Whole numbers without repeats, consecutive or of one length.", valued.serial_number),
    Rule("record key", "Labels or numbers of one form, each nearly once or in blocks of rows.", valued.record_key),
    Rule("named ordinal", "The name says a grade or stage, and the values are few and ordered.", named.ordinal),
    Rule("named count", "The name says a count, and the values are whole and not negative.", named.count),
    Rule("named term", "The name says drug, test, diagnosis or the like, and the values are words.", named.term),
    Rule("place words", "Nearly all values hold a word such as county or parish.", valued.place_words),
    Rule("organisation", "Most values hold a word such as hospital or Inc.", valued.organisation),
    Rule("postcode", "The values have the shape of postcodes.", valued.postcode),
    Rule("padded label", "Numbers written with leading zeros to one length.", valued.padded_label),
    Rule("interval levels", "Levels are intervals or numbered, so that they have an order.", valued.ordered_levels),
    Rule("short scale", "Few consecutive whole numbers from 0 or 1.", valued.short_scale),
    Rule("count", "Whole numbers from 0 upwards, small and skewed.", valued.count),
    Rule("number", "Numbers.", valued.continuous),
    Rule("written number", "Numbers among which some are ranges or carry a unit.", valued.written_number),
    Rule("free text", "Many words per value, and few repeats.", valued.free_text),
    Rule("name-like", "A vocabulary of capitalised words: could be names or places (fail closed).", valued.name_like),
    Rule("unique label", "One word per value and hardly a repeat (fail closed).", valued.unique_label),
    Rule("capital name", "Words in capitals from a long list (fail closed).", valued.capital_name),
    Rule("label code", "Short labels with digits from a long list.", valued.label_code),
    Rule("categories", "Words that repeat.", valued.categorical),
)


def judge(evidence: Evidence) -> tuple[Verdict, Rule]:
    """The first rule that speaks, with its verdict; the last rule always does."""
    for rule in RULES:
        verdict = rule.test(evidence)
        if verdict is not None:
            return verdict, rule
    raise AssertionError("the last rule speaks on any evidence")


KINDS_BY_USER: dict[Kind, Verdict] = {
    kind: Verdict(
        kind,
        direct=kind in ("identifier", "name", "address", "phone", "email", "ssn", "date", "datetime"),
        quasi=kind == "quasi_identifier",
        withheld=kind in ("free_text",),
    )
    for kind in (
        "identifier", "quasi_identifier", "name", "address", "phone", "email", "ssn", "date", "datetime", "free_text",
        "code", "boolean", "categorical", "ordinal", "count", "continuous", "event_time", "event_indicator", "constant",
    )
}  # fmt: skip
"""What a kind given by the user implies for privacy."""
