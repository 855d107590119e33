"""What a synthetic table is good for and what is lost, all in one place; nothing here decides about a release."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from ..profiling.rule_miner import mine_rules
from ..schemas.errors import TableError
from ..schemas.table.rules import MinedRule
from ..synthesizers.protection.protect_table import protect_table
from ..synthesizers.running.run_card import RunCard
from .disclosure.distances import thin_persons
from .evaluation_inputs import Comparison
from .metrics.comparable import Array
from .metrics.fidelity import Fidelity, measure_fidelity
from .metrics.joint import JointFidelity, measure_joint
from .metrics.missingness import Missingness, measure_missingness
from .metrics.plausibility import Plausibility, measure_plausibility
from .metrics.regression import Inference, measure_inference
from .metrics.subgroups import Subgroup, measure_subgroups
from .metrics.survival import Survival, measure_survival
from .metrics.utility import ColumnUtility, Utility, measure_global_utility, measure_utility

__all__ = ["Quality", "measure_quality", "protected_as_for_the_fit"]

_FEWEST_TO_COMPARE = 100
"""Held-out rows below which the fitted rows are the better yardstick of fidelity (judgement)."""
_MOST_ROWS = 5_000
"""Rows of each part that fidelity looks at."""
_MOST_TAUGHT = 2_000
"""Rows of each part that models are trained on."""
_MOST_TARGETS = 10
"""Columns taken as targets in turn."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Every figure of fidelity, utility and inference; None where it cannot be measured."""

    fidelity: Fidelity
    noise: Fidelity | None
    """Fidelity of the fitted real rows, protected as for the fit: the ceiling that chance and protection leave."""
    joint: JointFidelity | None = None
    missingness: Missingness | None = None
    plausibility: Plausibility | None = None
    subgroups: tuple[Subgroup, ...] = ()
    utility: Utility | None = None
    global_utility: tuple[ColumnUtility, ...] = ()
    inference: Inference | None = None
    survival: Survival | None = None


def measure_quality(
    parts: Comparison, card: RunCard | None, target: object, seed: int, *, full: bool
) -> tuple[Quality, tuple[str, ...]]:
    """Measure, and say what was sampled.

    Args:
        parts: The tables.
        card: Tells whether the fit saw a protected table.
        target: Column that matters most; None where none does.
        seed: Of samples and models.
        full: Everything; else fidelity and the target's utility alone.
    """
    notes = []
    looked = _Sample(parts, _MOST_ROWS, seed)
    taught = _Sample(parts, _MOST_TAUGHT, seed)
    if looked.thinned or taught.thinned:
        notes.append(f"fidelity looked at {_MOST_ROWS:,} rows of each table at most, models at {_MOST_TAUGHT:,}")
    unseen = len(looked.held_out) >= _FEWEST_TO_COMPARE
    reference = looked.held_out if unseen else looked.fitted
    tested = len(taught.held_out) >= 10
    quality = Quality(
        fidelity=measure_fidelity(reference, looked.synthetic, seed),
        noise=measure_fidelity(
            looked.held_out, protected_as_for_the_fit(looked.fitted, looked.fitted_persons, card, seed), seed
        )
        if unseen
        else None,
        utility=_utility(taught, target, seed, full) if tested and target is not None else None,
    )
    if not full:
        return quality, tuple(notes)
    return _add(quality, looked, taught, parts, card, target, seed), tuple(notes)


