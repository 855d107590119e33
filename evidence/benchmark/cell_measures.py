"""What a benchmark cell holds of its synthetic table, measured against one split as ``evaluate`` does it.

The fit saw protected rows; disclosure, utility and column figures are judged against the real rows, fitted and
held-out, as they are. Quick cells hold the parts of the quick score and its raw figures, which is what a race and the
recommender read; full ones every metric beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.compliance import DEFAULT_COMPLIANCE, DEFAULT_PROTECTION, Compliance
from ...schemas.errors import TableError
from ...synthesizers.protection.protect_table import protect_table
from ...synthesizers.sizing import TableShape
from ..disclosure.measure import measure_disclosure
from ..metrics.fidelity import measure_fidelity
from ..metrics.joint import measure_joint
from ..metrics.survival import measure_survival
from ..metrics.utility import measure_utility, ratio_of
from ..recommender.score import ScoreDepth, ScoreParts, Scorer
from ..recommender.weighing import SCORE_VERSION
from .tables import BenchmarkTable, read_table, shape_of, split_table

__all__ = ["PROTECTION", "CellSplit", "measure_cell", "split_for_cells"]

PROTECTION: Compliance = DEFAULT_COMPLIANCE
"""The level whose value protection every cell is measured with."""

FARTHEST_CURVE = 0.1
"""Mean difference of two survival curves at which nothing is left of their likeness (judgement)."""


@dataclass(frozen=True, slots=True)
class CellSplit:
    """A table split by a seed, and what all cells of that split share."""

    shape: TableShape
    """Of the whole table, unprotected: what a profile would say of it."""
    fitted: pd.DataFrame
    held_out: pd.DataFrame
    protected: pd.DataFrame | None
    """The fitted rows as a fit sees them; None where protection would leave nothing to predict."""
    refusal: str | None
    """Why there are none."""
    target: str
    seed: int


@lru_cache(maxsize=1)
def split_for_cells(table: BenchmarkTable, seed: int) -> CellSplit:
    """Split and protect; the last split is kept, for the cells that follow each other.

    Raises:
        TableError: The table cannot be read.
    """
    fitted, held_out = split_table(table, seed)
    protected, refusal = None, None
    try:
        protected = protect_table(fitted, k=DEFAULT_PROTECTION.k, target=table.target, seed=seed).table
    except TableError as error:
        refusal = str(error)
    shape = shape_of(read_table(table), survival=table.time is not None)
    return CellSplit(shape, fitted, held_out, protected, refusal, table.target, seed)


def measure_cell(table: BenchmarkTable, seed: int, synthetic: pd.DataFrame, depth: ScoreDepth) -> dict[str, Any]:
    """The figures of one synthetic table, by name.

    Args:
        table: What it was made from.
        seed: Of the split.
        synthetic: Rows with the same columns.
        depth: ``quick`` for the score's parts and raw figures, ``full`` for all metrics.
    """
    split = split_for_cells(table, seed)
    quick = _scorer(table, seed, "quick").score(synthetic)
    # Selectors are judged by the quick score at either depth, so that cells of both can be read together.
    record = {
        "score_version": SCORE_VERSION,
        "depth": depth,
        **_parts("quick", quick),
        **_judged(quick),
        **_survival(split, synthetic, table.time),
    }
    if depth == "quick":
        return record
    full = _scorer(table, seed, "full").score(synthetic)
    return {**_all_metrics(split, synthetic), **_parts("full", full), **record}


@lru_cache(maxsize=2)
def _scorer(table: BenchmarkTable, seed: int, depth: ScoreDepth) -> Scorer:
    split = split_for_cells(table, seed)
    return Scorer(split.fitted, split.held_out, target=split.target, protected=split.protected, depth=depth, seed=seed)


def _parts(depth: str, parts: ScoreParts) -> dict[str, Any]:
    names = ("score", "fidelity", "utility", "privacy")
    return {
        **{f"{depth}_{name}": value for name, value in parts.raw.items()},
        **{f"{depth}_{name}": getattr(parts, name) for name in names},
    }


def _judged(parts: ScoreParts) -> dict[str, Any]:
    """The figures that selectors are judged by."""
    auc = parts.membership_auc
    return {
        "fidelity": parts.fidelity,
        "utility": parts.utility,
        "risk": None if parts.privacy is None else 1 - parts.privacy,
        "membership_auc": None if auc is None else auc.value,
        "membership_low": None if auc is None else auc.low,
        "membership_high": None if auc is None else auc.high,
        "copy_auc": parts.raw["copy_auc"],
        "copied": parts.copied,
    }


def _survival(split: CellSplit, synthetic: pd.DataFrame, time: str | None) -> dict[str, Any]:
    """What became of time and event: half how well a model trained on them ranks, half how near the curve is."""
    if time is None:
        return {}
    seen = measure_survival(split.fitted, split.held_out, synthetic, time, split.target)
    if seen is None:
        return {"survival_utility": 0.0}
    parts = [max(0.0, 1 - seen.curve_difference / FARTHEST_CURVE)]
    if seen.c_index_real is not None and seen.c_index_synthetic is not None:
        ratio = ratio_of(seen.c_index_synthetic, seen.c_index_real, 0.5)
        parts += [] if ratio is None else [ratio]
    return {
        "survival_utility": sum(parts) / len(parts),
        "curve_difference": seen.curve_difference,
        "c_index_synthetic": seen.c_index_synthetic,
        "c_index_real": seen.c_index_real,
        "log_rank_p": seen.log_rank_p,
        "restricted_mean_real": seen.restricted_mean_real,
        "restricted_mean_synthetic": seen.restricted_mean_synthetic,
    }


def _all_metrics(split: CellSplit, synthetic: pd.DataFrame) -> dict[str, Any]:
    fitted, held_out, seed = split.fitted, split.held_out, split.seed
    fidelity = measure_fidelity(held_out, synthetic, seed)
    disclosure = measure_disclosure(fitted, held_out, synthetic, seed)
    utility = measure_utility(fitted, held_out, synthetic, split.target, seed)
    joint = measure_joint(held_out, synthetic, np.arange(len(held_out)), seed)
    membership = disclosure.membership
    return {
        **{f"auc_{attack.name.replace(' ', '_')}": attack.auc.value for attack in membership.attacks},
        "worst_auc": membership.auc.value,
        "c2st_auc": joint.c2st_auc,
        "pmse_ratio": joint.pmse_ratio,
        "caught_at_1": membership.caught_at_1,
        "caught_at_10": membership.caught_at_10,
        "lonely_auc": None if membership.lonely_auc is None else membership.lonely_auc.value,
        "attribute_advantage": None if disclosure.attribute is None else disclosure.attribute.value,
        "singling_out": disclosure.singling_out.risk.value,
        "linkability": disclosure.linkability.risk.value,
        "copied": disclosure.overlap.copied,
        "shapes": fidelity.shapes,
        "pairs": fidelity.pairs,
        "pairs_baseline": fidelity.pairs_baseline,
        "ks_mean": fidelity.ks_mean,
        "correlation_difference": fidelity.correlation_difference,
        "correlation_baseline": fidelity.correlation_baseline,
        "jensen_shannon": fidelity.jensen_shannon,
        "tstr": utility.tstr if utility else None,
        "trtr": utility.trtr if utility else None,
        "duplicates": disclosure.overlap.exact,
    }
