"""A selection's result as HTML, for notebooks and report pages.

The fragment carries its own styles and lives in a shadow root, so neither the page's styles nor ours reach the other.
Where scripts do not run (an untrusted notebook, a mail) the same content shows unisolated. Light and dark follow
JupyterLab's and VS Code's theme attributes, else the browser's ``prefers-color-scheme``. Everything is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from jinja2 import Template

    from .methods import Hyperparameters
    from .plan import ModelSelectionPlan
    from .result import SelectionResult

__all__ = ["describe_cost", "describe_privacy", "describe_values", "name_aliases", "render_result_html"]


_ALIAS = re.compile(r"(?<!\w)c[1-9][0-9]*(?!\w)")


def render_result_html(result: SelectionResult) -> str:
    """A self-contained HTML fragment: plan, who answered, warnings, attempts, treatments."""
    names = {item.alias: item.column for item in result.treatments if item.column}
    return _template().render(
        uid=f"selection-{uuid4().hex[:12]}",
        plan=result.plan,
        provenance=result.provenance,
        treatments=result.treatments,
        warnings=[name_aliases(text, names) for text in result.warnings],
        rationale=name_aliases(result.plan.rationale, names),
    )


def describe_values(config: Hyperparameters) -> str:
    """The hyper-parameters as ``name=value``, comma-separated."""
    return ", ".join(f"{name}={_number(value)}" for name, value in config.knobs().items()) or "no hyper-parameters"


def describe_privacy(plan: ModelSelectionPlan) -> str:
    """The privacy budget in words."""
    dp = plan.dp
    if dp.epsilon is None or dp.delta is None:
        return "no differential privacy"
    return f"differentially private: ε ≤ {dp.epsilon:g} in total, δ ≤ {dp.delta:g}"


def describe_cost(provider: str, cost_usd: float | None) -> str:
    """What an answer cost: the provider's own figure, and never a zero it did not report."""
    if provider != "openrouter" and not cost_usd:
        return "no charge"
    return "cost unknown" if cost_usd is None else f"{cost_usd:.6f}".rstrip("0").rstrip(".") + " USD"


def name_aliases(text: str, names: Mapping[str, str]) -> str:
    """``text`` for its owner's screen: every alias with the column's name beside it."""
    return _ALIAS.sub(lambda match: f"{match[0]} ({names[match[0]]})" if match[0] in names else match[0], text)


def _number(value: Any) -> str:
    if value is None:
        return "auto"
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _template() -> Template:
    # Imported here: the ground floor must stay cheap for callers that print no HTML.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(values=describe_values, number=_number)
    environment.globals.update(cost=describe_cost, privacy=describe_privacy)
    source = Path(__file__).with_name("result.html.jinja").read_text(encoding="utf-8")
    return environment.from_string(source)
