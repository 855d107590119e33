"""Arithmetic that several synthesizers' sizes and costs share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .table_shape import TableShape

__all__ = ["batch_for", "clamp", "seconds_by_steps"]


def clamp(value: float, low: int, high: int) -> int:
    """The whole number nearest ``value`` within the bounds."""
    return max(low, min(high, round(value)))


def batch_for(rows: int, *, most: int, multiple: int) -> int:
    """A quarter of the rows, at most ``most``, at least 20, rounded down to a multiple."""
    return max(20, min(most, rows // 4) // multiple * multiple)


def seconds_by_steps(per_step: float, per_cell: float) -> Callable[[dict[str, Any], TableShape], float]:
    """CPU seconds of a network trained in gradient steps over one-hot rows.

    Args:
        per_step: Seconds that each step takes at least.
        per_cell: Seconds for each encoded cell of a batch.
    """

    def seconds(knobs: dict[str, Any], shape: TableShape) -> float:
        batch = int(knobs["batch_size"])
        epochs = int(knobs.get("epochs") or knobs["n_iter"])
        steps = epochs * math.ceil(shape.rows / batch)
        return 1.0 + steps * (per_step + per_cell * min(batch, shape.rows) * shape.one_hot_width)

    return seconds
