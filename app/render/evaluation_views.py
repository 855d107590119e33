"""How evaluations, environments and regret reports look: in a terminal, and as pages that need nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...evidence.evaluation import Evaluation, as_record
from ...evidence.metrics.side_by_side import FEWEST_PERSONS
from .evaluation_charts import draw_intervals, draw_marginals

if TYPE_CHECKING:
    from ...agents.auto import AutoRound

__all__ = [
    "auto_page",
    "auto_record",
    "auto_view",
    "environments_view",
    "evaluation_page",
    "evaluation_view",
    "regret_page",
    "regret_view",
]

_ROUND_HEADINGS = ("round", "made by", "score", "fidelity", "utility", "membership", "fails")
_COLOURS = {"pass": "green", "fail": "red", "cannot tell": "yellow"}
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.3rem .7rem;border-bottom:1px solid #ddd;text-align:left}
.marginals{display:grid;grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1rem}
figure{margin:0}figcaption{overflow-wrap:anywhere}small{opacity:.7}.real{fill:#2b5d9b}.made{fill:#d98032}
b.real{color:#2b5d9b}b.made{color:#d98032}.pass{color:#176d2f}.fail{color:#a3141c;font-weight:600}.cannot{color:#7a5c00}
@media(prefers-color-scheme:dark){body{background:#16181c;color:#ddd}td,th{border-color:#444}
.pass{color:#6fce8a}.fail{color:#ff8c8c}.cannot{color:#e2c25b}}"""

_LEGEND = (
    'Share of rows: <b class="real">real</b>, <b class="made">synthetic</b>; those that differ most come first. A bar '
    f"stands for at least {FEWEST_PERSONS} persons, rarer levels are together in one, and edges are rounded."
)


def evaluation_view(found: Evaluation) -> RenderableType:
    """Verdicts and figures for a terminal."""
    table = Table(title=f"Judged by {found.compliance}", title_justify="left")
    for name in ("threshold", "measured", "limit", "outcome", "note"):
        table.add_column(name)
    for verdict in found.verdicts:
        table.add_row(
            verdict.name, _figure(verdict.measured), _figure(verdict.threshold),
            Text(verdict.outcome, style=_COLOURS[verdict.outcome]), verdict.note,
        )  # fmt: skip
    lines = [Text(f"{name}: {value}") for name, value in _summary(found)]
    return Group(table, *lines, *(Text(f"note: {note}") for note in found.notes))


def evaluation_page(found: Evaluation) -> str:
    """A self-contained page: summary, verdicts, every figure with its interval, and the columns side by side."""
    return _page("Evaluation of a synthetic table", _evaluation_body(found))


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
    return _page(
        "Evaluation of a synthetic table",
        f"<p>Round {best.number} is kept.</p><table><tr>{head}</tr>{rows}</table>{_evaluation_body(best.evaluation)}",
    )


def environments_view(record: Sequence[dict[str, Any]]) -> RenderableType:
    """Which environments there are."""
    table = Table()
    for name in ("environment", "synthesizers", "installed"):
        table.add_column(name)
    for one in record:
        table.add_row(one["name"], ", ".join(one["methods"]), "yes" if one["created"] else "no")
    return table


def regret_view(report: dict[str, Any]) -> RenderableType:
    """Mean regret of each policy, least first, by scenario and over all."""
    title = f"Mean regret over {report['tables']} tables; the oracle has 0, a bare name is always that one"
    table = Table(title=title, title_justify="left", box=SIMPLE, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("policy", min_width=16, no_wrap=True)
    for name in (*(row["scenario"] for row in report["scenarios"]), "all"):
        table.add_column(name, justify="right")
    for name, figures in _regret_rows(report):
        table.add_row(name.removeprefix("always "), *figures, style="bold" if name == "selector" else "")
    return Group(table, *(Text(line) for line in (*report["findings"], *_control_lines(report))))


def regret_page(report: dict[str, Any]) -> str:
    """The report as a page with a plot of overall regret."""
    bars = [
        (name, one["mean"], one["low"], one["high"])
        for name, one in sorted(report["overall"].items(), key=lambda item: float(item[1]["mean"]))
    ]
    head = "".join(f"<th>{escape(name)}</th>" for name in (*(row["scenario"] for row in report["scenarios"]), "all"))
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(f'<td>{figure}</td>' for figure in figures)}</tr>"
        for name, figures in _regret_rows(report)
    )
    findings = "".join(f"<li>{escape(line)}</li>" for line in (*report["findings"], *_control_lines(report)))
    return _page(
        "Regret of a selector",
        f"<ul>{findings}</ul>{draw_intervals(bars)}<table><tr><th>policy</th>{head}</tr>{rows}</table>",
    )


