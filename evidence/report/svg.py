"""Every chart, drawn as SVG: no script and no library, styled by the page it stands in.

All are 340 units wide, names stand above what they name, and nothing is smaller than 12 units: on a phone a unit is a
pixel. Shapes differ as well as colours: neither a print nor a colour-blind reader loses the difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from ..evaluation_histories import Curve
    from ..metrics.side_by_side import Marginal

__all__ = ["Bar", "Interval", "draw_curves", "draw_evidence", "draw_intervals", "draw_marginals"]

_WIDTH = 340
_LEFT, _RIGHT = 8, 8
_LINE = 17
"""Height of a line of text."""
_LONGEST = 46
"""Characters that fit into a line."""

_SERIES = (("fidelity", "circle"), ("utility", "square"), ("safety", "diamond"))


@dataclass(frozen=True, slots=True)
class Bar:
    """What is expected of one synthesizer; figures between 0 and 1, higher is better."""

    method: str
    place: str
    """choice, backup, or empty."""
    fidelity: float
    utility: float
    safety: float
    """1 - disclosure risk."""
    stand_in: str | None
    """Whose measurements these are, where it has none of its own."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its interval; all three are equal where there is none."""

    name: str
    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, name: str, value: float) -> Self:
        """A figure without an interval."""
        return cls(name, value, value, value)


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float

    def at(self, value: float) -> float:
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def ticks(self) -> list[float]:
        step = 0.25 if self.high - self.low <= 1.5 else 0.5 if self.high - self.low <= 3 else 1.0
        while (self.high - self.low) / step > 8:
            step *= 2
        return [step * i for i in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def draw_evidence(bars: Sequence[Bar]) -> Markup:
    """Expected figures of each synthesizer as a dot plot, one line each; the page shows them as a table too."""
    axis = _Axis(0.0, 1.0)
    step, top = 2 * _LINE + 6, 26
    parts = [*_legend()]
    for number, bar in enumerate(bars):
        y = top + step * number
        figures = {"fidelity": bar.fidelity, "utility": bar.utility, "safety": bar.safety}
        name = f"{bar.method}{'*' if bar.stand_in else ''}{f' · {bar.place}' if bar.place else ''}"
        middle = y + _LINE + 10
        parts += [
            _text(_LEFT, y + 13, name, css=f"name {bar.place}"),
            f'<line class="span" x1="{axis.at(min(figures.values()))}" y1="{middle}" '
            f'x2="{axis.at(max(figures.values()))}" y2="{middle}"/>',
            *(_mark(shape, series, axis.at(figures[series]), middle) for series, shape in _SERIES),
        ]
    height = top + step * len(bars) + 24
    described = "; ".join(
        f"{bar.method}{f' ({bar.place})' if bar.place else ''}: fidelity {bar.fidelity:.2f}, "
        f"utility {bar.utility:.2f}, safety {bar.safety:.2f}"
        for bar in bars
    )
    title = "Expected fidelity, utility and safety of each feasible synthesizer"
    return _svg(height, f"{title}. {described}", [*_grid(axis, top, height), *parts])


def draw_intervals(intervals: Sequence[Interval]) -> Markup:
    """Points with their intervals on one axis, which holds 0, 1 and everything drawn."""
    ends = [value for interval in intervals for value in (interval.low, interval.high, interval.value)]
    axis = _Axis(min([0.0, *ends]), max([1.0, *ends]))
    step, height = 2 * _LINE + 6, (2 * _LINE + 6) * len(intervals) + 26
    parts = []
    for number, interval in enumerate(intervals):
        y = step * number
        middle = y + _LINE + 10
        parts += [
            _text(_LEFT, y + 14, _shortened(interval.name)),
            _text(_WIDTH - _RIGHT, y + 14, f"{interval.value:.3f}", anchor="end", css="figure"),
            f'<line class="interval" x1="{axis.at(interval.low)}" y1="{middle}" x2="{axis.at(interval.high)}" '
            f'y2="{middle}"/>',
            f'<circle class="point" cx="{axis.at(interval.value)}" cy="{middle}" r="5"/>',
        ]
    described = "; ".join(
        f"{item.name} {item.value:.3f}" + (f" ({item.low:.3f} to {item.high:.3f})" if item.high > item.low else "")
        for item in intervals
    )
    return _svg(height, described, [*_grid(axis, 2, height), *parts])


def draw_marginals(marginals: Sequence[Marginal]) -> Markup:
    """A small chart for each column, those that differ most first."""
    worst = sorted(marginals, key=lambda marginal: -marginal.distance)
    return Markup('<div class="marginals">{}</div>').format(Markup("").join(map(_draw_marginal, worst)))


def draw_curves(curves: Sequence[Curve]) -> Markup:
    """A small chart for each curve: circles real, squares synthetic, with lines between them."""
    return Markup('<div class="marginals">{}</div>').format(Markup("").join(map(_draw_curve, curves)))


def _draw_curve(curve: Curve) -> Markup:
    top, height = 26, 170
    across = _Axis(min(curve.at), max(curve.at) if max(curve.at) > min(curve.at) else min(curve.at) + 1)
    low, high = min(0.0, *curve.real, *curve.synthetic), max(*curve.real, *curve.synthetic, 1e-9)
    parts: list[str] = [_text(_LEFT, 16, _shortened(curve.name))]
    for css, values, shape in (("real", curve.real, "circle"), ("made", curve.synthetic, "square")):
        points = [
            (across.at(x), round(top + (height - top - 20) * (1 - (y - low) / (high - low)), 1))
            for x, y in zip(curve.at, values, strict=True)
        ]
        line = " ".join(f"{x},{y}" for x, y in points)
        parts.append(f'<polyline class="line {css}" points="{line}"/>')
        parts += [
            f'<circle class="{css}" cx="{x}" cy="{y}" r="4"/>'
            if shape == "circle"
            else f'<rect class="{css}" x="{x - 3.5}" y="{y - 3.5}" width="7" height="7"/>'
            for x, y in points
        ]
    parts += [
        _text(_LEFT, height - 2, f"{curve.at[0]:g}", css="tick"),
        _text(_WIDTH - _RIGHT, height - 2, f"{curve.at[-1]:g}; highest {high:g}", anchor="end", css="tick"),
    ]
    told = "; ".join(
        f"{x:g}: {a:g} real, {b:g} synthetic" for x, a, b in zip(curve.at, curve.real, curve.synthetic, strict=True)
    )
    return _svg(height, f"{curve.name}. {told}", parts)


def _draw_marginal(marginal: Marginal) -> Markup:
    """Pairs of bars, the upper one real, each below its label."""
    step = _LINE + 28
    most = max([*marginal.real, *marginal.synthetic, 1e-9])
    room = _WIDTH - _LEFT - 52
    parts: list[str] = []
    for number, (label, real, made) in enumerate(zip(marginal.labels, marginal.real, marginal.synthetic, strict=True)):
        y = step * number
        parts.append(_text(_LEFT, y + 13, _shortened(label)))
        for share, offset, css in ((real, 0, "real"), (made, 12, "made")):
            width, top = room * share / most, y + _LINE + offset
            parts += [
                f'<rect class="{css}" x="{_LEFT}" y="{top}" width="{width:.1f}" height="10"/>',
                _text(_LEFT + width + 5, top + 10, f"{share:.0%}", css="figure"),
            ]
    shares = zip(marginal.labels, marginal.real, marginal.synthetic, strict=True)
    described = "; ".join(f"{label} {real:.0%} real, {made:.0%} synthetic" for label, real, made in shares)
    caption = Markup("<figcaption>{} <small>differs by {}</small></figcaption>").format(
        marginal.name, f"{marginal.distance:.0%}"
    )
    drawn = _svg(step * len(marginal.labels) + 2, f"{marginal.name}: {described}", parts)
    return Markup("<figure>{}{}</figure>").format(caption, drawn)


def _svg(height: float, described: str, parts: Sequence[str]) -> Markup:
    head = f'<svg class="chart" viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-label="{escape(described)}">'
    return Markup("\n".join([head, *parts, "</svg>"]))


def _grid(axis: _Axis, top: float, height: float) -> list[str]:
    parts = []
    ticks = axis.ticks()
    for tick in ticks:
        x = axis.at(tick)
        anchor = "start" if tick == ticks[0] else "end" if tick == ticks[-1] else "middle"
        parts += [
            f'<line class="grid" x1="{x}" y1="{top}" x2="{x}" y2="{height - 18:g}"/>',
            _text(x, height - 4, f"{tick:g}", anchor=anchor, css="tick"),
        ]
    return parts


def _legend() -> list[str]:
    parts = []
    for number, (name, shape) in enumerate(_SERIES):
        x = _LEFT + 6 + 100 * number
        parts += [_mark(shape, name, x, 10), _text(x + 11, 14, name)]
    return parts


def _mark(shape: str, series: str, x: float, y: float) -> str:
    if shape == "circle":
        return f'<circle class="{series}" cx="{x}" cy="{y}" r="5"/>'
    turn = f' transform="rotate(45 {x} {y})"' if shape == "diamond" else ""
    return f'<rect class="{series}" x="{x - 4.5}" y="{y - 4.5}" width="9" height="9"{turn}/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", css: str = "") -> str:
    styled = f' class="{css}"' if css else ""
    return f'<text{styled} x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _shortened(text: str) -> str:
    """What fits into a line; cut in the middle, since levels often differ at the end."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 16]}…{text[-15:]}"
