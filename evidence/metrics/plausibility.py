"""Plausibility: the share of synthetic rows that break a rule which holds in the real table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...schemas.table.rules import MinedRule
from ...synthesizers.rules.violations import broken_rows

__all__ = ["BrokenRule", "Plausibility", "measure_plausibility"]

_TOLD = 12


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule and how often it is broken."""

    rule: str
    support: int
    """Persons of the real table that it speaks of."""
    synthetic: float
    """Share of synthetic rows that break it."""
    by_chance: float
    """Share of rows of independent columns that would."""


@dataclass(frozen=True, slots=True)
class Plausibility:
    """Over all rules that hold in the real table."""

    rules: int
    broken_rows: float
    """Share of synthetic rows that break at least one."""
    held_out_rows: float | None
    """The same of held-out real rows: what chance alone breaks; None where there are none."""
    worst: tuple[BrokenRule, ...]
    """The rules broken most, at most twelve."""


def measure_plausibility(
    rules: Sequence[MinedRule], real: pd.DataFrame, synthetic: pd.DataFrame, held_out: pd.DataFrame
) -> Plausibility:
    """Hold ``synthetic`` against rules mined from ``real``.

    Args:
        rules: As mined from ``real``.
        real: What a rule's levels mean is read off these rows.
        synthetic: Synthetic rows with the same columns.
        held_out: Real rows that the rules were not mined from; may be empty.
    """
    some, told = np.zeros(len(synthetic), dtype=bool), []
    unseen = np.zeros(len(held_out), dtype=bool)
    for mined in rules:
        broken = broken_rows(mined.rule, synthetic, real)
        some |= broken
        if len(held_out):
            unseen |= broken_rows(mined.rule, held_out, real)
        told.append(BrokenRule(str(mined.rule), mined.support, float(broken.mean()), mined.by_chance))
    told.sort(key=lambda rule: (-rule.synthetic, rule.rule))
    return Plausibility(
        rules=len(rules),
        broken_rows=float(some.mean()) if len(synthetic) else 0.0,
        held_out_rows=float(unseen.mean()) if len(held_out) else None,
        worst=tuple(rule for rule in told[:_TOLD] if rule.synthetic > 0),
    )
