"""First measurements: eight synthesizers and one control on four real tables, as measured by this project.

70/30 split, seed 0, one CPU thread, Python 3.11, torch 2.13.0. ``shapes`` and ``pairs`` are column-shape and
pair-trend scores; ``tstr`` and ``trtr`` the AUC of a classifier trained on synthetic and on real rows, both tested on
held-out real rows; ``mia`` the membership-inference AUC, where an outright copy of the rows scores about 0.8. None: not
measured.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["COPY_MIA", "MEASUREMENTS", "TABLES", "MeasuredTable", "Measurement"]


@dataclass(frozen=True, slots=True)
class MeasuredTable:
    """A table the synthesizers were measured on."""

    name: str
    rows: int
    columns: int
    trtr: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One synthesizer on one table."""

    method: str
    table: str
    seconds: float
    """CPU seconds to fit; the middle of the range where only a range was kept."""
    shapes: float | None
    pairs: float | None
    tstr: float | None
    mia: float | None


TABLES: dict[str, MeasuredTable] = {
    table.name: table
    for table in (
        MeasuredTable("breast", 569, 31, 0.989),
        MeasuredTable("gbsg2", 686, 10, 0.753),
        MeasuredTable("ckd", 400, 25, 1.00),
        MeasuredTable("flchain", 7874, 11, 0.827),
    )
}

COPY_MIA = 0.80
"""Membership-inference AUC of an outright copy of the rows: the worst there is."""

MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("cart", "breast", 0.3, 0.95, 0.96, 0.975, 0.55),
    Measurement("cart", "gbsg2", 0.3, 0.97, 0.93, 0.746, 0.55),
    Measurement("cart", "ckd", 0.3, 0.97, 0.88, 0.998, 0.55),
    Measurement("cart", "flchain", 0.3, 0.99, 0.98, 0.816, 0.57),
    Measurement("gaussian_copula", "breast", 1.0, 0.90, 0.94, 0.944, 0.52),
    Measurement("gaussian_copula", "gbsg2", 1.0, 0.93, 0.82, 0.748, 0.47),
    Measurement("gaussian_copula", "ckd", 1.0, 0.90, 0.76, 0.924, 0.52),
    Measurement("gaussian_copula", "flchain", 1.0, 0.94, 0.83, 0.718, 0.50),
    Measurement("arf", "breast", 15.0, 0.94, 0.83, 0.968, 0.52),
    Measurement("arf", "gbsg2", 4.0, 0.94, 0.66, 0.710, 0.54),
    Measurement("arf", "ckd", 8.0, 0.93, 0.67, 0.989, 0.56),
    Measurement("tvae", "breast", 10.0, 0.84, 0.83, 0.974, 0.52),
    Measurement("tvae", "gbsg2", 10.0, 0.80, 0.77, 0.744, 0.52),
    Measurement("tvae", "ckd", 10.0, 0.83, 0.65, 0.999, 0.52),
    Measurement("ctgan", "breast", 26.0, 0.69, 0.64, 0.818, 0.49),
    Measurement("ctgan", "gbsg2", 26.0, 0.85, 0.69, 0.596, 0.50),
    Measurement("ctgan", "ckd", 26.0, 0.87, 0.71, 0.785, 0.54),
    Measurement("argn", "breast", 20.0, 0.95, 0.64, 0.514, 0.50),
    Measurement("argn", "gbsg2", 20.0, 0.95, 0.72, 0.577, 0.49),
    Measurement("argn", "ckd", 20.0, 0.94, 0.73, 0.994, 0.54),
    Measurement("argn", "flchain", 20.0, 0.97, 0.88, 0.798, 0.50),
    Measurement("tabddpm", "gbsg2", 60.0, 0.92, 0.86, 0.754, 0.54),
    Measurement("tabddpm", "ckd", 60.0, 0.84, 0.73, 0.994, 0.62),
    Measurement("dp_mst", "gbsg2", 101.0, 0.85, 0.81, 0.667, 0.52),
)
"""TabDDPM at 3,000 epochs, about the gradient steps it is sized for here; CTGAN and TVAE at their default of 300."""
