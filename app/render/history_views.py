"""What the benchmark of histories found, set by set: a row a figure, a column an arm."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType

from .rich_tables import facts_grid, shown, table_of
from .words import printable

if TYPE_CHECKING:
    from ...agents.auto_sets import SetRound
    from ...evidence.evaluation_sets import SetEvaluation
    from ...evidence.histories.benchmark import HistoryArm

__all__ = [
    "auto_set_page",
    "auto_set_record",
    "auto_set_view",
    "history_benchmark_view",
    "set_evaluation_view",
]


def history_benchmark_view(arms: Sequence[HistoryArm]) -> RenderableType:
    """A table for each event table; a figure that misses what was set is marked with an exclamation mark."""
    parts: list[RenderableType] = []
    for (tables, events), found in groupby(arms, key=lambda arm: (arm.tables, arm.events)):
        group = list(found)
        rows = [
            [figure.replace("_", " "), *(_shown(arm, figure) for arm in group)]
            for figure in group[0].scores
            if any(arm.scores[figure] is not None for arm in group)
        ]
        cost = next((arm.fit_cpu_seconds for arm in group if arm.fit_cpu_seconds is not None), None)
        title = f"{tables}: {events}, mean of {group[0].seeds} seeds" + (f", {cost:.1f} CPU s" if cost else "")
        headings = ["", *(arm.arm.replace("_", " ") for arm in group)]
        if rows:
            parts.append(table_of(title, headings, rows, numbers=range(1, len(headings))))
        checks = next((arm.checks for arm in group if arm.checks is not None), {})
        told = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in checks.items() if value is not None]
        parts.append(shown(f"{tables}, {events}, over the real table itself: {', '.join(told)}"))
    return Group(*parts)


def set_evaluation_view(evaluation: SetEvaluation) -> RenderableType:
    """The answer first, then verdicts, tables, and the figures by patient of each event table beside the floor."""
    from ...evidence.report.set_page import table_facts
    from ...evidence.report.words import figure, set_answers
    from .evaluation_views import release_row, verdict_tables

    facts = facts_grid()
    release_row(facts, evaluation.release, "set")
    for question, answer in set_answers(evaluation):
        facts.add_row(question, shown(answer))
    parts: list[RenderableType] = [facts, *verdict_tables(evaluation.compliance, evaluation.verdicts)]
    headings = ("table", "rows", "rows a patient, over the real ones", "wrong keys", "rows after death")
    parts.append(table_of("Tables", headings, [tuple(map(printable, row)) for row in table_facts(evaluation)]))
    for name, history in evaluation.histories.items():
        rows = [
            (label.replace("_", " "), figure(value), figure(history.floor[label]))
            for label, value in history.figures.items()
            if value is not None
        ]
        parts.append(table_of(f"{name}, by patient", ("figure", "synthetic", "real patients"), rows, numbers=(1, 2)))
    return Group(*parts, *(shown(f"note: {note}") for note in evaluation.notes))


_ROUND_HEADINGS = ("round", "made by", "membership by patient", "release", "fails")


def auto_set_record(best: SetRound, rounds: Sequence[SetRound]) -> dict[str, Any]:
    """For JSON: every round, and which of them is kept."""
    from ...evidence.evaluation_sets import set_record

    return {
        "rounds": [
            {"number": one.number, "method": one.synthesis.card.method, "evaluation": set_record(one.evaluation)}
            for one in rounds
        ],
        "best": next(place for place, one in enumerate(rounds) if one is best),
        "plan": best.plan.model_dump(mode="json"),
    }


def auto_set_view(best: SetRound, rounds: Sequence[SetRound]) -> RenderableType:
    """The rounds, and the evaluation of the one that is kept."""
    rows = [tuple(map(printable, _round_cells(one))) for one in rounds]
    return Group(table_of(f"Round {best.number} is kept", _ROUND_HEADINGS, rows), set_evaluation_view(best.evaluation))


def auto_set_page(best: SetRound, rounds: Sequence[SetRound]) -> str:
    """The evaluation of the round that is kept, below a table of all of them."""
    from ...evidence.report.set_page import set_page

    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _round_cells(one))}</tr>" for one in rounds)
    head = "".join(f"<th>{name}</th>" for name in _ROUND_HEADINGS)
    before = f'<p>Round {best.number} is kept.</p><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'
    return set_page(best.evaluation, before)


def _round_cells(one: SetRound) -> tuple[str, ...]:
    patients = one.evaluation.patients
    knobs = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in one.plan.choice.knobs().items())
    auc = "-" if patients is None else f"{patients.membership.auc.value:.3f}"
    failed = ", ".join(one.evaluation.failed) or "nothing"
    return str(one.number), f"{one.synthesis.card.method} ({knobs})", auc, one.evaluation.release, failed


def _shown(arm: HistoryArm, figure: str) -> str:
    value = arm.scores[figure]
    if value is None:
        return ""
    return f"{value:.2f}{'!' if figure in arm.missed else ''}"
