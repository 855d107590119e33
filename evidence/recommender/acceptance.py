"""Chance that the table made in the end is accepted: not taken for copies, and within the level's cap on the risk.

Either verdict is pass or fail, decided by one look at one table, and a table that fails is worth nothing. So what
counts of the looks at the trials is not how often they failed but how near they came: the standard normal deviate of
the look for copies, and the membership AUC. The final fit has more rows than a trial: the same excess stands out more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from ...schemas.compliance import Policy
from ..disclosure.overlap import COPY_CHANCE, ROWS_CHANCE
from .race import Trial

__all__ = ["INNER_HELD_OUT", "Acceptance"]

INNER_HELD_OUT = 0.3
"""Share of the rows or persons that a trial is judged on."""

_NORMAL = NormalDist()

_MOST_SURPRISE = 4.0
"""Deviates are cut off here: a copy is one beyond doubt, and honest tables are no more than honest."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Judges the trials of one candidate.

    Args:
        policy: Its cap on the membership AUC counts.
    """

    policy: Policy

    def __call__(self, trials: Sequence[Trial]) -> tuple[float, float]:
        """The chance, and how much of it further splits could still change (a standard error)."""
        looks = [
            _accused([trial.parts.get(look) for trial in trials], limit)
            for look, limit in (("persons_chance", COPY_CHANCE), ("rows_chance", ROWS_CHANCE))
        ]
        # Both looks see the same rows: the worse one speaks for both.
        accused, accused_error = max(looks)
        within, within_error = self._within_cap(trials)
        return (1 - accused) * within, math.hypot(accused_error * within, within_error * (1 - accused))

    def _within_cap(self, trials: Sequence[Trial]) -> tuple[float, float]:
        figures = [
            (auc, trial.parts.get("membership_spread") or 0.01)
            for trial in trials
            if (auc := trial.parts.get("membership_auc")) is not None
        ]
        if not figures:
            return 1.0, 0.0
        mean = sum(auc for auc, _ in figures) / len(figures)
        spread = sum(spread for _, spread in figures) / len(figures)
        around = spread / math.sqrt(len(figures))
        # The final look has noise of its own, less than a trial's since it sees more persons (measured on 11 tables:
        # its AUC lies .95 of these errors about the mean of the trials').
        noise = spread * math.sqrt(1 - INNER_HELD_OUT)

        def chance(of: float, more: float) -> float:
            return _NORMAL.cdf((0.5 + self.policy.membership_margin - of) / math.hypot(noise, more))

        return chance(mean, around), (chance(mean - around, 0.0) - chance(mean + around, 0.0)) / 2


def _accused(chances: Sequence[float | None], limit: float) -> tuple[float, float]:
    """Chance that the final look falls below ``limit``, from what the looks at the trials had.

    The deviate of a candidate is normal about its own mean, which is normal about none before anything was seen; both
    have variance one (measured over splits and candidates: .9 and 1.2).
    """
    deviates = [
        max(-_MOST_SURPRISE / 2, min(_MOST_SURPRISE, -_NORMAL.inv_cdf(min(max(chance, 1e-9), 1 - 1e-9))))
        for chance in chances
        if chance is not None
    ]
    if not deviates:
        return 0.0, 0.0
    mean, variance = sum(deviates) / (len(deviates) + 1), 1 / (len(deviates) + 1)
    growth = 1 / (1 - INNER_HELD_OUT)
    threshold = -_NORMAL.inv_cdf(limit)

    def chance(of: float, more: float) -> float:
        return _NORMAL.cdf((math.sqrt(growth) * of - threshold) / math.sqrt(1 + growth * more))

    around = math.sqrt(variance)
    return chance(mean, variance), (chance(mean + around, 0.0) - chance(mean - around, 0.0)) / 2
