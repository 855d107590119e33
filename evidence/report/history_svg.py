"""Curves of histories: deciles of lengths and gaps, the share without the event, and trajectories in bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from ..history_plots import Band, Curve

__all__ = ["draw_history_bands", "draw_history_curves"]

_WIDTH, _HEIGHT, _SIDE, _TOP, _BOTTOM = 340, 170, 8, 28, 24


def draw_history_curves(curves: Sequence[Curve]) -> Markup:
    """A small chart for each curve: circles real, squares synthetic, with lines between them."""
    return Markup('<div class="marginals">{}</div>').format(Markup("").join(map(_draw, curves)))


def draw_history_bands(bands: Sequence[Band]) -> Markup:
    """A small chart for each number: the real quartiles as a band around a line, the synthetic ones as broken lines."""
    return Markup('<div class="marginals">{}</div>').format(Markup("").join(map(_draw_band, bands)))


def _draw_band(band: Band) -> Markup:
    every = [*(y for line in (*band.real, *band.synthetic) for y in line)]
    low, high = min(every), max(max(every), min(every) + 1e-9)

    def points(line: Sequence[float]) -> list[str]:
        span = band.at[-1] - band.at[0] or 1.0
        places = [_SIDE + (x - band.at[0]) / span * (_WIDTH - 2 * _SIDE) for x in band.at]
        room = _HEIGHT - _TOP - _BOTTOM
        return [f"{x:.1f},{_TOP + room * (high - y) / (high - low):.1f}" for x, y in zip(places, line, strict=True)]

    around = " ".join([*points(band.real[0]), *reversed(points(band.real[2]))])
    parts = [
        f'<text x="{_SIDE}" y="16">{escape(band.name)}</text>',
        f'<polygon class="real" fill-opacity="0.2" points="{around}"/>',
        f'<polyline class="line real" points="{" ".join(points(band.real[1]))}"/>',
        f'<polyline class="line made" points="{" ".join(points(band.synthetic[1]))}"/>',
        *(
            f'<polyline class="line made" stroke-dasharray="4 4" points="{" ".join(points(band.synthetic[i]))}"/>'
            for i in (0, 2)
        ),
        f'<text class="tick" x="{_SIDE}" y="{_HEIGHT - 4}">{band.at[0]:g}</text>',
        f'<text class="tick" x="{_WIDTH - _SIDE}" y="{_HEIGHT - 4}" text-anchor="end">'
        f"{band.at[-1]:g} ({escape(band.by)}); {low:g} to {high:g}</text>",
    ]
    told = "; ".join(
        f"{x:g}: {a:g} real, {b:g} synthetic" for x, a, b in zip(band.at, band.real[1], band.synthetic[1], strict=True)
    )
    label = escape(f"{band.name}, medians by {band.by}. {told}")
    return _chart(label, parts)


def _chart(label: Markup, parts: Sequence[str]) -> Markup:
    return Markup(
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


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
    return _chart(escape(f"{curve.name}. {told}"), parts)


def _across(curve: Curve, x: float) -> float:
    span = curve.at[-1] - curve.at[0] or 1.0
    return round(_SIDE + (x - curve.at[0]) / span * (_WIDTH - 2 * _SIDE), 1)


def _mark(css: str, x: float, y: float) -> str:
    if css == "real":
        return f'<circle class="real" cx="{x}" cy="{y}" r="4"/>'
    return f'<rect class="made" x="{x - 3.5}" y="{y - 3.5}" width="7" height="7"/>'
