"""What the benchmark's commands show: controls, regret, and arms."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table

from ...evidence.report.svg import Interval, draw_intervals
from .jinja import template_environment
from .rich_tables import shown

__all__ = ["arms_view", "controls_view", "peers_view", "regret_page", "regret_view"]


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
    lines = (*report["findings"], "", *_control_lines(report), "", *words, "", *meanings)
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


def arms_view(report: dict[str, Any]) -> RenderableType:
    """Mean scores of the arms, the differences that answer something, and the goals each gets right."""
    title = f"Mean score, {report['tables']} tables of {report['origins']} origins"
    arms = Table(title=title, title_justify="left", box=SIMPLE, show_edge=False, pad_edge=False)
    for name in ("arm", "one fit", "four fits"):
        arms.add_column(name, justify="left" if name == "arm" else "right")
    for name, scores in sorted(report["arms"].items(), key=lambda item: -float(item[1]["one_fit"])):
        four = scores["four_fits"]
        arms.add_row(name, f"{scores['one_fit']:.3f}", "-" if four is None else f"{four:.3f}")
    pairs = Table(title="In pairs", title_justify="left", box=SIMPLE, show_edge=False, pad_edge=False)
    for name in ("difference", "fits", "mean", "95 %", "verdict"):
        pairs.add_column(name, justify="right" if name in ("fits", "mean", "95 %") else "left")
    for item in report["differences"]:
        pairs.add_row(
            f"{item['arm']} less {item['against']}", str(item["fits"]), f"{item['mean']:+.3f}", _range(item),
            item["verdict"],
        )  # fmt: skip
    goals = [
        f"goals in words, {name}: {own['right']} of {own['goals']} right"
        for name, own in (report.get("goals") or {}).items()
    ]
    words = [f"{word}: {meaning}" for word, meaning in report["words"].items()]
    return Group(arms, pairs, *map(shown, [*goals, "", *words]))


def peers_view(report: dict[str, Any]) -> RenderableType:
    """Top-1, NDCG and regret by intent and over all."""
    title = f"{len(report['candidates'])} candidates on {len(report['tables'])} tables"
    table = Table(title=title, title_justify="left", box=SIMPLE, show_edge=False, pad_edge=False)
    for name in ("intent", "who", "Top-1", "NDCG", "regret"):
        table.add_column(name, justify="left" if name in ("intent", "who") else "right")
    for intent, named in (*report["intents"].items(), ("all", report["all"])):
        for who, figures in named.items():
            table.add_row(intent, who, *(f"{figures[name]:.3f}" for name in ("top_1", "ndcg", "regret")))
    return table


def _regret_rows(report: dict[str, Any]) -> list[tuple[str, list[str]]]:
    overall: dict[str, dict[str, float]] = report["overall"]
    return [
        (name, [*(_regret(row["regret"].get(name)) for row in report["scenarios"]), _regret(overall[name])])
        for name in sorted(overall, key=lambda name: overall[name]["mean"])
    ]


def _control_lines(report: dict[str, Any]) -> list[str]:
    wanted = {"row_copy": "is caught as a copy", "independent": "is not accused"}
    return [
        f"control {name} {wanted[name]} in {found['as_expected']} of {found['cells']} cells"
        for name, found in report["controls"].items()
    ]


def _regret(one: dict[str, float] | None) -> str:
    return "-" if one is None else f"{one['mean']:.3f}"
