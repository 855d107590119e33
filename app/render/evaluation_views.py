"""How evaluations, environments and regret reports look: in a terminal, and as pages that need nothing else."""

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
from ...evidence.report.svg import Interval, draw_intervals
from ...evidence.report.words import ANSWERS, answers, figure, figures_of
from ...evidence.thresholds import ThresholdVerdict
from .jinja import template_environment
from .rich_tables import facts_grid, shown, table_of

if TYPE_CHECKING:
    from ...agents.auto import AutoRound

__all__ = [
    "auto_page",
    "auto_record",
    "auto_view",
    "controls_view",
    "evaluation_page",
    "evaluation_view",
    "regret_page",
    "regret_view",
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


def controls_view(summary: dict[str, Any]) -> RenderableType:
    """How often each control is called right, and what is called wrong."""
    title = f"Whole verdicts on controls, {summary['tables']} tables x {summary['seeds']} seeds"
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    for name in ("control", "right", "yes", "not shown", "no"):
        table.add_column(name, justify="left" if name == "control" else "right")
    wrong = []
    for name, found in summary["controls"].items():
        answers_given = found["answers"]
        table.add_row(
            name.replace("_", " "), f"{found['right']} of {found['cells']}",
            *(str(answers_given[answer]) for answer in ("yes", "not shown", "no")),
        )  # fmt: skip
        wrong += [f"{name}: {line}" for line in found["wrong"]]
    strongest = ", ".join(f"{name} {count}" for name, count in summary["strongest_attack"].items())
    return Group(table, shown(f"strongest attack: {strongest}"), *map(shown, wrong))


def regret_view(report: dict[str, Any]) -> RenderableType:
    """Regret by scenario beside the best fixed choice, of every policy over all scenarios, and what the words mean."""
    title = f"Mean regret over {report['tables']} tables of {report['origins']} origins, with its 95 % interval"
    by_scenario = Table(
        title=title, title_justify="left", box=SIMPLE, show_edge=False, pad_edge=False, collapse_padding=True
    )
    for name in ("scenario, tables", "selector", "split-seed", "best fixed", "its", "95 % apart"):
        text = name in ("scenario, tables", "best fixed")
        by_scenario.add_column(name, justify="left" if text else "right", no_wrap=True)
    for row in report["scenarios"]:
        best = row["against_best"]
        by_scenario.add_row(
            f"{row['scenario']} {row['tables']}", _regret(row["regret"]["selector"]),
            _regret(row["split_seed"]["selector"]), *_best_cells(row, best),
        )  # fmt: skip
    policies = Table(title="Over all scenarios", title_justify="left", box=SIMPLE, show_edge=False, pad_edge=False)
    for name in ("policy", "regret", "95 %", "split-seed", "95 % "):
        policies.add_column(name, justify="left" if name == "policy" else "right")
    for name, figures in sorted(report["overall"].items(), key=lambda item: float(item[1]["mean"])):
        split = report["overall_split_seed"][name]
        policies.add_row(
            name.removeprefix("always "), _regret(figures), _range(figures), _regret(split), _range(split),
            style="bold" if name == "selector" else "",
        )  # fmt: skip
    meanings = [f"{row['scenario']}: {row['meaning']}" for row in report["scenarios"]]
    words = [f"{word}: {meaning}" for word, meaning in report["words"].items()]
    lines = (*report["findings"][:1], *_control_lines(report), "", *words, "", *meanings)
    return Group(by_scenario, policies, *map(shown, lines))


def _best_cells(row: dict[str, Any], best: dict[str, Any] | None) -> tuple[str, str, str]:
    if best is None:
        return "-", "-", "-"
    return (
        best["best"].removeprefix("always "),
        _regret(row["regret"][best["best"]]),
        _range(best),
    )


def _range(figures: dict[str, float] | None) -> str:
    return "" if figures is None else f"{figures['low']:.3f} to {figures['high']:.3f}"


def regret_page(report: dict[str, Any]) -> str:
    """The report as a page with a plot of overall regret."""
    intervals = [
        Interval(name, figures["mean"], figures["low"], figures["high"])
        for name, figures in sorted(report["overall"].items(), key=lambda item: float(item[1]["mean"]))
    ]
    return (
        template_environment()
        .get_template("regret_page.html.jinja")
        .render(
            findings=[*report["findings"], *_control_lines(report)],
            words=report["words"],
            meanings=[(row["scenario"], row["meaning"]) for row in report["scenarios"]],
            chart=draw_intervals(intervals),
            scenarios=[*(row["scenario"] for row in report["scenarios"]), "all"],
            rows=_regret_rows(report),
        )
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


def _regret_rows(report: dict[str, Any]) -> list[tuple[str, list[str]]]:
    overall: dict[str, dict[str, float]] = report["overall"]
    return [
        (name, [*(_regret(row["regret"][name]) for row in report["scenarios"]), _regret(overall[name])])
        for name in sorted(overall, key=lambda name: overall[name]["mean"])
    ]


def _control_lines(report: dict[str, Any]) -> list[str]:
    wanted = {"row_copy": "is caught as a copy", "independent": "is not accused"}
    lines = [
        f"control {name} {wanted[name]} in {found['as_expected']} of {found['cells']} cells"
        for name, found in report["controls"].items()
    ]
    older = report["before_protection"]
    if older:
        lines.append(
            f"measured before values of few were protected, and moved by what that changed for others on the same "
            f"table: {', '.join(older)}"
        )
    return lines


def _regret(one: dict[str, float] | None) -> str:
    return "-" if one is None else f"{one['mean']:.3f}"
