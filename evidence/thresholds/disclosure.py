"""The thresholds of disclosure: they decide whether a table may be released.

Similarity figures are no thresholds: they are shown and decide nothing (Pilgram et al., Patterns 2025), but for
overlap, which is a copy.
"""

from __future__ import annotations

import math

from ...schemas.compliance import MIN_MEMBERSHIP_MARGIN, POLICIES, SOURCES, Compliance, Policy
from ...synthesizers.running.run_card import DPSpent
from ..disclosure.audit import LeaveOneOut
from ..disclosure.intervals import Interval
from ..disclosure.measure import Disclosure
from ..disclosure.membership import Membership
from ..disclosure.overlap import Overlap
from ..disclosure.values_of_few import ValuesOfFew
from ..histories.disclosure import PatientDisclosure
from .verdict import ThresholdOutcome, ThresholdVerdict

__all__ = ["judge_disclosure", "judge_membership", "judge_patients"]

_CHANCE_OF_TAIL = 0.01
"""Chance, over all attacks, of so many persons caught where nothing leaks (ours)."""


def judge_disclosure(
    compliance: Compliance,
    *,
    persons: int,
    disclosure: Disclosure | None,
    overlap: Overlap,
    few: ValuesOfFew | None,
    audit: LeaveOneOut | None = None,
    spent: DPSpent | None,
    rows_per_person: int,
    made_by_known_method: bool,
) -> tuple[ThresholdVerdict, ...]:
    """Every threshold that decides about a release.

    Args:
        compliance: The level.
        persons: Of the real table.
        disclosure: None where no person was held out of the fit.
        overlap: Of the synthetic table with the real one; counted always.
        audit: Fits with and without the loneliest persons; None where none were made.
        few: Values of few persons that stand in the synthetic table; None where they were not counted.
        spent: The budget of a DP fit; None where the method is not private, or nothing is known of it.
        rows_per_person: The most rows that one person has: a budget for rows is so many times as large for a person.
        made_by_known_method: Whether a run card tells how the table was made.
    """
    policy = POLICIES[compliance]
    return (
        _overlap(overlap),
        *_values_of_few(few),
        judge_membership(None if disclosure is None else disclosure.membership_auc, policy.max_membership_auc),
        *_tails(None if disclosure is None else disclosure.membership, policy),
        *_audited(audit, policy),
        _below(
            "attribute_inference", None if disclosure is None else disclosure.attribute, policy.max_attribute_advantage,
            _attribute_note(disclosure),
        ),
        _below("singling_out", None if disclosure is None else disclosure.singling_out.risk, policy.max_linking_risk),
        _below("linkability", None if disclosure is None else disclosure.linkability.risk, policy.max_linking_risk),
        *_dp(spent, policy, persons, rows_per_person, made_by_known_method),
    )  # fmt: skip


def judge_patients(compliance: Compliance, patients: PatientDisclosure | None) -> tuple[ThresholdVerdict, ...]:
    """As :func:`judge_disclosure` of rows, of whole patients: each one's history as one row.

    Args:
        compliance: The level.
        patients: None where too few were held out of the fit.
    """
    policy = POLICIES[compliance]
    membership = None if patients is None else patients.membership
    verdicts = [
        judge_membership(None if membership is None else membership.auc, policy.max_membership_auc),
        *([] if patients is None else [_overlap(patients.overlap), *_tails(membership, policy)]),
    ]
    return tuple(verdict.model_copy(update={"name": f"patient_{verdict.name}"}) for verdict in verdicts)


def judge_membership(auc: Interval | None, threshold: float) -> ThresholdVerdict:
    """Fails where the whole interval lies over the threshold, passes where none of it does; below chance is no leak.

    A threshold of 0.50 is chance itself; the margin is then ``MIN_MEMBERSHIP_MARGIN``.
    """
    return _below("membership_auc", auc, max(threshold, 0.5 + MIN_MEMBERSHIP_MARGIN))


def _overlap(overlap: Overlap) -> ThresholdVerdict:
    # Without held-out rows chance alone is what the overlap is held against; that can accuse and not acquit.
    clear: ThresholdOutcome = "pass" if overlap.persons_hit is not None else "cannot tell"
    share = overlap.rows_copied if overlap.persons_hit is None else overlap.persons_hit
    note = overlap.reason or "within what held-out rows and chance explain"
    if clear == "cannot tell" and not overlap.copied:
        note = "within what chance explains; needs held-out rows to pass"
    return ThresholdVerdict(
        name="overlap", group="disclosure", outcome="fail" if overlap.copied else clear,
        measured=max(0.0, share.value), threshold=0.0, low=share.low, high=share.high, source=SOURCES["overlap"],
        note=note,
    )  # fmt: skip


