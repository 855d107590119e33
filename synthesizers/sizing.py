"""What a synthesizer costs on a given table, and hyper-parameters sized for it.

Deep synthesizers are sized in gradient steps, not epochs: batch 500 on 400 rows is one step an epoch. Seconds and bytes
are estimates for one CPU thread; the seconds are least-squares fits to the benchmark's
(``evidence/benchmark/measurements.md``),
mostly within a factor of two there. What a like table really took corrects them in
``evidence/recommender/expected_results.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..schemas.hyperparameters import HYPERPARAMETERS, Hyperparameters
from ..schemas.profile import SafeColumn, SafeProfile
from .catalogue import CATALOGUE

__all__ = [
    "TableShape",
    "estimate_memory",
    "estimate_seconds",
    "gradient_steps",
    "least_effort",
    "needed_for_bounds",
    "size_hyperparameters",
]

_MODES_PER_CONTINUOUS = 11
"""CTGAN encodes a continuous column as a scalar and up to ten mixture modes (Xu 2019, section 4.2)."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """The facts of a safe profile that decide cost and feasibility."""

    rows: int
    columns: int
    """Columns that enter a fit."""
    continuous: int
    levels: int
    """Categories of all categorical columns together."""
    max_levels: int
    high_cardinality: int
    """Columns of more than 50 levels."""
    missing_share: float
    """Mean over the columns that enter a fit."""

    @classmethod
    def of(cls, profile: SafeProfile) -> TableShape:
        """The shape of what a synthesizer would see of ``profile``."""
        columns = profile.modelled
        levels = [column.encoded_levels for column in columns if _is_categorical(column)]
        return cls(
            rows=profile.rows,
            columns=len(columns),
            continuous=sum(not _is_categorical(column) for column in columns),
            levels=sum(levels),
            max_levels=max(levels, default=0),
            high_cardinality=sum(count > 50 for count in levels),
            missing_share=sum(column.missing_share for column in columns) / len(columns) if columns else 0.0,
        )

    @property
    def one_hot_width(self) -> int:
        """Width of the one-hot encoding: every level, and eleven per continuous column."""
        return self.levels + _MODES_PER_CONTINUOUS * self.continuous


def gradient_steps(config: Hyperparameters, rows: int) -> int | None:
    """Gradient steps ``config`` takes on ``rows`` rows; None where training is not by a fixed number of them."""
    values = config.knobs()
    match config.method:
        case "ctgan":
            # The library drops the last, incomplete batch.
            return int(values["epochs"] * max(1, rows // values["batch_size"]))
        case "tvae":
            return int(values["epochs"] * math.ceil(rows / values["batch_size"]))
        case "tabddpm":
            return int(values["n_iter"] * math.ceil(rows / values["batch_size"]))
        case _:
            return None


def size_hyperparameters(
    method: str,
    shape: TableShape,
    *,
    epsilon: float,
    delta: float,
    max_seconds: float,
    caution: float = 0.0,
    effort: float = 1.0,
) -> Hyperparameters:
    """Hyper-parameters of ``method`` for a table of this shape.

    Args:
        method: Catalogue id.
        shape: The table.
        epsilon: Total budget a DP method may spend, all its epsilons added up.
        delta: Delta of a DP method.
        max_seconds: Time a fit may take; methods that stop by the clock get it as their limit.
        caution: 0 to 1; higher trades fidelity for lower disclosure risk (larger leaves, more shrinkage).
        effort: Factor on the gradient steps to aim for; above 1 after a round of poor fidelity.
    """
    model = HYPERPARAMETERS[method]
    values: dict[str, Any] = {}
    if method == "cart":
        # Leaves grow slowly with the table so that no leaf's donors are a handful of recognisable rows. Full caution is
        # the range's end: leaves of 50 cost little fidelity and halve the risk or better (measurements.md).
        base = 5 + 5 * max(0.0, math.log10(max(shape.rows, 100) / 1000))
        values["min_samples_leaf"] = _clamp(round(base + 45 * caution), 5, 50)
    elif method == "gaussian_copula":
        # Shrink the correlation matrix more the fewer rows there are per column (Ledoit & Wolf 2004's direction).
        values["shrinkage"] = round(min(0.5, 0.02 + shape.columns / max(shape.rows, 1) / 2 + 0.2 * caution), 3)
    elif method == "arf":
        values["num_trees"] = _clamp(round(30 * effort), 10, 100)
        values["min_node_size"] = _clamp(round(5 + 15 * caution), 2, 20)
    elif method in ("ctgan", "tvae", "tabddpm"):
        values |= _sized_in_steps(method, shape.rows, effort)
    elif method in ("argn", "argn_dp"):
        values["max_training_time"] = _clamp(int(max_seconds / 60), 1, 1440)
        values["max_epochs"] = _clamp(round(100 * effort), 10, 500)
    elif method == "dpctgan":
        values["batch_size"] = _batch(shape.rows, most=500, multiple=2)
    if model.epsilon_fields:
        aside = min(epsilon / 2, needed_for_bounds(shape)) if method == "dpctgan" else 0.0
        values |= _split_budget(model, epsilon, delta, aside)
    return model.with_defaults(**values)


def needed_for_bounds(shape: TableShape) -> float:
    """The epsilon that smartnoise-synth needs to find the bounds of all numeric columns, where none are public.

    Below about 20 rows times epsilon a column it gives up (measured with 1.0.8: 11 and below failed, 20 never did).
    """
    return 20 * shape.continuous / max(shape.rows, 1)


def least_effort(method: str) -> float:
    """The smallest ``effort`` at which ``method`` is still trained, as a share of what is aimed for."""
    entry = CATALOGUE[method]
    return entry.min_steps / entry.target_steps if entry.target_steps else 0.0


def _sized_in_steps(method: str, rows: int, effort: float) -> dict[str, Any]:
    steps = CATALOGUE[method].target_steps * effort
    if method == "ctgan":
        batch = _batch(rows, most=500, multiple=20)
        # pac packs that many rows into one discriminator input; 10 needs a batch that it divides.
        return {"batch_size": batch, "pac": 10, "epochs": _clamp(math.ceil(steps / max(1, rows // batch)), 100, 2000)}
    if method == "tvae":
        batch = _batch(rows, most=500, multiple=2)
        return {"batch_size": batch, "epochs": _clamp(math.ceil(steps / max(1, math.ceil(rows / batch))), 300, 2000)}
    # The library does not shuffle, so a small last batch pulls at every epoch's end: a small table is one batch. With a
    # hundred diffusion steps instead of a thousand the same training brings pima's column shapes from 0.74 to 0.89.
    batch = _clamp(rows, 256, 1024)
    n_iter = _clamp(math.ceil(steps / max(1, math.ceil(rows / batch))), 1000, 10000)
    return {"batch_size": batch, "n_iter": n_iter, "num_timesteps": 100}


def _batch(rows: int, *, most: int, multiple: int) -> int:
    """A quarter of the rows, at most ``most``, at least 20, rounded down to a multiple."""
    return max(20, min(most, rows // 4) // multiple * multiple)


def _split_budget(model: type[Hyperparameters], epsilon: float, delta: float, least_aside: float) -> dict[str, Any]:
    """Nine tenths of the budget to training, one tenth, or more where it is needed, to bounds and categories."""
    training, preparation = model.epsilon_fields
    aside = min(1.0, max(epsilon / 10, least_aside))
    values = {preparation: round(aside, 6), training: round(min(10.0, epsilon - aside), 6)}
    if model.delta_field:
        values[model.delta_field] = min(delta, 1e-3)
    return values


def _clamp(value: int, low: int, high: int) -> int:
    return max(low, min(high, value))


def _is_categorical(column: SafeColumn) -> bool:
    return column.encoded_levels > 0


# ---- costs ---------------------------------------------------------------------------------------------------------


def estimate_seconds(config: Hyperparameters, shape: TableShape) -> float:
    """CPU seconds to fit ``config``, an estimate for one thread."""
    return _SECONDS[config.method](config.knobs(), shape)


def estimate_memory(config: Hyperparameters, shape: TableShape) -> float:
    """Estimated peak memory of a fit in bytes: the encoded table thrice in float64, plus interpreter and library."""
    entry = CATALOGUE[config.method]
    width = shape.one_hot_width if entry.one_hot else shape.columns
    library = 0.2e9 if entry.family in ("copula", "trees", "marginals") else 0.8e9
    return library + 3 * 8.0 * shape.rows * width


def _copula_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    return 0.01 + 3e-7 * shape.rows * shape.columns + 9e-7 * shape.columns**3


def _cart_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    # One tree per column over all earlier ones; a class per level makes the split search dearer.
    return 0.02 + 1.2e-7 * shape.rows * shape.columns**2 + 3e-9 * shape.rows * shape.levels


def _arf_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    effort = float(knobs["num_trees"] / 30 * knobs["max_iters"] / 10)
    return 1.0 + 4e-4 * shape.rows * shape.columns * effort


def _steps_seconds(per_step: float, per_cell: float) -> Callable[[dict[str, Any], TableShape], float]:
    def seconds(knobs: dict[str, Any], shape: TableShape) -> float:
        batch = int(knobs["batch_size"])
        epochs = int(knobs.get("epochs") or knobs["n_iter"])
        steps = epochs * math.ceil(shape.rows / batch)
        return 1.0 + steps * (per_step + per_cell * min(batch, shape.rows) * shape.one_hot_width)

    return seconds


def _argn_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    epochs = int(knobs["max_epochs"]) / 100
    trained = 4 + 0.5 * shape.columns + (3e-3 + 2e-4 * shape.columns + 2e-6 * shape.levels) * shape.rows * epochs
    return min(trained, 60.0 * int(knobs["max_training_time"]))


def _mst_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    return 8.0 * shape.columns + 0.6 * shape.levels + 6e-3 * shape.rows


def _aim_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    return 1.2 * _mst_seconds(knobs, shape)


def _dpctgan_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    # The budget pays for a number of steps that grows with the square of rows per batch, from four batches on.
    batches = shape.rows / int(knobs["batch_size"])
    steps = min(max(1.0, (batches / 4) ** 2), int(knobs["epochs"]) * batches / 20)
    return 0.5 + steps * (2.5 + 0.012 * shape.levels)


_SECONDS: dict[str, Callable[[dict[str, Any], TableShape], float]] = {
    "gaussian_copula": _copula_seconds,
    "cart": _cart_seconds,
    "arf": _arf_seconds,
    "ctgan": _steps_seconds(0.015, 5.7e-7),
    "tvae": _steps_seconds(0.008, 4e-8),
    "tabddpm": _steps_seconds(0.017, 1.2e-8),
    "argn": _argn_seconds,
    "argn_dp": _argn_seconds,
    "dp_mst": _mst_seconds,
    "dp_aim": _aim_seconds,
    "dpctgan": _dpctgan_seconds,
}
