"""Curves of histories: deciles of lengths and gaps, and the share without the event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from ..evaluation_histories import Curve

__all__ = ["draw_history_curves"]

_WIDTH, _HEIGHT, _SIDE, _TOP, _BOTTOM = 340, 170, 8, 28, 24


def draw_history_curves(curves: Sequence[Curve]) -> Markup:
    """A small chart for each curve: circles real, squares synthetic, with lines between them."""
    return Markup('<div class="marginals">{}</div>').format(Markup("").join(map(_draw, curves)))


def _draw(curve: Curve) -> Markup:
    low, high = min(0.0, *curve.real, *curve.synthetic), max(*curve.real, *curve.synthetic, 1e-9)
    parts = [f'<text x="{_SIDE}" y="16">{escape(curve.name)}</text>']
    for css, values in (("real", curve.real), ("made", curve.synthetic)):
        points = [
            (_across(curve, x), round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - y) / (high - low), 1))
            for x, y in zip(curve.at, values, strict=True)
        ]
        line = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline class="history-line {css}" points="{line}"/>')
        parts += [_mark(css, x, y) for x, y in points]
    parts += [
        f'<text class="tick" x="{_SIDE}" y="{_HEIGHT - 4}">{curve.at[0]:g}</text>',
        f'<text class="tick" x="{_WIDTH - _SIDE}" y="{_HEIGHT - 4}" text-anchor="end">'
        f"{curve.at[-1]:g}; highest {high:g}</text>",
    ]
    told = "; ".join(
        f"{x:g}: {a:g} real, {b:g} synthetic" for x, a, b in zip(curve.at, curve.real, curve.synthetic, strict=True)
    )
    label = escape(f"{curve.name}. {told}")
    return Markup(
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _across(curve: Curve, x: float) -> float:
    span = curve.at[-1] - curve.at[0] or 1.0
    return round(_SIDE + (x - curve.at[0]) / span * (_WIDTH - 2 * _SIDE), 1)


def _mark(css: str, x: float, y: float) -> str:
    if css == "real":
        return f'<circle class="real" cx="{x}" cy="{y}" r="4"/>'
    return f'<rect class="made" x="{x - 3.5}" y="{y - 3.5}" width="7" height="7"/>'
