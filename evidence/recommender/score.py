"""The one definition of a cell's score: how good a synthesizer was on a table, for a trade-off.

A cell is a table, a synthesizer and a seed. Its score is the weighted mean of fidelity (mean of column shapes and pair
trends), utility (TSTR over TRTR, both above chance, within 0 and 1), 1 - risk (|membership AUC - 0.5|, scaled so that a
row copy is 1) and speed (1 at a CPU second, 0 at ten thousand, on a log scale). A table-and-synthesizer's score is the
mean over its seeds; a seed whose fit failed scores 0. Where a table has no utility, its weight goes to the others.
"""

from __future__ import annotations

import math

from ...schemas.options import Tradeoff

__all__ = ["WEIGHTS", "score_cell"]

WEIGHTS: dict[Tradeoff, tuple[float, float, float, float]] = {
    "balanced": (0.33, 0.33, 0.33, 0.01),
    "fidelity": (0.60, 0.20, 0.20, 0.00),
    "utility": (0.20, 0.60, 0.20, 0.00),
    "privacy": (0.15, 0.15, 0.70, 0.00),
    "speed": (0.20, 0.20, 0.20, 0.40),
}
"""Weights of fidelity, utility, 1 - risk, and speed."""


def score_cell(tradeoff: Tradeoff, fidelity: float, utility: float | None, risk: float, seconds: float) -> float:
    """Between 0 and 1, higher is better; all figures but ``seconds`` lie between 0 and 1."""
    speed = 1 - min(1.0, max(0.0, math.log10(max(seconds, 1.0)) / 4))
    parts = zip(WEIGHTS[tradeoff], (fidelity, utility, 1 - risk, speed), strict=True)
    known = [(weight, value) for weight, value in parts if value is not None]
    return sum(weight * value for weight, value in known) / sum(weight for weight, _ in known)
