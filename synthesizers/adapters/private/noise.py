"""Noise without floating point: the discrete Gaussian and the exponential mechanism, drawn exactly.

Noise of floats gives away the cell it was added to by its last bits (Mironov 2012). Here everything is a fraction of
whole numbers, and the coin is the operating system's: no seed leads to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import isqrt
from random import SystemRandom

__all__ = ["choose", "discrete_gaussian"]

_COIN = SystemRandom()


def discrete_gaussian(variance: Fraction) -> int:
    """A whole number x with chance in proportion to exp(-x² / 2 variance) (Canonne, Kamath, Steinke 2020, alg. 3)."""
    top, bottom = variance.numerator, variance.denominator
    scale = isqrt(top // bottom) + 1
    while True:
        drawn = _discrete_laplace(scale)
        # (|x| - variance/scale)² / (2 variance), as one fraction.
        excess = abs(drawn) * scale * bottom - top
        if _happens(excess * excess, 2 * top * bottom * scale * scale):
            return drawn


def choose(
    scores: Sequence[int], epsilon: Fraction, sensitivity: int, allowed: Callable[[int], bool] | None = None
) -> int | None:
    """Place of one of ``scores``, with probability in proportion to exp(epsilon * score / 2 sensitivity).

    The exponential mechanism (McSherry & Talwar 2007), by rejection from equal chances. Only places that are
    ``allowed``, which must not depend on rows, have a chance: whether one is, is asked when its turn has come, and one
    that is not leaves the draw, which changes no ratio among the others. None where none is allowed.
    """
    places = list(range(len(scores)))
    while places:
        best = max(scores[place] for place in places)
        refused = None
        while refused is None:
            at = _COIN.randrange(len(places))
            apart = best - scores[places[at]]
            if _happens(apart * epsilon.numerator, 2 * sensitivity * epsilon.denominator):
                if allowed is None or allowed(places[at]):
                    return places[at]
                refused = at
        places.pop(refused)
    return None


def _discrete_laplace(scale: int) -> int:
    """A whole number x with probability in proportion to exp(-|x| / scale) (as above, alg. 2)."""
    while True:
        remainder = _COIN.randrange(scale)
        if not _happens(remainder, scale):
            continue
        times = 0
        while _happens(1, 1):
            times += 1
        size = remainder + scale * times
        negative = _COIN.getrandbits(1)
        if size or not negative:
            return -size if negative else size


def _happens(top: int, bottom: int) -> bool:
    """True with probability exp(-top / bottom) (as above, alg. 1)."""
    while top > bottom:
        if not _happens(bottom, bottom):
            return False
        top -= bottom
    draws = 1
    while _COIN.randrange(bottom * draws) < top:
        draws += 1
    return draws % 2 == 1
