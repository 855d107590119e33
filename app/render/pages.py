"""Self-contained HTML pages: no script of theirs, no address, nothing loaded; everything is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...schemas.result_html import name_aliases, render_result_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...schemas.profile import TableProfile
    from ...schemas.result import SelectionResult

__all__ = ["profile_page", "result_page"]

_WIDTH = 180
"""Pixels of a drawn distribution."""


def result_page(result: SelectionResult) -> str:
    """The result of a selection as a page."""
    return _environment().get_template("result_page.html.jinja").render(result=Markup(render_result_html(result)))


def profile_page(profile: TableProfile, prompt: str, tokens: int) -> str:
    """The profile as a page for the table's owner.

    Names, exact counts and treatments come from the local profile; what is drawn comes from the safe one, so that the
    page shows no distribution finer than what a provider may see.
    """
    template = _environment().get_template("profile.html.jinja")
    warnings = [name_aliases(text, profile.names) for text in profile.warnings]
    return template.render(profile=profile, safe=profile.safe, warnings=warnings, prompt=prompt, tokens=tokens)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(positions=_positions, words=_words, share=_share, short=_short)
    environment.globals["width"] = _WIDTH
    return environment


def _positions(quantiles: Sequence[float]) -> list[float]:
    """Pixels of the quantiles between the first and the last; all in the middle where they are equal."""
    low, high = quantiles[0], quantiles[-1]
    if not high > low:
        return [_WIDTH / 2] * len(quantiles)
    return [round(3 + (value - low) / (high - low) * (_WIDTH - 6), 1) for value in quantiles]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _share(value: float) -> str:
    return "0 %" if value == 0 else "< 1 %" if value < 0.01 else f"{value:.0%}".replace("%", " %")


def _short(value: float) -> str:
    return f"{value:.3g}"
