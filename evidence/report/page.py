"""The page of an evaluation: the answers first, then every figure with what it means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from ..disclosure.measure import Disclosure
from ..disclosure.membership import Membership
from ..evaluation import Evaluation
from ..evaluation_histories import HISTORY_FIGURES, HistoryEvaluation
from ..metrics.side_by_side import FEWEST_PERSONS
from ..thresholds.verdict import ThresholdVerdict
from .history_svg import draw_history_bands, draw_history_curves
from .jinja import make_environment
from .svg import Interval, draw_curves, draw_gaps, draw_intervals, draw_marginals, draw_pairs
from .words import ANSWERS, EXPLAINED, answers, figure, figures_of

__all__ = [
    "attack_intervals",
    "drawn_history",
    "evaluation_fragment",
    "evaluation_page",
    "risk_intervals",
    "templates",
    "verdict_groups",
]


def evaluation_page(evaluation: Evaluation, before: str = "") -> str:
    """A self-contained page.

    Args:
        evaluation: What to show.
        before: HTML that stands above it, such as the rounds of ``auto``.
    """
    return _render("evaluation.html.jinja", evaluation, before)


def evaluation_fragment(evaluation: Evaluation) -> str:
    """The same for a notebook: a part of a page, its styles its own."""
    return _render("evaluation_body.html.jinja", evaluation, "")


def drawn_history(title: str, history: HistoryEvaluation) -> dict[str, Any]:
    """What the template of a history takes."""
    return {
        "title": title,
        "told": history,
        "curves": draw_history_curves(history.curves),
        "bands": draw_history_bands(history.bands) if history.bands else "",
        "transitions": draw_marginals(history.transitions) if history.transitions else "",
    }


def _render(template: str, evaluation: Evaluation, before: str) -> str:
    history = evaluation.history
    return (
        templates()
        .get_template(template)
        .render(
            e=evaluation,
            before=before,
            answers=answers(evaluation),
            verdict_sentence=ANSWERS[evaluation.release],
            groups=verdict_groups(evaluation.verdicts),
            explained=EXPLAINED,
            figure=figure,
            figures=figures_of(evaluation),
            intervals=draw_intervals(_intervals(evaluation)),
            marginals=draw_marginals(evaluation.marginals),
            curves=draw_curves(evaluation.survival) if evaluation.survival is not None else "",
            pairs=draw_pairs(evaluation.pairs) if evaluation.pairs else "",
            gaps=draw_gaps(evaluation.gaps) if evaluation.gaps is not None else "",
            fewest=FEWEST_PERSONS,
            history_figures=HISTORY_FIGURES,
            histories=[] if history is None else [drawn_history("Histories, by patient", history)],
        )
    )


def verdict_groups(verdicts: Sequence[ThresholdVerdict]) -> list[tuple[str, list[ThresholdVerdict]]]:
    """Heading and verdicts of each group."""
    headings = {"disclosure": "What decides about a release", "quality": "What it is good for"}
    return [(title, [v for v in verdicts if v.group == group]) for group, title in headings.items()]


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Of all pages of evaluations."""
    return make_environment(Path(__file__).with_name("templates"))


def attack_intervals(membership: Membership, copied: str, before: str = "") -> list[Interval]:
    """The AUC of each attack, and of a copy, which ``copied`` names."""
    attacks = [
        Interval(f"{before}AUC: {attack.name}", attack.auc.value, attack.auc.low, attack.auc.high)
        for attack in membership.attacks
    ]
    return [*attacks, Interval.exact(f"{before}AUC of a {copied}", membership.copy_auc)]


def risk_intervals(disclosure: Disclosure, before: str = "") -> list[Interval]:
    """What was inferred, singled out and linked above the control."""
    risks = (
        ("attribute inference", disclosure.attribute),
        ("singling out", disclosure.singling_out.risk),
        ("linkability", disclosure.linkability.risk),
    )
    return [Interval(f"{before}{name}", risk.value, risk.low, risk.high) for name, risk in risks if risk is not None]


def _intervals(evaluation: Evaluation) -> list[Interval]:
    intervals: list[Interval] = []
    disclosure = evaluation.disclosure
    if evaluation.history is not None and evaluation.history.patients is not None:
        intervals += attack_intervals(evaluation.history.patients.membership, "patient copy", "patients: ")
    if disclosure is not None:
        intervals += attack_intervals(disclosure.membership, "row copy")
        intervals += risk_intervals(disclosure)
    fidelity = evaluation.fidelity
    intervals += [
        Interval.exact("column shapes", fidelity.shapes),
        Interval.exact("pair trends", fidelity.pairs),
        Interval.exact("pair trends of independent columns", fidelity.pairs_baseline),
    ]
    if evaluation.utility is not None and evaluation.utility.ratio is not None:
        ratio = evaluation.utility.ratio
        intervals.append(Interval("TSTR over TRTR", ratio.value, ratio.low, ratio.high))
    return intervals
