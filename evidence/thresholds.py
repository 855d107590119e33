"""What the compliance level says to what was measured: pass, fail or cannot tell, threshold by threshold.

Two groups: ``disclosure`` decides whether a table may be released, ``quality`` what it is good for. Similarity figures
are no thresholds: they are shown and decide nothing (Pilgram et al., Patterns 2025), but for overlap, which is a copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

from ..schemas.base import Frozen
from ..schemas.compliance import MIN_MEMBERSHIP_MARGIN, POLICIES, SOURCES, UNSOUND, Compliance, Policy
from ..synthesizers.running.run_card import DPSpent
from .disclosure.audit import LeaveOneOut
from .disclosure.intervals import Interval
from .disclosure.measure import Disclosure
from .disclosure.membership import Membership
from .disclosure.overlap import Overlap
from .disclosure.values_of_few import ValuesOfFew
from .histories.disclosure import PatientDisclosure
from .metrics.fidelity import Fidelity
from .metrics.utility import Utility

__all__ = [
    "ThresholdGroup",
    "ThresholdOutcome",
    "ThresholdVerdict",
    "judge_disclosure",
    "judge_histories",
    "judge_membership",
    "judge_patients",
    "judge_quality",
    "judge_set",
    "worst_of",
]

ThresholdOutcome = Literal["pass", "fail", "cannot tell"]
ThresholdGroup = Literal["disclosure", "quality"]

_CHANCE_OF_TAIL = 0.01
"""Chance, over all attacks, of so many persons caught where nothing leaks (ours)."""

_OUTCOMES: tuple[ThresholdOutcome, ...] = ("pass", "cannot tell", "fail")
"""Best first."""

_HISTORY_DISTANCES = ("length", "gap", "step", "drift", "transitions", "bigrams")
_HISTORY_ERRORS = ("lag_one", "lag_one_within", "intraclass", "copresence")
_HISTORY_SLIPS = {"once_repeated": 0.05, "after_end": 0.0}
"""Shares of rows that contradict their patient's own history (ours), or what the real table has of them by error."""
MOST_ROWS_OFF = 0.1
"""By how much the mean rows a patient may be off (ours)."""


class ThresholdVerdict(Frozen):
    """One threshold."""

    name: str
    group: ThresholdGroup
    outcome: ThresholdOutcome
    measured: float | None
    threshold: float | bool
    low: float | None = None
    """Bounds of the measured figure, where it has any."""
    high: float | None = None
    source: str = ""
    """Whose figure the threshold is."""
    note: str = ""


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


def judge_quality(
    compliance: Compliance, *, rows: int, fidelity: Fidelity, utility: Utility | None, noise: Fidelity | None
) -> tuple[ThresholdVerdict, ...]:
    """Every threshold that says what a table is good for; none of them decides about a release.

    Args:
        compliance: The level.
        rows: Of the real table.
        fidelity: As measured.
        utility: None where there is no target, or none that can be tested.
        noise: Fidelity of the fitted real rows, protected as they entered the fit, to the rows that ``fidelity``
            compares with: what chance and protection alone make; None where those are the fitted rows themselves.
    """
    policy = POLICIES[compliance]
    return (
        *(
            _distance(name, getattr(fidelity, name), getattr(policy, f"max_{name}"), getattr(noise, name, None))
            for name in ("ks_mean", "correlation_difference", "jensen_shannon")
        ),
        _least("rare_coverage", fidelity.rare_coverage, policy.min_rare_coverage, "there is no rare level"),
        _most("frequency_skew", fidelity.frequency_skew, policy.max_frequency_skew, "there is no rare level"),
        _ratio(utility, policy.min_tstr_ratio),
        _least("rows", float(rows), float(policy.min_rows)),
    )


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


