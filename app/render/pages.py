"""Self-contained HTML pages: no script of theirs, no address, nothing loaded; everything is escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from .jinja import template_environment
from .result_html import render_result_html
from .words import name_aliases

if TYPE_CHECKING:
    from ...schemas.profile import TableProfile
    from ...schemas.result import SelectionResult

__all__ = ["profile_page", "result_page"]


def result_page(result: SelectionResult) -> str:
    """The result of a selection as a page."""
    return (
        template_environment().get_template("result_page.html.jinja").render(result=Markup(render_result_html(result)))
    )


def profile_page(profile: TableProfile, prompt: str, tokens: int) -> str:
    """The profile as a page for the table's owner.

    Names, exact counts and treatments come from the local profile; what is drawn comes from the safe one, so that the
    page shows no distribution finer than what a provider may see.
    """
    template = template_environment().get_template("profile_page.html.jinja")
    warnings = [name_aliases(text, profile.names) for text in profile.warnings]
    return template.render(profile=profile, safe=profile.safe, warnings=warnings, prompt=prompt, tokens=tokens)
