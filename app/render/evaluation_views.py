"""How evaluations look: in a terminal, and as pages that need nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table

from ...evidence.evaluation import Evaluation, as_record
from ...evidence.release import Release
from ...evidence.report.page import evaluation_page
from ...evidence.report.words import ANSWERS, answers, figure, figures_of
from ...evidence.thresholds.verdict import ThresholdVerdict
from .rich_tables import facts_grid, shown, table_of

if TYPE_CHECKING:
    from ...agents.auto import AutoRound

__all__ = [
    "auto_page",
    "auto_record",
    "auto_view",
    "evaluation_page",
    "evaluation_view",
    "release_row",
    "verdict_tables",
]

_ROUND_HEADINGS = ("round", "made by", "score", "fidelity", "utility", "membership", "release", "fails")
_COLOURS = {"pass": "green", "fail": "red", "cannot tell": "yellow"}
_RELEASE = {"yes": "bold green", "no": "bold red", "not shown": "bold yellow"}


def evaluation_view(evaluation: Evaluation) -> RenderableType:
    """The answer first, then verdicts and figures, for a terminal of 80 columns."""
    grid = facts_grid()
    release_row(grid, evaluation.release, "table")
    for question, answer in answers(evaluation):
        grid.add_row(question, shown(answer))
    facts = facts_grid()
    for name, value in figures_of(evaluation):
        facts.add_row(shown(name), shown(value))
    return Group(
        grid,
        *verdict_tables(evaluation.compliance, evaluation.verdicts),
        facts,
        *_history_table(evaluation),
        *(shown(f"note: {note}") for note in evaluation.notes),
    )


def release_row(grid: Table, release: Release, what: str) -> None:
    """The answer, as the first line of ``grid``."""
    grid.add_row("release", shown(f"{release} (this {what} {ANSWERS[release]})", _RELEASE[release]))


def verdict_tables(compliance: str, verdicts: Sequence[ThresholdVerdict]) -> tuple[RenderableType, RenderableType]:
    """Every threshold with its outcome, and why some are not passed."""
    table = Table(title=f"Judged by {compliance}", title_justify="left", box=SIMPLE, pad_edge=False)
    for name in ("threshold", "measured", "limit", "outcome"):
        # In 80 columns the figures may take two lines; names and outcomes are never cut.
        table.add_column(name, no_wrap=name in ("threshold", "outcome"), overflow="fold")
    reasons = facts_grid()
    for verdict in verdicts:
        name = verdict.name.replace("_", " ")
        table.add_row(
            shown(name), _with_bounds(verdict), figure(verdict.threshold),
            shown(verdict.outcome, _COLOURS[verdict.outcome]),
        )  # fmt: skip
        if verdict.outcome != "pass" and verdict.note:
            reasons.add_row(shown(name), shown(verdict.note))
    return table, reasons


def _history_table(evaluation: Evaluation) -> list[RenderableType]:
    """Figures by patient beside the floor, where a patient has several rows."""
    history = evaluation.history
    if history is None:
        return []
    rows = [
        (name.replace("_", " "), figure(value), figure(history.floor[name]))
        for name, value in history.figures.items()
        if value is not None
    ]
    return [table_of("Histories, by patient", ("figure", "synthetic", "real patients"), rows, numbers=(1, 2))]


def auto_record(best: AutoRound, rounds: Sequence[AutoRound]) -> dict[str, Any]:
    """For JSON: every round that gave a table, and which of them is kept."""
    return {
        "rounds": [
            {
                "number": one.number,
                "chosen": one.result.plan.choice.method,
                "provider": one.result.provenance.provider,
                "method": one.synthesis.card.method,
                "failures": [failure.model_dump() for failure in one.synthesis.card.failures],
                "score": one.score,
                "evaluation": as_record(one.evaluation),
            }
            for one in rounds
        ],
        "best": next(place for place, one in enumerate(rounds) if one is best),
        "plan": best.result.plan.model_dump(mode="json"),
    }


def auto_view(best: AutoRound, rounds: Sequence[AutoRound]) -> RenderableType:
    """The rounds, and the evaluation of the one that is kept."""
    table = Table(title=f"Round {best.number} is kept", title_justify="left")
    for name in _ROUND_HEADINGS:
        table.add_column(name)
    for one in rounds:
        table.add_row(*_round_cells(one), style="bold" if one is best else None)
    return Group(table, evaluation_view(best.evaluation))


def auto_page(best: AutoRound, rounds: Sequence[AutoRound]) -> str:
    """The evaluation of the round that is kept, below a table of all of them."""
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _round_cells(one))}</tr>" for one in rounds)
    head = "".join(f"<th>{name}</th>" for name in _ROUND_HEADINGS)
    return evaluation_page(
        best.evaluation,
        f'<p>Round {best.number} is kept.</p><div class="scroll"><table><tr>{head}</tr>{rows}</table></div>',
    )


def _with_bounds(verdict: ThresholdVerdict) -> str:
    if verdict.low is None or verdict.high is None:
        return figure(verdict.measured)
    return f"{figure(verdict.measured)} ({figure(verdict.low)} to {figure(verdict.high)})"


def _round_cells(one: AutoRound) -> tuple[str, ...]:
    found = one.evaluation
    auc = found.disclosure.membership_auc.value if found.disclosure else None
    chosen, made = one.result.plan.choice.method, one.synthesis.card.method
    return (
        str(one.number), made if made == chosen else f"{made} (for {chosen})", f"{one.score:.3f}",
        f"{found.fidelity.overall:.3f}", figure(found.utility.score if found.utility else None), figure(auc),
        found.release,
        ", ".join(found.failed) or "nothing",
    )  # fmt: skip