def judge_histories(
    compliance: Compliance, figures: Mapping[str, float | None], floor: Mapping[str, float | None]
) -> tuple[ThresholdVerdict, ...]:
    """What a patient's rows say together; decides nothing about a release.

    Distances have the level's limit of numbers' distributions, errors of correlations that of correlations.

    Args:
        compliance: The level.
        figures: Of the synthetic histories.
        floor: The same of the real patients of the fit, who differ from the held-out ones by chance.
    """
    policy = POLICIES[compliance]
    limits = {
        **dict.fromkeys(_HISTORY_DISTANCES, policy.max_ks_mean),
        **dict.fromkeys(_HISTORY_ERRORS, policy.max_correlation_difference),
    }
    verdicts = [
        _distance(name, value, limit, floor.get(name))
        for name, limit in limits.items()
        if (value := figures.get(name)) is not None
    ]
    verdicts += [
        _most(name, value, max(limit, floor.get(name) or 0.0))
        for name, limit in _HISTORY_SLIPS.items()
        if (value := figures.get(name)) is not None
    ]
    ratio, seen = figures.get("rows_per_patient"), floor.get("rows_per_patient")
    if ratio is not None:
        verdict = _distance("rows_per_patient", abs(ratio - 1), MOST_ROWS_OFF, abs((seen or 1.0) - 1))
        if verdict.outcome == "cannot tell":
            note = f"the protected real table itself has {seen:.2f} times the rows"
            verdict = verdict.model_copy(update={"note": note})
        verdicts.append(verdict)
    return tuple(verdict.model_copy(update={"name": f"history_{verdict.name}"}) for verdict in verdicts)


def judge_set(
    lost_keys: int, after_death: Mapping[str, float | None], real: Mapping[str, float | None]
) -> tuple[ThresholdVerdict, ...]:
    """What a set must hold together: keys, and nothing after a death; decides nothing about a release.

    Args:
        lost_keys: Keys that lead nowhere, or name two patients.
        after_death: Event table → share of rows after their patient's death; None where that is not told.
        real: The same of the real set, which may have some by error.
    """
    dead = {
        name: [_most("after_death", share, real.get(name) or 0.0)]
        for name, share in after_death.items()
        if share is not None
    }
    return (_most("keys", float(lost_keys), 0.0), *worst_of(dead))


def worst_of(verdicts: Mapping[str, Iterable[ThresholdVerdict]]) -> tuple[ThresholdVerdict, ...]:
    """One verdict a threshold: that of the table with the worst outcome, which its note names.

    Args:
        verdicts: Table → its verdicts.
    """
    found: dict[str, tuple[tuple[int, float], ThresholdVerdict]] = {}
    for table, own in verdicts.items():
        for verdict in own:
            rank = (_OUTCOMES.index(verdict.outcome), verdict.measured or 0.0)
            if verdict.name not in found or rank > found[verdict.name][0]:
                note = f"{table}: {verdict.note}" if verdict.note else table
                found[verdict.name] = (rank, verdict.model_copy(update={"note": note}))
    return tuple(verdict for _, verdict in found.values())


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


def _distance(name: str, value: float, limit: float, noise: float | None) -> ThresholdVerdict:
    """As ``_most``, but what real rows differ by themselves is not held against the synthetic ones.

    Chance and a synthesizer's own error are independent and add up in squares.
    """
    verdict = _most(name, value, limit)
    if noise is None or verdict.outcome == "pass" or value**2 - noise**2 > limit**2:
        return verdict
    note = f"within chance: as many real rows differ by {noise:.3f}"
    return verdict.model_copy(update={"outcome": "cannot tell", "note": note})


def _most(name: str, value: float | None, limit: float, unknown: str = "") -> ThresholdVerdict:
    outcome: ThresholdOutcome = "cannot tell" if value is None else "pass" if value <= limit else "fail"
    note = unknown if value is None else UNSOUND.get(f"max_{name}", "")
    return _quality(name, outcome, value, limit, note)


def _least(name: str, value: float | None, limit: float, unknown: str = "") -> ThresholdVerdict:
    outcome: ThresholdOutcome = "cannot tell" if value is None else "pass" if value >= limit else "fail"
    note = unknown if value is None else UNSOUND.get(f"min_{name}", "")
    return _quality(name, outcome, value, limit, note)


def _ratio(utility: Utility | None, limit: float) -> ThresholdVerdict:
    name = "tstr_ratio"
    if utility is None or utility.ratio is None:
        note = "needs a target and held-out rows" if utility is None else "the real rows do not teach the target either"
        return _quality(name, "cannot tell", None, limit, note)
    ratio = utility.ratio
    outcome: ThresholdOutcome = "pass" if ratio.low >= limit else "fail" if ratio.high < limit else "cannot tell"
    note = f"95 % interval {ratio.low:.2f} to {ratio.high:.2f}"
    return _quality(name, outcome, ratio.value, limit, note)


def _quality(
    name: str, outcome: ThresholdOutcome, measured: float | None, threshold: float, note: str
) -> ThresholdVerdict:
    return ThresholdVerdict(
        name=name, group="quality", outcome=outcome, measured=measured, threshold=threshold,
        source=SOURCES.get(name, ""), note=note,
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
    formal = "" if spent.public_bounds else "bounds or levels were read off the data: no formal guarantee"
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
