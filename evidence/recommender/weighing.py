"""How a trade-off weighs fidelity, utility, privacy and speed; light to import, since every prompt needs it."""

from __future__ import annotations

import math

from ...schemas.options import Tradeoff

__all__ = ["SCORE_VERSION", "WEIGHTS", "rescale", "score_cell", "speed_of"]

SCORE_VERSION = 3
"""Of the score's definition. The first had no likeness, one target and a folded risk; the second took the ends of
fidelity from unprotected rows. Figures of different versions are never read together."""

WEIGHTS: dict[Tradeoff, tuple[float, float, float, float]] = {
    "balanced": (0.33, 0.33, 0.33, 0.01),
    "fidelity": (0.60, 0.20, 0.20, 0.00),
    "utility": (0.20, 0.60, 0.20, 0.00),
    "privacy": (0.15, 0.15, 0.70, 0.00),
    "speed": (0.20, 0.20, 0.20, 0.40),
}
"""Trade-off → weights of fidelity, utility, privacy, and speed."""


def score_cell(tradeoff: Tradeoff, fidelity: float, utility: float | None, risk: float | None, seconds: float) -> float:
    """Between 0 and 1, higher is better; all figures but ``seconds`` lie between 0 and 1."""
    parts = zip(
        WEIGHTS[tradeoff], (fidelity, utility, None if risk is None else 1 - risk, speed_of(seconds)), strict=True
    )
    known = [(weight, value) for weight, value in parts if value is not None]
    return sum(weight * value for weight, value in known) / sum(weight for weight, _ in known)


def speed_of(seconds: float) -> float:
    """1 for a second and less, 0 for ten thousand and more."""
    return 1 - min(1.0, max(0.0, math.log10(max(seconds, 1.0)) / 4))


def rescale(value: float, independent: float, real: float) -> float:
    """0 for what independent columns have, 1 for what real held-out rows have, and no less or more."""
    if real - independent < 1e-3:
        # The columns are independent in the real table too: every likeness is as good as the real one's.
        return min(1.0, max(0.0, 1 - (real - value)))
    return min(1.0, max(0.0, (value - independent) / (real - independent)))
