"""The figures of an evaluation in words: the same sentences in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence

from ..disclosure.intervals import Interval
from ..evaluation import Evaluation
from ..evaluation_histories import HISTORY_FIGURES
from ..evaluation_sets import SetEvaluation
from ..thresholds.verdict import ThresholdVerdict

__all__ = ["ANSWERS", "EXPLAINED", "answers", "figure", "figures_of", "interval", "set_answers"]

ANSWERS = {"yes": "may be released", "no": "must not be released", "not shown": "is not shown to be safe to release"}
"""Release → what is said of the table."""

EXPLAINED = {
    "overlap": "synthetic rows that copy a real row, exactly or nearly, beyond chance",
    "values_of_few": "real values of few persons that stand in the synthetic table",
    "membership_auc": "how well the best attack tells fitted persons from others; 0.5 is chance",
    "membership_lonely_auc": "the same for the tenth of persons that stand most alone",
    "membership_caught_at_1": "fitted persons caught where one in a hundred others is accused wrongly",
    "leave_one_out": "how well fits with and without a lonely person are told apart; 0.5 is chance",
    "attribute_inference": "how much more often a fitted person's value is guessed than another's",
    "singling_out": "predicates that hold for exactly one person, above the control",
    "linkability": "records whose two halves are joined through the table, above the control",
    "differential_privacy": "whether a formal guarantee was asked for and given",
    "epsilon": "privacy budget by person; smaller is more private",
    "delta": "chance of the guarantee failing, by person",
    "ks_mean": "mean distance of the numbers' distributions, 0 alike",
    "correlation_difference": "mean difference of correlations, 0 alike",
    "jensen_shannon": "mean distance of the columns' distributions, 0 alike",
    "rare_coverage": "share of rare levels that occur",
    "frequency_skew": "by how much rare levels are over- or under-represented",
    "tstr_ratio": "models trained on synthetic rows over models trained on real ones, 1 as good",
    "rows": "rows of the real table",
    "patient_overlap": "synthetic patients whose whole history copies a real one, beyond chance",
    "patient_membership_auc": "how well the best attack tells fitted patients from others by their whole histories",
    "patient_membership_lonely_auc": "the same for the tenth of patients that stand most alone",
    "patient_membership_caught_at_1": "fitted patients caught where one in a hundred others is accused wrongly",
    "keys": "keys that lead nowhere, or name two patients",
    "after_death": "share of rows after their patient's death",
    **{f"history_{name}": explained for name, explained in HISTORY_FIGURES.items()},
}
"""Threshold → what it measures, in one sentence."""


def answers(evaluation: Evaluation) -> tuple[tuple[str, str], ...]:
    """The three questions that a reader has, answered in a sentence each."""
    return (
        ("May I share it?", f"{_share(evaluation)}"),
        ("What is it good for?", _good_for(evaluation)),
        ("What is lost?", _lost(evaluation)),
    )


def set_answers(evaluation: SetEvaluation) -> tuple[tuple[str, str], ...]:
    """The questions that a reader of a set has, answered in a sentence each."""
    head = {"yes": "Yes", "no": "No", "not shown": "Not shown"}[evaluation.release]
    failed = [v.name for v in evaluation.verdicts if v.group == "quality" and v.outcome == "fail"]
    lost = sum(evaluation.orphans.values()) + sum(evaluation.repeated_keys.values())
    keys = "every key leads to one patient" if not lost else f"{lost:,} keys lead nowhere or name two patients"
    return (
        ("May I share it?", f"{head}, by {evaluation.compliance}: {evaluation.decision.reason}."),
        ("Does it hold together?", f"{keys[0].upper()}{keys[1:]}."),
        ("What is lost?", f"Fails {_names(failed)}." if failed else "No threshold of quality is failed."),
    )


def figures_of(evaluation: Evaluation) -> tuple[tuple[str, str], ...]:
    """Figures that are shown and not judged."""
    fidelity = evaluation.fidelity
    lines = [
        ("made by", evaluation.method or "unknown"),
        (
            "rows",
            f"{evaluation.rows_real:,} real of {evaluation.persons:,} persons, {evaluation.rows_held_out:,} held out, "
            f"{evaluation.rows_synthetic:,} synthetic",
        ),
        (
            "fidelity",
            f"column shapes {fidelity.shapes:.3f}, pair trends {fidelity.pairs:.3f} "
            f"(independent columns {fidelity.pairs_baseline:.3f})",
        ),
    ]
    if evaluation.utility is not None:
        name = "AUC" if evaluation.utility.task == "classification" else "R²"
        lines.append(
            (
                "utility",
                f"{name} {evaluation.utility.tstr:.3f} trained on synthetic, {evaluation.utility.trtr:.3f} on real",
            )
        )
    lines += _more_figures(evaluation)
    if evaluation.disclosure is not None:
        membership = evaluation.disclosure.membership
        lines += [
            (
                "membership",
                f"worst of {len(membership.attacks)} attacks: {membership.worst.name}, AUC {interval(membership.auc)}; "
                f"a row copy has {membership.copy_auc:.2f}; the smallest AUC that so few persons could have shown is "
                f"{membership.detectable:.2f}",
            ),
            *(
                (f"caught at {alarms} false alarms", f"{share:.0%} of fitted persons")
                for alarms, share in (("1 %", membership.caught_at_1), ("10 %", membership.caught_at_10))
                if share is not None
            ),
        ]
    overlap = evaluation.overlap
    chance = "" if overlap.exact_held_out is None else f", {overlap.exact_held_out:.1%} equal a held-out one"
    lines.append(("duplicates", f"{overlap.exact:.1%} of synthetic rows equal a fitted row{chance}"))
    if evaluation.k_anonymity is not None:
        lines.append(
            ("k-anonymity", f"{evaluation.k_anonymity} ({', '.join(evaluation.quasi_identifiers)}): shown, not judged")
        )
    return tuple(lines)


def _more_figures(evaluation: Evaluation) -> list[tuple[str, str]]:
    lines = []
    if evaluation.score is not None:
        parts = evaluation.score
        named = (("fidelity", parts.fidelity), ("utility", parts.utility), ("privacy", parts.privacy))
        told = ", ".join(f"{name} {figure(value)}" for name, value in named)
        lines.append(("score", f"{parts.score:.3f} by balanced weights: {told} (0 independent columns, 1 real rows)"))
    if evaluation.joint is not None:
        joint = evaluation.joint
        floors = ("", "") if joint.c2st_floor is None else (f" ({joint.c2st_floor:.2f})", f" ({joint.pmse_floor:.1f})")
        lines.append(
            (
                "told apart",
                f"a forest tells real from synthetic rows with AUC {joint.c2st_auc:.2f}{floors[0]}, pMSE ratio "
                f"{joint.pmse_ratio:.1f}{floors[1]}; in brackets real rows against real rows",
            )
        )
    if evaluation.plausibility is not None and evaluation.plausibility.rules:
        rules = evaluation.plausibility
        chance = "" if rules.held_out_rows is None else f", {rules.held_out_rows:.1%} of held-out real rows"
        lines.append(
            ("plausibility", f"{rules.broken_rows:.1%} of rows break one of {rules.rules} rules that hold{chance}")
        )
    learned = [one.ratio for one in evaluation.global_utility if one.ratio is not None]
    if learned:
        lines.append(
            ("other targets", f"{sum(learned) / len(learned):.0%} of what real rows teach, over {len(learned)} columns")
        )
    rare = evaluation.utility.rare if evaluation.utility is not None else None
    if rare is not None:
        lines.append(
            (
                "rare event",
                f"{rare.share:.1%} of rows: PR-AUC {rare.tstr_pr_auc:.2f} (real {rare.trtr_pr_auc:.2f}), Brier "
                f"{rare.tstr_brier:.3f} (real {rare.trtr_brier:.3f})",
            )
        )
    if evaluation.inference is not None:
        found = evaluation.inference
        lines.append(
            (
                "inference",
                f"{found.coefficients} {found.kind} coefficients: intervals overlap by {found.overlap:.0%}, signs "
                f"agree in {found.sign:.0%}, significance in {found.significance:.0%}; p-values from synthetic rows "
                "are too small",
            )
        )
    if evaluation.survival is not None:
        curves = evaluation.survival
        ranking = ""
        if curves.c_index_real is not None and curves.c_index_synthetic is not None:
            ranking = (
                f", C-index {curves.c_index_synthetic:.2f} trained on synthetic, {curves.c_index_real:.2f} on real"
            )
        lines.append(
            ("survival", f"curves differ by {curves.curve_difference:.3f}, log-rank p {curves.log_rank_p:.3g}{ranking}")
        )
    if evaluation.missingness is not None:
        gaps = evaluation.missingness
        lines.append(
            (
                "missing cells",
                f"shares differ by {gaps.share_difference:.3f} at most, correlations of gaps by "
                f"{figure(gaps.together_difference)}, dependence on values by {figure(gaps.dependence_difference)}",
            )
        )
    return lines


def interval(value: Interval) -> str:
    """A figure with its bounds."""
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})"


def figure(value: float | bool | None) -> str:
    """A figure as short as it may be; thousands are written out."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "required" if value else "not required"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _share(evaluation: Evaluation) -> str:
    head = {"yes": "Yes", "no": "No", "not shown": "Not shown"}[evaluation.release]
    return f"{head}, by {evaluation.compliance}: {evaluation.decision.reason}."


def _good_for(evaluation: Evaluation) -> str:
    if evaluation.utility is None or evaluation.utility.ratio is None:
        return "Not measured: give a target, and persons who were held out of the fit."
    ratio = evaluation.utility.ratio
    return (
        f"Models trained on it reach {ratio.value:.0%} of what real rows teach about the target "
        f"({ratio.low:.0%} to {ratio.high:.0%})."
    )


def _lost(evaluation: Evaluation) -> str:
    failed = [
        verdict.name for verdict in evaluation.verdicts if verdict.group == "quality" and verdict.outcome == "fail"
    ]
    worst = _names([marginal.name for marginal in sorted(evaluation.marginals, key=lambda one: -one.distance)[:3]])
    text = f"Fails {_names(failed)}." if failed else "No threshold of quality is failed."
    return f"{text} The columns that differ most: {worst}." if worst else text


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)


def outcome_counts(verdicts: Sequence[ThresholdVerdict]) -> dict[str, int]:
    """How many thresholds pass, fail, or cannot be told."""
    return {name: sum(verdict.outcome == name for verdict in verdicts) for name in ("pass", "fail", "cannot tell")}
