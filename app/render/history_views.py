"""What the benchmark of histories found, set by set: a row a figure, a column an arm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from .rich_tables import facts_grid, shown, table_of

if TYPE_CHECKING:
    from ...agents.linked import SetEvaluation
    from ...evidence.histories.benchmark import HistoryArm

__all__ = ["history_benchmark_view", "set_evaluation_view"]


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
        parts.append(table_of(title, headings, rows, numbers=range(1, len(headings))))
    return Group(*parts)


def set_evaluation_view(evaluation: SetEvaluation) -> RenderableType:
    """Keys and rows of a synthetic set, then the figures by patient of each event table beside the floor."""
    facts = facts_grid()
    facts.add_row("patients", shown(f"{evaluation.patients_real:,} real, {evaluation.patients_synthetic:,} synthetic"))
    for name, share in evaluation.rows_per_patient.items():
        facts.add_row(
            shown(name), shown(f"{share:.2f} times the real rows a patient, {evaluation.orphans[name]} orphans")
        )
    for name, count in evaluation.repeated_keys.items():
        facts.add_row(shown(name), shown(f"{count} keys come twice"))
    parts: list[RenderableType] = [facts]
    for name, history in evaluation.histories.items():
        rows = [
            (figure.replace("_", " "), f"{value:.3g}", "" if floor is None else f"{floor:.3g}")
            for figure, value in history.figures.items()
            if value is not None
            for floor in (history.floor[figure],)
        ]
        parts.append(table_of(f"{name}, by patient", ("figure", "synthetic", "real patients"), rows, numbers=(1, 2)))
    parts.append(shown("Measured, and not judged for a release: judge the patients table by evaluate alone as well."))
    return Group(*parts)


def _shown(arm: HistoryArm, figure: str) -> str:
    value = arm.scores[figure]
    if value is None:
        return ""
    return f"{value:.2f}{'!' if figure in arm.missed else ''}"
