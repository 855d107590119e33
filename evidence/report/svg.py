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
    from ..metrics.pairs import PairTie
    from ..metrics.side_by_side import Marginal
    from ..metrics.survival import Survival

__all__ = [
    "Bar",
    "Interval",
    "draw_curves",
    "draw_evidence",
    "draw_gaps",
    "draw_intervals",
    "draw_marginals",
    "draw_pairs",
]

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


def draw_gaps(marginal: Marginal) -> Markup:
    """Shares of missing cells, column by column."""
    return Markup('<div class="marginals">{}</div>').format(_draw_marginal(marginal))


def draw_curves(survival: Survival) -> Markup:
    """Both Kaplan-Meier curves with the real one's band; time from 0 to the horizon, survival from 0 to 1."""
    axis, top, height = _Axis(0.0, 1.0), 8, 200
    parts = []
    for share in (0, 0.5, 1):
        y = top + height * (1 - share)
        parts += [
            f'<line class="grid" x1="{_LEFT}" y1="{y:g}" x2="{_WIDTH - _RIGHT}" y2="{y:g}"/>',
            _text(_LEFT, y - 3 if share < 1 else y + 13, f"{share:g}", css="tick"),
        ]
    band = [
        *zip(survival.grid, survival.high, strict=True),
        *zip(survival.grid[::-1], survival.low[::-1], strict=True),
    ]
    places = {
        name: " ".join(f"{axis.at(x)},{top + height * (1 - y):.1f}" for x, y in points)
        for name, points in (
            ("band", band),
            ("real", list(zip(survival.grid, survival.real, strict=True))),
            ("made", list(zip(survival.grid, survival.synthetic, strict=True))),
        )
    }
    parts += [
        f'<polygon class="real" fill-opacity="0.2" points="{places["band"]}"/>',
        f'<polyline class="line real" points="{places["real"]}"/>',
        f'<polyline class="line made" stroke-dasharray="6 3" points="{places["made"]}"/>',
        _text(_WIDTH / 2, top + height + 18, _shortened(survival.time), anchor="middle", css="tick"),
    ]
    described = (
        f"survival by {survival.time}: mean difference {survival.curve_difference:.3f}; at the horizon "
        f"{survival.real[-1]:.0%} real, {survival.synthetic[-1]:.0%} synthetic"
    )
    return _svg(top + height + 24, described, parts)


def draw_pairs(ties: Sequence[PairTie]) -> Markup:
    """A point for each pair of columns: its tie in the real table across, in the synthetic one up."""
    axis, top, side = _Axis(0.0, 1.0), 8, _WIDTH - _LEFT - _RIGHT
    parts = [
        f'<line class="grid" x1="{axis.at(0)}" y1="{top + side}" x2="{axis.at(1)}" y2="{top}"/>',
        f'<line class="grid" x1="{axis.at(0)}" y1="{top + side}" x2="{axis.at(1)}" y2="{top + side}"/>',
        f'<line class="grid" x1="{axis.at(0)}" y1="{top}" x2="{axis.at(0)}" y2="{top + side}"/>',
        _text(_WIDTH / 2, top + side + 18, "0 to 1 in the real table", anchor="middle", css="tick"),
        _text(_LEFT + 4, top + 13, "1 in the synthetic table", css="tick"),
    ]
    for tie in ties:
        words = escape(f"{tie.first} and {tie.second}: {tie.real:.2f} real, {tie.synthetic:.2f} synthetic")
        y = top + side * (1 - min(1.0, tie.synthetic))
        parts.append(
            f'<circle class="made" fill-opacity="0.7" cx="{axis.at(tie.real)}" cy="{y:.1f}" r="4">'
            f"<title>{words}</title></circle>"
        )
    return _svg(top + side + 24, f"ties of {len(ties)} pairs of columns, real against synthetic", parts)


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
