"""The thresholds of quality: what rows, histories and linked tables are good for; none decides about a release."""

from __future__ import annotations

from collections.abc import Mapping

from ...schemas.compliance import POLICIES, SOURCES, UNSOUND, Compliance
from ..metrics.fidelity import Fidelity
from ..metrics.utility import Utility
from .verdict import ThresholdOutcome, ThresholdVerdict, worst_of

__all__ = ["judge_histories", "judge_quality", "judge_set"]

_HISTORY_DISTANCES = ("length", "gap", "step", "drift", "transitions", "bigrams")
_HISTORY_ERRORS = ("lag_one", "lag_one_within", "intraclass", "copresence")
_HISTORY_SLIPS = {"once_repeated": 0.05, "after_end": 0.0}
"""Shares of rows that contradict their patient's own history (ours), or what the real table has of them by error."""
_MOST_ROWS_OFF = 0.1
"""By how much the mean rows a patient may be off (ours)."""


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
        verdict = _distance("rows_per_patient", abs(ratio - 1), _MOST_ROWS_OFF, abs((seen or 1.0) - 1))
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
