"""What the compliance level says to what was measured: pass, fail or cannot tell, threshold by threshold."""

from __future__ import annotations

from typing import Literal

from ..schemas.base import Frozen
from ..schemas.compliance import MIN_MEMBERSHIP_MARGIN, POLICIES, UNSOUND, Compliance
from ..synthesizers.running.run_card import DPSpent
from .metrics.disclosure import Disclosure, Interval
from .metrics.fidelity import Fidelity
from .metrics.utility import Utility

__all__ = ["Outcome", "Verdict", "judge", "judge_membership"]

Outcome = Literal["pass", "fail", "cannot tell"]


class Verdict(Frozen):
    """One threshold."""

    name: str
    outcome: Outcome
    measured: float | None
    threshold: float | bool
    note: str = ""


def judge(
    compliance: Compliance,
    *,
    rows: int,
    fidelity: Fidelity,
    utility: Utility | None,
    disclosure: Disclosure | None,
    spent: DPSpent | None,
    noise: Fidelity | None,
    made_by_known_method: bool,
    k_anonymity: int | None,
) -> tuple[Verdict, ...]:
    """Every threshold of ``compliance``.

    Args:
        compliance: The level.
        rows: Of the real table.
        fidelity: As measured.
        utility: None where there is no target, or none that can be tested.
        disclosure: None where no row was held out of the fit.
        spent: The budget of a DP fit; None where the method is not private, or nothing is known of it.
        noise: Fidelity of the fitted real rows to the rows that ``fidelity`` compares with: what chance alone makes;
            None where those are the fitted rows themselves.
        made_by_known_method: Whether a run card tells how the table was made.
        k_anonymity: Smallest group of equal quasi-identifiers; None where there are none known.
    """
    policy = POLICIES[compliance]
    no_holdout = "needs rows that were held out of the fit"
    found = [
        *(
            _distance(name, getattr(fidelity, name), getattr(policy, f"max_{name}"), getattr(noise, name, None))
            for name in ("ks_mean", "correlation_difference", "jensen_shannon")
        ),
        _least("rare_coverage", fidelity.rare_coverage, policy.min_rare_coverage, "there is no rare level"),
        _most("frequency_skew", fidelity.frequency_skew, policy.max_frequency_skew, "there is no rare level"),
        _ratio(utility, policy.min_tstr_ratio),
        _least("rows", float(rows), float(policy.min_rows)),
        judge_membership(None if disclosure is None else disclosure.membership_auc, policy.max_membership_auc),
        _most(
            "duplicates",
            None if disclosure is None else max(0.0, disclosure.duplicates - disclosure.held_out_duplicates),
            policy.max_duplicates,
            no_holdout,
        ),
        _most(
            "identifiability", None if disclosure is None else disclosure.identifiability, policy.max_identifiability,
            no_holdout,
        ),
        _least(
            "k_anonymity", None if k_anonymity is None else float(k_anonymity), float(policy.min_k_anonymity),
            "no quasi-identifiers are known",
        ),
        *_dp(spent, policy.max_epsilon, min(policy.max_delta, 1 / max(rows, 1)), policy.dp_required,
             made_by_known_method),
    ]  # fmt: skip
    return tuple(found)


def judge_membership(auc: Interval | None, threshold: float) -> Verdict:
    """|AUC - 0.5| against its confidence interval: fails where all of it lies over, passes where none of it does.

    A threshold of 0.50 is chance itself; the margin is then ``MIN_MEMBERSHIP_MARGIN``.
    """
    name, limit = "membership_auc", max(threshold, 0.5 + MIN_MEMBERSHIP_MARGIN)
    if auc is None:
        return Verdict(
            name=name, outcome="cannot tell", measured=None, threshold=limit,
            note="needs rows that were held out of the fit",
        )  # fmt: skip
    outcome: Outcome = "cannot tell"
    if auc.low > limit or auc.high < 1 - limit:
        outcome = "fail"
    elif auc.high <= limit and auc.low >= 1 - limit:
        outcome = "pass"
    note = f"95 % interval {auc.low:.3f} to {auc.high:.3f}"
    return Verdict(name=name, outcome=outcome, measured=auc.value, threshold=limit, note=note)


def _distance(name: str, value: float, limit: float, noise: float | None) -> Verdict:
    """As ``_most``, but what real rows differ by themselves is not held against the synthetic ones.

    Chance and a synthesizer's own error are independent and add up in squares.
    """
    found = _most(name, value, limit)
    if noise is None or found.outcome == "pass" or value**2 - noise**2 > limit**2:
        return found
    note = f"within chance: as many real rows differ by {noise:.3f}"
    return found.model_copy(update={"outcome": "cannot tell", "note": note})


def _most(name: str, value: float | None, limit: float, unknown: str = "") -> Verdict:
    outcome: Outcome = "cannot tell" if value is None else "pass" if value <= limit else "fail"
    note = unknown if value is None else UNSOUND.get(f"max_{name}", "")
    return Verdict(name=name, outcome=outcome, measured=value, threshold=limit, note=note)


def _least(name: str, value: float | None, limit: float, unknown: str = "") -> Verdict:
    outcome: Outcome = "cannot tell" if value is None else "pass" if value >= limit else "fail"
    note = unknown if value is None else UNSOUND.get(f"min_{name}", "")
    return Verdict(name=name, outcome=outcome, measured=value, threshold=limit, note=note)


def _ratio(utility: Utility | None, limit: float) -> Verdict:
    name = "tstr_ratio"
    if utility is None or utility.ratio is None:
        note = "needs a target and held-out rows" if utility is None else "the real rows do not teach the target either"
        return Verdict(name=name, outcome="cannot tell", measured=None, threshold=limit, note=note)
    ratio = utility.ratio
    outcome: Outcome = "pass" if ratio.low >= limit else "fail" if ratio.high < limit else "cannot tell"
    note = f"95 % interval {ratio.low:.2f} to {ratio.high:.2f}"
    return Verdict(name=name, outcome=outcome, measured=ratio.value, threshold=limit, note=note)


def _dp(
    spent: DPSpent | None, max_epsilon: float, max_delta: float, required: bool, known: bool
) -> tuple[Verdict, ...]:
    if spent is None:
        if not known:
            missing: Outcome = "cannot tell"
            note = "nothing is known of how the table was made: give its run card"
        else:
            missing, note = ("fail" if required else "pass"), "made without differential privacy"
        return (Verdict(name="differential_privacy", outcome=missing, measured=None, threshold=required, note=note),)
    formal = "" if spent.public_bounds else "bounds or levels were read off the data: no formal guarantee"
    within: Outcome = "pass" if spent.public_bounds else "cannot tell"
    return (
        Verdict(
            name="epsilon", outcome=within if spent.epsilon <= max_epsilon + 1e-9 else "fail", measured=spent.epsilon,
            threshold=max_epsilon, note=formal,
        ),
        Verdict(
            name="delta", outcome=within if spent.delta <= max_delta * (1 + 1e-9) else "fail", measured=spent.delta,
            threshold=max_delta, note=formal,
        ),
    )  # fmt: skip
