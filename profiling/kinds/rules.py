"""The rules that recognise kinds, in order: the first that speaks decides. Each is a small test with its reason.

Order matters twice: patterns that identify a person come before everything else, and where the values leave doubt
whether a text column names persons, it is taken to do so (fail closed). New rules are added to ``RULES``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from ...schemas.profile import Kind
from . import identity_rules as identity
from . import name_rules as named
from . import value_rules as valued
from .age_rules import named_age, written_age
from .column_facts import ColumnFacts
from .decision import Decision
from .record_keys import record_key

__all__ = ["RULES", "KindRule", "decide"]


@dataclass(frozen=True, slots=True)
class KindRule:
    """One test of the facts on a column.

    Attributes:
        name: What the rule is called in reports.
        reason: Why a column that passes has this kind.
        test: The decision, or None where the rule does not speak.
    """

    name: str
    reason: str
    test: Callable[[ColumnFacts], Decision | None]


RULES: tuple[KindRule, ...] = (
    KindRule("empty", "No cell has a value.", valued.empty),
    KindRule(
        "direct pattern", "Nearly all values have a shape that identifies a person or record.", valued.direct_pattern
    ),
    KindRule("national number", "The values are numbers that a state gives to persons.", identity.national_number),
    KindRule("consecutive label", "Labels of one prefix with consecutive numbers.", identity.consecutive_label),
    KindRule("mobile", "Digits with a leading 0 and few area codes.", identity.mobile),
    KindRule("plate", "The values have the form of registration plates.", identity.plate),
    KindRule("constant", "One value only; it tells nothing about a row.", valued.constant),
    KindRule("date", "Nearly all values are dates.", valued.date),
    KindRule("named contact", "The name says phone, e-mail or insurance number, and the values agree.", named.contact),
    KindRule("named person", "The name says a person's name, and the values are words.", named.person_name),
    KindRule("named place", "The name says an address or a unit smaller than a state.", named.place),
    KindRule("called like", "The values are called like persons or places.", identity.called_like),
    KindRule("named age", "The name says age, and the values are ages.", named_age),
    KindRule("written age", "Ages with a unit, or with a class of 90 and over.", written_age),
    KindRule("named birth part", "The name says a part of the birth date.", named.birth_part),
    KindRule("named demographic", "The name says sex, race, religion, language or the like.", named.demographic),
    KindRule("coded category", "The name says the key of a short list, and the values repeat.", named.coded_category),
    KindRule("named identifier", "The name says an identifier, and the values could be one.", named.identifier),
    KindRule("named event", "The name says an event, and the values are an indicator.", named.event_indicator),
    KindRule("terminology", "The values are codes of a clinical terminology.", valued.terminology),
    KindRule("two values", "Two values besides missing ones.", valued.boolean),
    KindRule("named free text", "The name says a note or a verbatim term, and the values are words.", named.free_text),
    KindRule("named code", "The name says a code, and the values are labels.", named.code),
    KindRule(
        "named time to event", "The name says a time to an event, and the values are durations.", named.event_time
    ),
    KindRule("serial number", "Whole numbers without repeats, consecutive or of one length.", valued.serial_number),
    KindRule("record key", "Labels or numbers of one form, each nearly once or in blocks of rows.", record_key),
    KindRule("repeated key", "Keys that repeat as persons do.", identity.repeated_key),
    KindRule("named ordinal", "The name says a grade or stage, and the values are few and ordered.", named.ordinal),
    KindRule("named count", "The name says a count, and the values are whole and not negative.", named.count),
    KindRule("named term", "The name says drug, test, diagnosis or the like, and the values are words.", named.term),
    KindRule("place words", "Nearly all values hold a word such as county or parish.", valued.place_words),
    KindRule("organisation", "Most values hold a word such as hospital or Inc.", valued.organisation),
    KindRule("postcode", "The values have the shape of postcodes.", valued.postcode),
    KindRule("postcode form", "The values have a form that only postcodes have.", identity.postcode_form),
    KindRule("long number", "Whole numbers of nine digits and more, hardly any twice.", identity.long_number),
    KindRule("padded label", "Numbers written with leading zeros to one length.", valued.padded_label),
    KindRule("interval levels", "Levels are intervals or numbered, so that they have an order.", valued.ordered_levels),
    KindRule("short scale", "Few consecutive whole numbers from 0 or 1.", valued.short_scale),
    KindRule("count", "Whole numbers from 0 upwards, small and skewed.", valued.count),
    KindRule("number", "Numbers.", valued.continuous),
    KindRule("written number", "Numbers among which some are ranges or carry a unit.", valued.written_number),
    KindRule(
        "house number", "Words with one number before or after them, nearly all different.", identity.house_number
    ),
    KindRule("full address", "Street, number and town in one cell.", identity.full_address),
    KindRule("short label", "Letters and digits in short groups, hardly any twice.", identity.short_label),
    KindRule("dialled", "Digits with the marks of telephone numbers, hardly any twice.", identity.dialled),
    KindRule("caseless name", "Short words of a script without capitals, mostly different.", identity.caseless_name),
    KindRule("free text", "Many words per value, and few repeats.", valued.free_text),
    KindRule(
        "name-like", "A vocabulary of capitalised words: could be names or places (fail closed).", valued.name_like
    ),
    KindRule("unique label", "One word per value and hardly a repeat (fail closed).", valued.unique_label),
    KindRule("capital name", "Words in capitals from a long list (fail closed).", valued.capital_name),
    KindRule("label code", "Short labels with digits from a long list.", valued.label_code),
    KindRule("categories", "Words that repeat.", valued.categorical),
)


def decide(column: ColumnFacts) -> Decision:
    """What the first rule that speaks decides; the last rule always does."""
    for rule in RULES:
        decision = rule.test(column)
        if decision is not None:
            return decision if decision.reason else dataclasses.replace(decision, reason=rule.reason)
    raise AssertionError("the last rule speaks on any column")


DECISIONS_BY_KIND: dict[Kind, Decision] = {
    kind: Decision(
        kind,
        direct=kind in ("identifier", "name", "address", "phone", "email", "ssn", "date", "datetime"),
        quasi=kind == "quasi_identifier",
        withheld=kind == "free_text",
        reason="The user says so.",
    )
    for kind in (
        "identifier", "quasi_identifier", "name", "address", "phone", "email", "ssn", "date", "datetime", "free_text",
        "code", "boolean", "categorical", "ordinal", "count", "continuous", "event_time", "event_indicator", "constant",
    )
}  # fmt: skip
"""What a kind given by the user implies for privacy."""
