"""May the table be released: yes, no, or not shown; and how many held-out persons an answer needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..schemas.base import Frozen, count_of
from ..schemas.compliance import MIN_MEMBERSHIP_MARGIN, POLICIES, Compliance
from .disclosure.intervals import persons_for_auc, persons_for_share
from .disclosure.membership import ATTACKS
from .thresholds.verdict import ThresholdVerdict

__all__ = ["EVIDENCE_FOR_YES", "Release", "ReleaseDecision", "decide_release", "failed_thresholds", "persons_needed"]

Release = Literal["yes", "no", "not shown"]

EVIDENCE_FOR_YES = (
    "overlap", "membership_auc", "attribute_inference", "singling_out", "linkability", "patient_overlap",
    "patient_membership_auc",
)  # fmt: skip
"""Each of these must pass, those of patients where a patient has several rows; the others may stay open, but none may
fail."""

_BUDGET = ("differential_privacy", "epsilon", "delta")
"""These too where the level requires DP."""
_TYPICAL_SUCCESS = 0.3
"""Share of held-out persons on whom an attack succeeds by what anybody could infer (judgement)."""
_LOOKS = 24
"""Columns and attackers that attribute inference looks at."""


class ReleaseDecision(Frozen):
    """The answer, and what it rests on."""

    release: Release
    reason: str
    persons_held_out: int
    persons_needed: int
    """Held-out persons below which no table can be shown to be safe at this level."""


def failed_thresholds(verdicts: Sequence[ThresholdVerdict]) -> tuple[str, ...]:
    """Names of the failed thresholds, those of disclosure first."""
    return tuple(
        verdict.name
        for group in ("disclosure", "quality")
        for verdict in verdicts
        if verdict.group == group and verdict.outcome == "fail"
    )


def persons_needed(compliance: Compliance, fitted_per_held_out: float = 4.0) -> int:
    """Held-out persons below which ``yes`` is out of reach: every interval would be wider than its threshold allows.

    Args:
        compliance: The level.
        fitted_per_held_out: How many persons were fitted for one that was not.
    """
    policy = POLICIES[compliance]
    ratio = max(fitted_per_held_out, 1e-3)
    auc = max(policy.max_membership_auc, 0.5 + MIN_MEMBERSHIP_MARGIN)
    return max(
        persons_for_auc(auc, ratio, len(ATTACKS)),
        persons_for_share(policy.max_attribute_advantage, ratio, _TYPICAL_SUCCESS, _LOOKS),
        persons_for_share(policy.max_linking_risk, ratio, _TYPICAL_SUCCESS, 2),
    )


def decide_release(
    compliance: Compliance, verdicts: Sequence[ThresholdVerdict], fitted: int, held_out: int
) -> ReleaseDecision:
    """A failed disclosure threshold outweighs everything; ``yes`` needs positive evidence from enough persons.

    Args:
        compliance: The level.
        verdicts: All thresholds; those of quality decide nothing here.
        fitted: Persons of the fit.
        held_out: Persons kept out of it.
    """
    needed = persons_needed(compliance, fitted / held_out if held_out else 4.0)
    own = [verdict for verdict in verdicts if verdict.group == "disclosure"]
    failed = [verdict for verdict in own if verdict.outcome == "fail"]
    must_pass = (*EVIDENCE_FOR_YES, *(_BUDGET if POLICIES[compliance].dp_required else ()))
    undecided = [verdict.name for verdict in own if verdict.outcome == "cannot tell" and verdict.name in must_pass]
    release: Release
    if failed:
        release, reason = "no", "; ".join(map(_say, failed))
    elif not held_out:
        release = "not shown"
        reason = f"no person was held out of the fit; {needed} would do"
    elif held_out < needed:
        release = "not shown"
        reason = (
            f"{count_of(held_out, 'person')} held out of the fit; fewer than {needed} cannot show it at {compliance}"
        )
    elif undecided:
        release, reason = "not shown", f"undecided: {', '.join(undecided)}"
    else:
        release = "yes"
        reason = f"no attack tells fitted from {held_out} held-out persons beyond the limits of {compliance}"
    return ReleaseDecision(release=release, reason=reason, persons_held_out=held_out, persons_needed=needed)


def _say(verdict: ThresholdVerdict) -> str:
    measured = "" if verdict.measured is None else f" {verdict.measured:.3g} over {float(verdict.threshold):.3g}"
    note = f" ({verdict.note})" if verdict.note else ""
    return f"{verdict.name}{measured}{note}"
