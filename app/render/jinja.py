"""The templates of this room and of those above it, with the words that all of them use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment

from ...evidence.report.jinja import make_environment
from ...schemas.base import count_of
from .words import (
    describe_concept,
    describe_cost,
    describe_extent,
    describe_number,
    describe_privacy,
    describe_share,
    describe_values,
    spaced,
)

__all__ = ["PLOT_WIDTH", "template_environment"]

PLOT_WIDTH = 180
"""Pixels of a drawn distribution."""


@cache
def template_environment(folder: Path | None = None) -> Environment:
    """Templates of ``folder``, which may extend and include those of this room.

    Args:
        folder: Where a room above this one keeps its own.
    """
    own = Path(__file__).with_name("templates")
    environment = make_environment(*([] if folder is None else [folder]), own)
    environment.filters.update(
        concept=describe_concept,
        number=describe_number, positions=_positions, share=describe_share, short=_short, values=describe_values,
        words=spaced,
    )  # fmt: skip
    environment.globals.update(
        count_of=count_of, extent=describe_extent, cost=describe_cost, privacy=describe_privacy, width=PLOT_WIDTH
    )
    return environment


def _positions(quantiles: Sequence[float]) -> list[float]:
    """Pixels of the quantiles between the first and the last; all in the middle where they are equal."""
    low, high = quantiles[0], quantiles[-1]
    if not high > low:
        return [PLOT_WIDTH / 2] * len(quantiles)
    return [round(3 + (value - low) / (high - low) * (PLOT_WIDTH - 6), 1) for value in quantiles]


def _short(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"
