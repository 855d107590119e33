"""The page of a set's evaluation: the answers first, then thresholds, tables and histories."""

from __future__ import annotations

from ..evaluation_histories import HISTORY_FIGURES
from ..evaluation_sets import SetEvaluation
from ..metrics.side_by_side import FEWEST_PERSONS
from .page import attack_intervals, drawn_history, risk_intervals, templates, verdict_groups
from .svg import Interval, draw_intervals
from .words import ANSWERS, EXPLAINED, figure, set_answers

__all__ = ["set_page", "table_facts"]


def set_page(evaluation: SetEvaluation, before: str = "") -> str:
    """A self-contained page.

    Args:
        evaluation: What to show.
        before: HTML that stands above it, such as the rounds of ``auto``.
    """
    return (
        templates()
        .get_template("set.html.jinja")
        .render(
            e=evaluation,
            before=before,
            answers=set_answers(evaluation),
            verdict_sentence=ANSWERS[evaluation.release],
            groups=verdict_groups(evaluation.verdicts),
            explained=EXPLAINED,
            figure=figure,
            intervals=draw_intervals(_intervals(evaluation)),
            tables=table_facts(evaluation),
            fewest=FEWEST_PERSONS,
            history_figures=HISTORY_FIGURES,
            histories=[
                drawn_history(f"Histories of {name}, by patient", history)
                for name, history in evaluation.histories.items()
            ],
        )
    )


def table_facts(evaluation: SetEvaluation) -> list[tuple[str, ...]]:
    """Of each table: its name, rows, rows a patient, keys that are wrong, rows after death."""
    found: list[tuple[str, ...]] = []
    for name, count in evaluation.repeated_keys.items():
        patients = f"{evaluation.patients_real:,} real, {evaluation.patients_synthetic:,} synthetic"
        found.append((name, patients, "-", f"{count:,}", "-"))
    for name, ratio in evaluation.rows_per_patient.items():
        table = evaluation.tables[name]
        seen = evaluation.rows_per_patient_seen.get(name)
        ratios = f"{ratio:.2f}" if seen is None else f"{ratio:.2f} ({seen:.2f} of what the fit saw)"
        dead = evaluation.after_death.get(name)
        late = "-" if dead is None else f"{dead:.2%} ({evaluation.after_death_real[name]:.2%} real)"
        rows = f"{table.rows_real:,} real, {table.rows_synthetic:,} synthetic"
        found.append((name, rows, ratios, f"{evaluation.orphans[name]:,}", late))
    return found


def _intervals(evaluation: SetEvaluation) -> list[Interval]:
    found: list[Interval] = []
    if evaluation.patients is not None:
        found += attack_intervals(evaluation.patients.membership, "patient copy", "patients: ")
    for name, table in evaluation.tables.items():
        disclosure = table.disclosure
        if disclosure is None:
            continue
        worst = disclosure.membership_auc
        found.append(Interval(f"{name}: AUC of the worst attack", worst.value, worst.low, worst.high))
        found += risk_intervals(disclosure, f"{name}: ")
    return found
