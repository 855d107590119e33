"""What to do with each column before a fit: by rule, with the rule's source, never by an LLM."""

from __future__ import annotations

from dataclasses import dataclass

from ..schemas.column_treatment import Generalisation
from ..schemas.profile import Role, TreatmentAction
from .kinds.decision import Decision

__all__ = ["TreatmentRule", "treat"]

_HARBOR = "45 CFR 164.514(b)(2)(i)"
_GDPR_PSEUDONYM = "GDPR Art. 4(5)"
_GDPR_MINIMAL = "GDPR Art. 5(1)(c)"


@dataclass(frozen=True, slots=True)
class TreatmentRule:
    """One treatment: action, sentence, source, and of a generalisation which one."""

    action: TreatmentAction
    rule: str
    reference: str | None = None
    how: Generalisation | None = None


_AGE = TreatmentRule(
    "generalise", "Replace by the age in years, 90 and over in one class.", f"{_HARBOR}(C)", "age_from_birth"
)
_BY_DETAIL: dict[str, TreatmentRule] = {
    "postcode": TreatmentRule(
        "generalise",
        "Keep the first three digits, and 000 where the area has 20,000 people or fewer.",
        f"{_HARBOR}(B)",
        "postcode_area",
    ),
    "coordinate": TreatmentRule("drop", "Drop: coordinates point to a place smaller than a state.", f"{_HARBOR}(B)"),
    "place": TreatmentRule(
        "drop", "Drop, or replace by the state: towns and counties are smaller than a state.", f"{_HARBOR}(B)"
    ),
    "birth": _AGE,
    "age_over_89": TreatmentRule("generalise", "Put ages of 90 and over into one class.", f"{_HARBOR}(C)", "cap_age"),
    "age_written": TreatmentRule(
        "generalise",
        "Read as ages in years, 90 and over in one class; what is no age is missing.",
        f"{_HARBOR}(C)",
        "cap_age",
    ),
    "age_in_days": TreatmentRule("generalise", "Cap ages at 90 years, in days.", f"{_HARBOR}(C)", "cap_age_days"),
    "age_in_months": TreatmentRule("generalise", "Cap ages at 90 years, in months.", f"{_HARBOR}(C)", "cap_age_months"),
    "year": _AGE,
    "lone_date": TreatmentRule(
        "generalise", "Keep the year of the person's only date.", f"{_HARBOR}(C)", "year_of_date"
    ),
}

_BY_KIND: dict[str, TreatmentRule] = {
    "identifier": TreatmentRule("drop", "Drop: a number or label of one person or record.", f"{_HARBOR}(R)"),
    "name": TreatmentRule("drop", "Drop: a person's name.", f"{_HARBOR}(A)"),
    "address": TreatmentRule("drop", "Drop: an address.", f"{_HARBOR}(B)"),
    "phone": TreatmentRule("drop", "Drop: a telephone or fax number.", f"{_HARBOR}(D), (E)"),
    "email": TreatmentRule("drop", "Drop: an e-mail address.", f"{_HARBOR}(F)"),
    "ssn": TreatmentRule("drop", "Drop: a social security number.", f"{_HARBOR}(G)"),
    "date": TreatmentRule(
        "generalise",
        "Model days since the person's first date; they come back as dates after a first date that is made up.",
        f"{_HARBOR}(C)",
        "time_since_first",
    ),
    "datetime": TreatmentRule(
        "generalise",
        "Model time since the person's first date; it comes back as dates after a first date that is made up.",
        f"{_HARBOR}(C)",
        "time_since_first",
    ),
    "free_text": TreatmentRule("drop", "Drop: free text may name persons and is not modelled.", _GDPR_MINIMAL),
    "constant": TreatmentRule("drop", "Drop: one value tells nothing.", _GDPR_MINIMAL),
}

_PATIENT = TreatmentRule(
    "pseudonymise",
    "Replace by an arbitrary key, kept only to group a patient's rows; leave it out of the fit.",
    f"{_HARBOR}(R); {_GDPR_PSEUDONYM}",
)
_KEY = TreatmentRule(
    "pseudonymise",
    "Replace by an arbitrary key where rows must be linked; leave it out of the fit.",
    f"{_HARBOR}(R); {_GDPR_PSEUDONYM}",
)
_QUASI = TreatmentRule("keep", "Keep; coarsen it where few share a combination of such columns.", "GDPR recital 26")
_CLOCK = TreatmentRule("keep", "Keep: a time of day without a date.")
_KEEP = TreatmentRule("keep", "Keep as it is.")


def treat(decision: Decision, role: Role, *, repeats: bool = False) -> TreatmentRule:
    """The treatment of a column.

    Args:
        decision: Its kind and privacy.
        role: Its role; the patient identifier is kept as a key.
        repeats: An identifier whose values come in several rows, and so links them.
    """
    if role == "patient_id":
        return _PATIENT
    if decision.detail in _BY_DETAIL:
        return _BY_DETAIL[decision.detail]
    if decision.kind == "identifier" and repeats:
        return _KEY
    if decision.kind == "datetime" and not decision.direct:
        return _CLOCK
    if decision.kind in _BY_KIND:
        return _BY_KIND[decision.kind]
    return _QUASI if decision.quasi else _KEEP