def _evaluation_body(found: Evaluation) -> str:
    rows = "".join(
        f"<tr><td>{escape(v.name)}</td><td>{_figure(v.measured)}</td><td>{_figure(v.threshold)}</td>"
        f'<td class="{v.outcome.split()[0]}">{v.outcome}</td><td>{escape(v.note)}</td></tr>'
        for v in found.verdicts
    )
    summary = "".join(f"<li>{escape(name)}: {escape(value)}</li>" for name, value in _summary(found))
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    return (
        f"<ul>{summary}</ul>{draw_intervals(_bars(found))}<h2>Judged by {found.compliance}</h2><table>"
        f"<tr><th>threshold</th><th>measured</th><th>limit</th><th>outcome</th><th>note</th></tr>{rows}</table><ul>{notes}</ul>"
        f"<h2>Columns, real and synthetic</h2><p>{_LEGEND}</p>{draw_marginals(found.marginals)}"
    )


def _round_cells(one: AutoRound) -> tuple[str, ...]:
    found = one.evaluation
    auc = found.disclosure.membership_auc.value if found.disclosure else None
    chosen, made = one.result.plan.choice.method, one.synthesis.card.method
    return (
        str(one.number), made if made == chosen else f"{made} (for {chosen})", f"{one.score:.3f}",
        f"{found.fidelity.overall:.3f}", _figure(found.utility.score if found.utility else None), _figure(auc),
        ", ".join(verdict.name for verdict in found.verdicts if verdict.outcome == "fail") or "nothing",
    )  # fmt: skip


def _regret_rows(report: dict[str, Any]) -> list[tuple[str, list[str]]]:
    overall: dict[str, dict[str, float]] = report["overall"]
    return [
        (name, [*(_regret(row["regret"][name]) for row in report["scenarios"]), _regret(overall[name])])
        for name in sorted(overall, key=lambda name: overall[name]["mean"])
    ]


def _control_lines(report: dict[str, Any]) -> list[str]:
    wanted = {"row_copy": "fails the risk check", "independent": "does not fail it"}
    return [
        f"control {name} {wanted[name]} in {found['as_expected']} of {found['cells']} cells"
        for name, found in report["controls"].items()
    ]


def _summary(found: Evaluation) -> list[tuple[str, str]]:
    lines = [
        ("made by", found.method or "unknown"),
        ("rows", f"{found.rows_real} real, {found.rows_held_out} held out, {found.rows_synthetic} synthetic"),
        ("fidelity", f"{found.fidelity.overall:.3f} (column shapes {found.fidelity.shapes:.3f}, pair trends "
                     f"{found.fidelity.pairs:.3f}; independent columns score {found.fidelity.pairs_baseline:.3f})"),
    ]  # fmt: skip
    if found.utility is not None:
        name = "AUC" if found.utility.task == "classification" else "R²"
        lines.append(
            ("utility", f"{name} {found.utility.tstr:.3f} trained on synthetic, {found.utility.trtr:.3f} on real")
        )
    if found.disclosure is not None:
        auc = found.disclosure.membership_auc
        lines.append(
            ("membership", f"AUC {auc.value:.3f} ({auc.low:.3f} to {auc.high:.3f}); a row copy has "
                           f"{found.disclosure.copy_auc:.3f}, chance 0.5")
        )  # fmt: skip
    fails = sum(verdict.outcome == "fail" for verdict in found.verdicts)
    lines.append(("outcome", "fails no threshold" if not fails else f"fails {fails} thresholds"))
    return lines


def _bars(found: Evaluation) -> list[tuple[str, float, float, float]]:
    bars = [(name, value, value, value) for name, value in (
        ("column shapes", found.fidelity.shapes), ("pair trends", found.fidelity.pairs),
        ("  of independent columns", found.fidelity.pairs_baseline),
    )]  # fmt: skip
    if found.utility is not None and found.utility.ratio is not None:
        ratio = found.utility.ratio
        bars.append(("TSTR over TRTR", ratio.value, ratio.low, ratio.high))
    if found.disclosure is not None:
        for name, one in (
            ("membership AUC", found.disclosure.membership_auc), ("nearest share", found.disclosure.nearest_share)
        ):  # fmt: skip
            bars.append((name, one.value, one.low, one.high))
        bars.append(
            ("  of a row copy", found.disclosure.copy_auc, found.disclosure.copy_auc, found.disclosure.copy_auc)
        )
    return bars


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>{body}</body></html>\n"
    )


def _figure(value: float | bool | None) -> str:
    if value is None:
        return "-"
    return ("required" if value else "not required") if isinstance(value, bool) else f"{value:.3g}"


def _regret(one: dict[str, float] | None) -> str:
    return "-" if one is None else f"{one['mean']:.3f}"
