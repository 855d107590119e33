"""What to do with a column before a fit."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from .base import Frozen

__all__ = ["Generalisation", "HistoryPart", "OutcomePart", "Treatment"]

Generalisation = Literal[
    "cap_age", "cap_age_days", "cap_age_months", "age_from_birth", "postcode_area", "time_since_first", "year_of_date"
]
"""How a column is coarsened: ages of 90 and over in one class (years, days or months); a birth date or year as an age;
the first three digits of a postcode; days since the person's first date; the year of a person's only date."""

HistoryPart = Literal["time", "static", "end", "event", "visit", "sequence", "key"]
"""When a row was; the same in all rows of a patient, among these the end of follow-up and its event; what varies; the
number of the row within its patient; a key of records within a patient, such as an admission's number."""

OutcomePart = Literal["time", "event"]
"""Of a time-to-event outcome: the time until the event or the end of follow-up, and whether it was the event."""

_FORMER_RULES: dict[str, Generalisation] = {
    "Keep the first three digits, and 000 where the area has 20,000 people or fewer.": "postcode_area",
    "Replace by the age in years, 90 and over in one class.": "age_from_birth",
    "Put ages of 90 and over into one class.": "cap_age",
    "Replace by days since the person's first date, or shift per person.": "time_since_first",
    "Replace by time since the person's first date, or shift per person.": "time_since_first",
}
_FORMER_PATIENT = "Replace by an arbitrary key, kept only to group a patient's rows; leave it out of the fit."
"""Plans stored before ``how`` and ``patient`` were fields of their own tell them by their rule's sentence."""


class Treatment(Frozen):
    """What to do with one column before a fit, by rule and never by an LLM."""

    alias: str
    column: str | None = None
    """The column's name on the caller's machine; None where only a safe profile was given."""
    action: Literal["keep", "drop", "pseudonymise", "generalise"]
    how: Generalisation | None = None
    """Of ``generalise``; None where it must be done by hand."""
    patient: bool = False
    """Of ``pseudonymise``: tells patients apart, whose rows belong together."""
    part: HistoryPart | None = None
    """What the column is in a patient's history; None where every patient has one row."""
    outcome: OutcomePart | None = None
    """What the column is of a time-to-event outcome; None where the table has none, or the column is no part of it."""
    constant: bool = False
    """Of ``drop``: one value in every cell, which comes back as it was."""
    short_years: bool = False
    """Of ``age_from_birth``: years were written with two digits; a birth after the event is a century earlier."""
    labels: bool = False
    """Its numbers are labels, such as the codes of a terminology, and no amounts."""
    missing_codes: tuple[float, ...] = ()
    """Numbers such as -9 or 999 that stand for a missing cell."""
    concept: str | None = None
    """The clinical concept that the column holds; None where none was recognised, or it must stay at home."""
    unit: str | None = None
    """Of a number with a concept."""
    rule: str
    """What is done, in one sentence."""
    reference: str | None = None
    """Where the rule comes from, such as 45 CFR 164.514(b)(2)(i)(A)."""

    @model_validator(mode="before")
    @classmethod
    def _read_former_rule(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        rule = data.get("rule")
        found: dict[str, Any] = {}
        if data.get("action") == "generalise" and "how" not in data:
            found["how"] = _FORMER_RULES.get(str(rule))
        if rule == _FORMER_PATIENT and "patient" not in data:
            found["patient"] = True
        return {**data, **found}
