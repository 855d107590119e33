"""The plots of an evaluation, drawn as SVG: no script and no library, so that a page needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..metrics.side_by_side import Marginal

__all__ = ["draw_intervals", "draw_marginals"]

_LEFT, _WIDTH, _STEP = 190, 520, 26


def draw_intervals(bars: Sequence[tuple[str, float, float, float]]) -> str:
    """Points with their intervals (name, value, low, high) on an axis from 0 to 1."""
    height = _STEP * len(bars) + 30
    parts = [
        f'<svg viewBox="0 0 {_LEFT + _WIDTH + 70} {height}" width="100%" role="img" '
        'aria-label="figures with intervals">'
    ]
    for i in range(5):
        x = _LEFT + _WIDTH * i / 4
        parts.append(f'<line x1="{x}" y1="5" x2="{x}" y2="{height - 22}" stroke="#8884"/>')
        parts.append(_words(x, height - 6, f"{i / 4:g}", "middle", 11))
    for i, (name, value, low, high) in enumerate(bars):
        y = _STEP * i + 18
        a, b, at = (_LEFT + _WIDTH * min(1.0, max(0.0, one)) for one in (low, high, value))
        parts.append(_words(_LEFT - 8, y + 4, name, "end"))
        parts.append(f'<line x1="{a:.1f}" y1="{y}" x2="{b:.1f}" y2="{y}" stroke="#4a7fc1" stroke-width="3"/>')
        parts.append(f'<circle cx="{at:.1f}" cy="{y}" r="5" fill="#2b5d9b"><title>{value:.3f}</title></circle>')
        parts.append(_words(_LEFT + _WIDTH + 8, y + 4, f"{value:.3f}", "start"))
    return "".join([*parts, "</svg>"])


def draw_marginals(marginals: Sequence[Marginal]) -> str:
    """A small chart for each column, those that differ most first."""
    worst = sorted(marginals, key=lambda one: -one.distance)
    return f'<div class="marginals">{"".join(map(_draw_one, worst))}</div>'


def _draw_one(one: Marginal) -> str:
    """Pairs of bars, the upper one real."""
    row, left, width = 24, 110, 170
    height = row * len(one.labels) + 6
    most = max([*one.real, *one.synthetic, 1e-9])
    parts = [
        f"<figure><figcaption>{escape(one.name)} <small>differs by {one.distance:.0%}</small></figcaption>"
        f'<svg viewBox="0 0 {left + width + 66} {height}" width="100%" role="img" '
        f'aria-label="{escape(_in_words(one), quote=True)}">'
    ]
    for i, (label, real, made) in enumerate(zip(one.labels, one.real, one.synthetic, strict=True)):
        y = row * i + 4
        parts.append(_words(left - 6, y + 13, label if len(label) <= 18 else label[:17] + "…", "end", 11))
        for share, offset, name in ((real, 0, "real"), (made, 9, "made")):
            parts.append(
                f'<rect class="{name}" x="{left}" y="{y + offset}" width="{width * share / most:.1f}" height="8"/>'
            )
        parts.append(_words(left + width + 4, y + 13, f"{real:.0%} | {made:.0%}", "start", 10))
    return "".join([*parts, "</svg></figure>"])


def _in_words(one: Marginal) -> str:
    shares = zip(one.labels, one.real, one.synthetic, strict=True)
    return f"{one.name}: " + "; ".join(f"{label} {a:.0%} real, {b:.0%} synthetic" for label, a, b in shares)


def _words(x: float, y: float, text: str, anchor: str, size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" font-size="{size}" text-anchor="{anchor}" fill="currentColor">{escape(text)}</text>'
