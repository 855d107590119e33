"""Self-contained HTML pages: no script of theirs, no address, nothing loaded; everything is escaped."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from markupsafe import Markup

from ...evidence.recommender.ranking import rank
from ...evidence.report.svg import Bar, draw_evidence
from ...schemas.question import Question
from .jinja import template_environment
from .result_html import render_result_html
from .words import name_aliases

if TYPE_CHECKING:
    from ...schemas.profile import TableProfile
    from ...schemas.result import SelectionResult

__all__ = ["evidence_bars", "profile_page", "result_page"]


def result_page(result: SelectionResult, table: str = "") -> str:
    """The result of a selection as a page.

    Args:
        result: Where it was made in this process, the page shows what was expected of each feasible synthesizer too.
        table: What the table is called.
    """
    question = result._question
    bars = evidence_bars(question, result) if isinstance(question, Question) else []
    return (
        template_environment()
        .get_template("result_page.html.jinja")
        .render(
            result=Markup(render_result_html(result)),
            table=table,
            made_on=date.today().isoformat(),
            bars=bars,
            chart=draw_evidence(bars) if bars else "",
        )
    )


def evidence_bars(question: Question, result: SelectionResult) -> list[Bar]:
    """What is expected of each feasible synthesizer, the plan's own first."""
    places: dict[str, str] = {
        result.plan.choice.method: "choice",
        **{backup.method: "backup" for backup in result.plan.backups},
    }
    ranked = sorted(rank(question), key=lambda item: list(places).index(item.method) if item.method in places else 99)
    return [
        Bar(
            item.method,
            places.get(item.method, ""),
            item.expectation.fidelity,
            item.expectation.utility,
            1 - item.expectation.risk,
            item.expectation.stand_in,
        )
        for item in ranked
    ]


def profile_page(profile: TableProfile, prompt: str, tokens: int) -> str:
    """The profile as a page for the table's owner.

    Names, exact counts and treatments come from the local profile; what is drawn comes from the safe one, so that the
    page shows no distribution finer than what a provider may see.
    """
    template = template_environment().get_template("profile_page.html.jinja")
    warnings = [name_aliases(text, profile.names) for text in profile.warnings]
    return template.render(profile=profile, safe=profile.safe, warnings=warnings, prompt=prompt, tokens=tokens)
