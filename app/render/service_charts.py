"""The evidence as a chart, drawn here as SVG: no script, no library, and styled by the page it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

__all__ = ["Bar", "evidence_chart"]

_LABEL, _PLOT, _ROW, _TOP = 150, 420, 30, 34
_SERIES = (("fidelity", "circle"), ("utility", "square"), ("safety", "diamond"))
"""Shapes as well as colours: neither a print nor a colour-blind reader loses the difference."""


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


def evidence_chart(bars: Sequence[Bar]) -> Markup:
    """A dot plot, one line a synthesizer; the page shows the same figures as a table."""
    height = _TOP + _ROW * len(bars) + 26
    width = _LABEL + _PLOT + 24
    parts = [
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-labelledby="chart-title chart-text">',
        '<title id="chart-title">Expected fidelity, utility and safety of each feasible synthesizer</title>',
        f'<desc id="chart-text">{escape(_in_words(bars))}</desc>',
        *_legend(),
        *_grid(height),
    ]
    for place, bar in enumerate(bars):
        parts += _line(bar, _TOP + _ROW * place + _ROW // 2)
    return Markup("\n".join([*parts, "</svg>"]))


def _legend() -> list[str]:
    parts = []
    for place, (name, shape) in enumerate(_SERIES):
        x = _LABEL + 10 + 110 * place
        parts += [_mark(shape, name, x, 12), f'<text x="{x + 11}" y="16">{name}</text>']
    return parts


def _grid(height: int) -> list[str]:
    parts = []
    for tenth in range(0, 11, 2):
        x = _x(tenth / 10)
        parts += [
            f'<line class="grid" x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{height - 20}"/>',
            f'<text class="tick" x="{x}" y="{height - 6}" text-anchor="middle">{tenth / 10:g}</text>',
        ]
    return parts


def _line(bar: Bar, y: int) -> list[str]:
    figures = {"fidelity": bar.fidelity, "utility": bar.utility, "safety": bar.safety}
    low, high = min(figures.values()), max(figures.values())
    name = f"{bar.method}*" if bar.stand_in else bar.method
    return [
        f'<text class="name {bar.place}" x="{_LABEL - 12}" y="{y + 4}" text-anchor="end">{escape(name)}</text>',
        f'<line class="span" x1="{_x(low)}" y1="{y}" x2="{_x(high)}" y2="{y}"/>',
        *(_mark(shape, series, _x(figures[series]), y) for series, shape in _SERIES),
    ]


def _mark(shape: str, series: str, x: float, y: int) -> str:
    if shape == "circle":
        return f'<circle class="{series}" cx="{x}" cy="{y}" r="5"/>'
    turn = f' transform="rotate(45 {x} {y})"' if shape == "diamond" else ""
    return f'<rect class="{series}" x="{x - 4.5}" y="{y - 4.5}" width="9" height="9"{turn}/>'


def _x(value: float) -> float:
    return round(_LABEL + max(0.0, min(1.0, value)) * _PLOT, 1)


def _in_words(bars: Sequence[Bar]) -> str:
    return "; ".join(
        f"{bar.method}{f' ({bar.place})' if bar.place else ''}: fidelity {bar.fidelity:.2f}, "
        f"utility {bar.utility:.2f}, safety {bar.safety:.2f}"
        for bar in bars
    )
