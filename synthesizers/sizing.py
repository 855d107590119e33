"""What a synthesizer costs on a given table, and hyper-parameters sized for it; each entry brings its own arithmetic.

Deep synthesizers are sized in gradient steps, not epochs: batch 500 on 400 rows is one step an epoch. Seconds and bytes
are estimates for one CPU thread; the seconds are least-squares fits to the benchmark's measurements, mostly within a
factor of two there.
"""

from __future__ import annotations

from typing import Any

from ..schemas.methods import CATALOGUE, CatalogueEntry, Hyperparameters, Sizing, TableShape

__all__ = [
    "START_SECONDS",
    "TableShape",
    "estimate_memory",
    "estimate_seconds",
    "expected_wait",
    "gradient_steps",
    "least_effort",
    "size_hyperparameters",
]

START_SECONDS = 0.75
"""CPU seconds of a worker besides its fit, to start and to read its rows: .4 to 1.5 were measured over all methods."""


def gradient_steps(config: Hyperparameters, rows: int) -> int | None:
    """Gradient steps ``config`` takes on ``rows`` rows; None where training is not by a fixed number of them."""
    return CATALOGUE[config.method].steps(config.knobs(), rows)


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
    entry = CATALOGUE[method]
    values = entry.size(Sizing(shape, max_seconds, caution, effort, entry.target_steps * effort))
    if entry.dp is not None:
        values = {**values, **_split_budget(entry, epsilon, delta, min(epsilon / 2, entry.bounds_epsilon(shape)))}
    return entry.hyperparameters.with_defaults(**values)


def least_effort(method: str) -> float:
    """The smallest ``effort`` at which ``method`` is still trained, as a share of what is aimed for."""
    entry = CATALOGUE[method]
    return entry.min_steps / entry.target_steps if entry.target_steps else 0.0


def estimate_seconds(config: Hyperparameters, shape: TableShape) -> float:
    """CPU seconds to fit ``config``, an estimate for one thread."""
    return CATALOGUE[config.method].cpu_seconds(config.knobs(), shape)


def expected_wait(config: Hyperparameters, shape: TableShape) -> float:
    """Seconds until the synthetic rows are there, on a machine with nothing else to do: worker, library, fit, draw."""
    return START_SECONDS + estimate_seconds(config, shape)


def estimate_memory(config: Hyperparameters, shape: TableShape) -> float:
    """Estimated peak memory of a fit in bytes: the encoded table thrice in float64, plus interpreter and library."""
    entry = CATALOGUE[config.method]
    width = shape.one_hot_width if entry.one_hot else shape.columns
    return entry.library_bytes + 3 * 8.0 * shape.rows * width


def _split_budget(entry: CatalogueEntry, epsilon: float, delta: float, least_aside: float) -> dict[str, Any]:
    """Nine tenths of the budget to training, one tenth, or more where it is needed, to bounds and categories."""
    training, preparation = entry.hyperparameters.epsilon_fields
    aside = min(1.0, max(epsilon / 10, least_aside))
    values = {preparation: round(aside, 6), training: round(min(10.0, epsilon - aside), 6)}
    if entry.hyperparameters.delta_field:
        values[entry.hyperparameters.delta_field] = min(delta, 1e-3)
    return values