def _add(
    quality: Quality,
    looked: _Sample,
    taught: _Sample,
    parts: Comparison,
    card: RunCard | None,
    target: object,
    seed: int,
) -> Quality:
    unseen = len(taught.held_out) >= _FEWEST_TO_COMPARE
    reference, owners = (taught.held_out, taught.held_out_persons) if unseen else (taught.fitted, taught.fitted_persons)
    tested = len(taught.held_out) >= 10
    real = pd.concat([looked.fitted, looked.held_out], ignore_index=True)
    rules = mine_rules(looked.fitted, persons=pd.Series(looked.fitted_persons) if parts.persons_known else None)
    rules = (*rules, *_kept_besides(card, rules, looked))
    pair = _survival_pair(parts)
    more: dict[str, Any] = {
        "joint": measure_joint(
            reference, taught.synthetic, owners, seed, fitted=taught.fitted if unseen else None,
            fitted_persons=taught.fitted_persons if unseen else None,
        ),
        "missingness": measure_missingness(real, looked.synthetic) if real.isna().to_numpy().any() else None,
        "plausibility": measure_plausibility(rules, looked.fitted, looked.synthetic, looked.held_out),
        "inference": None if target is None else measure_inference(real, looked.synthetic, target),
    }  # fmt: skip
    if tested:
        more["subgroups"] = measure_subgroups(
            taught.fitted, taught.held_out, taught.synthetic, parts.quasi, target, seed
        )
        more["global_utility"] = measure_global_utility(
            taught.fitted, taught.held_out, taught.synthetic, seed, trees=30, columns=_MOST_TARGETS
        )
    if pair is not None:
        more["survival"] = measure_survival(taught.fitted, taught.held_out, taught.synthetic, *pair)
    own = {one.name: getattr(quality, one.name) for one in fields(quality)}
    return Quality(**{**own, **more})


def _kept_besides(card: RunCard | None, mined: Sequence[MinedRule], looked: _Sample) -> list[MinedRule]:
    """Rules that the synthesis kept and that are not among the mined ones."""
    if card is None or card.rules is None:
        return []
    rules, columns = {item.rule for item in mined}, set(map(str, looked.synthetic.columns)) & set(looked.fitted.columns)
    return [
        MinedRule(rule=item.rule, support=item.support, confidence=item.confidence, by_chance=0.0)
        for item in card.rules.kept
        if item.rule not in rules and item.support and set(item.rule.columns) <= columns
    ]


class _Sample:
    """The parts, none larger than ``most`` rows, persons whole."""

    def __init__(self, parts: Comparison, most: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.fitted, self.fitted_persons = _thin(parts.fitted, parts.fitted_persons, most, rng)
        self.held_out, self.held_out_persons = _thin(parts.held_out, parts.held_out_persons, most, rng)
        self.synthetic, _ = _thin(parts.synthetic, np.arange(len(parts.synthetic)), most, rng)
        self.thinned = len(self.fitted) < len(parts.fitted) or len(self.synthetic) < len(parts.synthetic)


def _thin(table: pd.DataFrame, persons: Array, most: int, rng: np.random.Generator) -> tuple[pd.DataFrame, Array]:
    rows = thin_persons(table, persons, most, rng)
    return table.iloc[rows].reset_index(drop=True), persons[rows]


def protected_as_for_the_fit(fitted: pd.DataFrame, persons: Array, card: RunCard | None, seed: int) -> pd.DataFrame:
    """The fitted rows as a fit saw them: what no synthesizer can be held to have lost."""
    if card is None or card.protection is None:
        return fitted
    try:
        return protect_table(fitted, k=card.protection.k, persons=pd.Series(persons), seed=card.seed or seed).table
    except TableError:
        # A sample may be too small for what the whole table bore.
        return fitted


def _utility(taught: _Sample, target: object, seed: int, full: bool) -> Utility | None:
    return measure_utility(
        taught.fitted, taught.held_out, taught.synthetic, target, seed, draws=3 if full else 1,
        kinds=("forest", "linear") if full else ("forest",),
    )  # fmt: skip


def _survival_pair(parts: Comparison) -> tuple[object, object] | None:
    """Time and event, where the profile finds them and both tables have them."""
    if parts.profile is None:
        return None
    by_role = {column.safe.role: column.name for column in parts.profile.columns}
    by_kind = {column.safe.kind: column.name for column in parts.profile.columns}
    names = [by_role.get(role) or by_kind.get(role) for role in ("event_time", "event_indicator")]
    shared = {str(name): name for name in parts.synthetic.columns}
    if any(name not in shared for name in names):
        return None
    return shared[str(names[0])], shared[str(names[1])]
