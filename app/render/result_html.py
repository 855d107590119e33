"""A selection's result as HTML, for notebooks and report pages.

The fragment carries its own styles and lives in a shadow root, so neither the page's styles nor ours reach the other.
Where scripts do not run (an untrusted notebook, a mail) the same content shows unisolated. Light and dark follow
JupyterLab's and VS Code's theme attributes, else the browser's ``prefers-color-scheme``. Everything is escaped.
"""

from __future__ import annotations

from uuid import uuid4

from ...schemas.result import SelectionResult
from .jinja import template_environment
from .words import name_aliases

__all__ = ["render_result_html"]


def render_result_html(result: SelectionResult) -> str:
    """A self-contained HTML fragment: plan, who answered, warnings, attempts, treatments."""
    names = {item.alias: item.column for item in result.treatments if item.column}
    return (
        template_environment()
        .get_template("result.html.jinja")
        .render(
            uid=f"selection-{uuid4().hex[:12]}",
            plan=result.plan,
            provenance=result.provenance,
            treatments=result.treatments,
            warnings=[name_aliases(text, names) for text in result.warnings],
            rationale=name_aliases(result.plan.rationale, names),
        )
    )
