"""Figures and facts in words, the same on every screen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...schemas.base import count_of

if TYPE_CHECKING:
    from ...schemas.methods import Hyperparameters
    from ...schemas.plan import ModelSelectionPlan
    from ...schemas.profile import SafeColumn, TableProfile

__all__ = [
    "describe_concept",
    "describe_cost",
    "describe_extent",
    "describe_number",
    "describe_privacy",
    "describe_share",
    "describe_values",
    "name_aliases",
    "printable",
    "spaced",
]

_ALIAS = re.compile(r"(?<!\w)c[1-9][0-9]*(?!\w)")


def describe_values(config: Hyperparameters) -> str:
    """The hyper-parameters as ``name=value``, comma-separated."""
    knobs = ", ".join(f"{name}={describe_number(value)}" for name, value in config.knobs().items())
    return knobs or "no hyper-parameters"


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


def describe_number(value: Any) -> str:
    """A hyper-parameter's value; None is left to the library."""
    if value is None:
        return "auto"
    return f"{value:g}" if isinstance(value, float) else str(value)


def describe_share(value: float) -> str:
    """A share in per cent; what is there but rounds to nothing is told."""
    return "0 %" if value == 0 else "< 1 %" if value < 0.01 else f"{value:.0%}".replace("%", " %")


def describe_extent(profile: TableProfile) -> str:
    """How large a table is and what a row of it is."""
    safe = profile.safe
    text = f"{count_of(profile.rows, 'row')}, {count_of(len(profile.columns), 'column')}"
    if safe.grain != "unknown":
        text += f"; one row per {safe.grain}"
    if safe.patients is not None:
        text += f"; about {count_of(safe.patients, 'patient')}"
    return text + ("; time to event with its indicator" if safe.survival else "")


def name_aliases(text: str, names: Mapping[str, str]) -> str:
    """``text`` for its owner's screen: the column's name in place of every alias."""
    return _ALIAS.sub(lambda match: names.get(match[0], match[0]), text)


def printable(text: str) -> str:
    """``text`` with control characters shown as escapes: a column's name must not steer the terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def spaced(name: str) -> str:
    """An identifier as words."""
    return str(name).replace("_", " ")


def describe_concept(column: SafeColumn) -> str:
    """The clinical concept of a column, with its unit where the figures tell it."""
    concept = (column.concept or "").replace("_", " ")
    return f"{concept} [{column.unit}]" if column.unit else concept
