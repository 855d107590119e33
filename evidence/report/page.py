"""The page of an evaluation: the answers first, then every figure with what it means."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from jinja2 import Environment

from ..evaluation import Evaluation
from ..evaluation_histories import HISTORY_FIGURES
from ..metrics.side_by_side import FEWEST_PERSONS
from .history_svg import draw_history_curves
from .jinja import make_environment
from .svg import Interval, draw_curves, draw_gaps, draw_intervals, draw_marginals, draw_pairs
from .words import ANSWERS, EXPLAINED, answers, figure, figures_of

__all__ = ["evaluation_fragment", "evaluation_page"]


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


def _render(template: str, evaluation: Evaluation, before: str) -> str:
    return (
        _templates()
        .get_template(template)
        .render(
            e=evaluation,
            before=before,
            answers=answers(evaluation),
            verdict_sentence=ANSWERS[evaluation.release],
            groups=[
                (title, [verdict for verdict in evaluation.verdicts if verdict.group == group])
                for group, title in (("disclosure", "What decides about a release"), ("quality", "What it is good for"))
            ],
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
            history_curves="" if evaluation.history is None else draw_history_curves(evaluation.history.curves),
        )
    )


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return make_environment(Path(__file__).with_name("templates"))


def _intervals(evaluation: Evaluation) -> list[Interval]:
    intervals: list[Interval] = []
    disclosure = evaluation.disclosure
    if disclosure is not None:
        intervals += [
            Interval(f"AUC: {attack.name}", attack.auc.value, attack.auc.low, attack.auc.high)
            for attack in disclosure.membership.attacks
        ]
        intervals.append(Interval.exact("AUC of a row copy", disclosure.membership.copy_auc))
        for name, risk in (
            ("attribute inference", disclosure.attribute),
            ("singling out", disclosure.singling_out.risk),
            ("linkability", disclosure.linkability.risk),
        ):
            if risk is not None:
                intervals.append(Interval(name, risk.value, risk.low, risk.high))
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