def _values_of_few(few: ValuesOfFew | None) -> tuple[ThresholdVerdict, ...]:
    if few is None:
        return ()
    outcome: ThresholdOutcome = "fail" if few.count else "pass"
    note = f"real values held by fewer than {few.persons} persons"
    if few.columns:
        note += f", in {len(few.columns)} columns"
    return (
        ThresholdVerdict(
            name="values_of_few", group="disclosure", outcome=outcome, measured=float(few.count), threshold=0.0,
            source=SOURCES["values_of_few"], note=note,
        ),
    )  # fmt: skip


def _tails(membership: Membership | None, policy: Policy) -> tuple[ThresholdVerdict, ...]:
    """Tails can accuse and never acquit: few persons stand in them."""
    if membership is None:
        return ()
    found = []
    lonely = membership.lonely_auc
    if lonely is not None:
        found.append(_below("membership_lonely_auc", lonely, policy.max_lonely_auc, "the tenth that stands most alone"))
    caught = membership.caught_at_1
    if caught is not None:
        chance = membership.tail_chance
        outcome: ThresholdOutcome = "pass"
        if caught > policy.max_caught_at_1:
            outcome = "fail" if chance < _CHANCE_OF_TAIL else "cannot tell"
        found.append(
            ThresholdVerdict(
                name="membership_caught_at_1", group="disclosure", outcome=outcome, measured=caught,
                threshold=policy.max_caught_at_1, source=SOURCES["membership_caught_at_1"],
                note="share of persons caught at 1 % false alarms",
            )
        )  # fmt: skip
    return tuple(found)


def _audited(audit: LeaveOneOut | None, policy: Policy) -> tuple[ThresholdVerdict, ...]:
    if audit is None:
        return ()
    note = f"{audit.persons} persons that stand most alone, {audit.fits} fits"
    return (_below("leave_one_out", audit.auc, policy.max_lonely_auc, note),)


def _attribute_note(disclosure: Disclosure | None) -> str:
    if disclosure is None or not disclosure.attributes:
        return ""
    return f"column {disclosure.attributes[0].column}, who knows {disclosure.attributes[0].knows}"


def _below(name: str, figure: Interval | None, limit: float, note: str = "") -> ThresholdVerdict:
    """Of a figure with an interval that must lie below ``limit``."""
    if figure is None:
        return ThresholdVerdict(
            name=name, group="disclosure", outcome="cannot tell", measured=None, threshold=limit,
            source=SOURCES.get(name, ""), note="needs persons who were held out of the fit",
        )  # fmt: skip
    outcome: ThresholdOutcome = "fail" if figure.low > limit else "pass" if figure.high <= limit else "cannot tell"
    return ThresholdVerdict(
        name=name, group="disclosure", outcome=outcome, measured=figure.value, threshold=limit, low=figure.low,
        high=figure.high, source=SOURCES.get(name, ""), note=note,
    )  # fmt: skip


def _dp(
    spent: DPSpent | None, policy: Policy, persons: int, rows_per_person: int, known: bool
) -> tuple[ThresholdVerdict, ...]:
    """The budget by person: a guarantee for single rows is weaker for who has several (group privacy)."""
    name = "differential_privacy"
    if spent is None:
        outcome: ThresholdOutcome
        if not known:
            outcome = "cannot tell" if policy.dp_required else "pass"
            note = "nothing is known of how the table was made: give its run card"
        else:
            outcome, note = ("fail" if policy.dp_required else "pass"), "made without differential privacy"
        return (
            ThresholdVerdict(
                name=name, group="disclosure", outcome=outcome, measured=None, threshold=policy.dp_required,
                source=SOURCES[name], note=note,
            ),
        )  # fmt: skip
    formal = "" if spent.public_bounds else "bounds, levels, dates or keys were read off the data: no formal guarantee"
    epsilon = spent.epsilon * rows_per_person
    note = formal
    if rows_per_person > 1:
        note = f"{spent.epsilon:g} a row, up to {rows_per_person} rows a person; {formal}".rstrip("; ")
    limit = min(policy.max_delta, 1 / max(persons, 1))
    # Delta of a group grows by exp(epsilon) besides its size (Dwork & Roth 2014, theorem 2.2).
    delta = spent.delta
    if rows_per_person > 1:
        delta = min(1.0, spent.delta * rows_per_person * math.exp(min(700.0, (rows_per_person - 1) * spent.epsilon)))
    # Where the level asks for no DP, a budget over its limit is a weak extra and not a failure of disclosure.
    over: ThresholdOutcome = "fail" if policy.dp_required else "cannot tell"
    within: ThresholdOutcome = "pass" if spent.public_bounds or not policy.dp_required else "cannot tell"
    figures = (("epsilon", epsilon, policy.max_epsilon + 1e-9), ("delta", delta, limit * (1 + 1e-9)))
    return tuple(
        ThresholdVerdict(
            name=name, group="disclosure", outcome=within if value <= most else over, measured=value, threshold=most,
            source=SOURCES[name], note=note,
        )
        for name, value, most in figures
    )  # fmt: skip
