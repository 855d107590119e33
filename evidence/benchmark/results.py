"""What was measured: the benchmark's cells, shipped as a Parquet file, and how they are gathered into it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...schemas.compliance import DEFAULT_COMPLIANCE
from ...schemas.errors import SettingsError
from ...schemas.methods import HYPERPARAMETERS, Hyperparameters
from ...synthesizers.sizing import TableShape
from ..recommender.weighing import SCORE_VERSION

__all__ = ["NOT_INSTALLED", "Measured", "collect_results", "load_measurements"]

NOT_INSTALLED = "not installed"
"""How the failure of a cell begins that says nothing of its synthesizer."""

_SHIPPED = Path(__file__).with_name("measurements.parquet")


@dataclass(frozen=True, slots=True)
class Measured:
    """One cell: a table, a method, a seed."""

    table: str
    origin: str
    """Where the table's rows come from: tables of one origin know each other."""
    method: str
    seed: int
    shape: TableShape
    failure: str | None
    fidelity: float | None
    utility: float | None
    risk: float | None
    membership_auc: float | None
    membership_low: float | None
    membership_high: float | None
    cpu_seconds: float | None
    caution: float = 0.0
    """How far the hyper-parameters leaned to lower risk (see ``size_hyperparameters``)."""
    knobs: tuple[tuple[str, Any], ...] = ()
    """The hyper-parameters; empty for a control."""
    fitted_rows: int = 0
    """Rows that the fit saw."""
    shapes: float | None = None
    """Mean of the column shapes, as they are."""
    sample_seconds: float = 0.0
    protection: str = DEFAULT_COMPLIANCE
    """Level whose value protection the fit's rows went through."""
    copied: bool = False
    """Its overlap with the real rows is beyond chance."""
    rarest_share: float | None = None
    """Share of the target's rarest value; None where it has more than ten, or where nobody looked."""
    survival: bool = False
    """The table holds a time beside its event, and so stands beside the same table without."""

    @property
    def fitted_shape(self) -> TableShape:
        """The shape of what the fit saw."""
        return replace(self.shape, rows=self.fitted_rows or self.shape.rows)

    @property
    def config(self) -> Hyperparameters:
        """The hyper-parameters as the method's typed object."""
        return HYPERPARAMETERS[self.method].with_defaults(**dict(self.knobs))

    @property
    def label(self) -> str:
        """The method, with its level of caution where that is not none."""
        return f"{self.method}~{self.caution:g}" if self.caution else self.method


@lru_cache(maxsize=4)
def load_measurements(path: Path | None = None) -> tuple[Measured, ...]:
    """The cells of a Parquet file, by default of the one shipped; none where that is missing.

    Raises:
        SettingsError: The file cannot be read, or its scores are defined otherwise than today's.
    """
    # Reading takes a fifth of a second, which those who measure nothing need not wait for.
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    source = path or _SHIPPED
    if path is None and not source.exists():
        return ()
    try:
        # Not read_table: it goes through pyarrow.dataset, which imports pandas wherever that is installed.
        with pq.ParquetFile(source) as file:
            rows = file.read().to_pylist()
        if any(row["failure"] is None and row["score_version"] != SCORE_VERSION for row in rows):
            raise SettingsError(f"{source}: measured by another definition of the score; measure it anew")
        return tuple(map(_cell, rows))
    except (OSError, ArrowException, KeyError):
        raise SettingsError(f"{source}: not a file of measurements") from None


def collect_results(folder: Path, output: Path, older: Path | None = None) -> int:
    """Gather every cell's file of ``folder`` in one Parquet file; the number of cells.

    What could not be run for want of its library is left out.

    Args:
        folder: Of the cells' files.
        output: The Parquet file.
        older: A Parquet file whose cells are kept, unless the same cell was measured anew.

    Raises:
        SettingsError: There is none, or ``output`` cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ...synthesizers.running.files import write_atomically

    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*__*__*.json"))]
    rows = [row for row in found if not (row["failure"] or "").startswith(NOT_INSTALLED)]
    if not rows:
        raise SettingsError(f"{folder} holds no results")
    if older is not None:
        with pq.ParquetFile(older) as file:
            kept = file.read().to_pylist()
        renewed = {_key(row) for row in rows}
        rows = [*(row for row in kept if _key(row) not in renewed), *rows]
    names = sorted({name for row in rows for name in row})
    table = pa.table({name: pa.array([_finite(row.get(name)) for row in rows]) for name in names})
    write_atomically(output, lambda partial: pq.write_table(table, partial, compression="zstd"))
    return len(rows)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["table"], row["method"], row["caution"], row["seed"]


def _cell(row: dict[str, Any]) -> Measured:
    return Measured(
        table=row["table"],
        origin=row.get("origin") or row["table"],
        method=row["method"],
        seed=row["seed"],
        shape=TableShape(
            rows=row["rows"],
            columns=row["columns"],
            continuous=row["continuous"],
            levels=row["levels"],
            max_levels=row["max_levels"],
            high_cardinality=row["high_cardinality"],
            missing_share=row["missing_share"],
            survival=row.get("time") is not None,
        ),
        failure=row["failure"],
        fidelity=row["fidelity"],
        utility=_utility(row),
        risk=row["risk"],
        membership_auc=row["membership_auc"],
        membership_low=row["membership_low"],
        membership_high=row["membership_high"],
        cpu_seconds=row["fit_cpu_seconds"],
        caution=row["caution"],
        knobs=_knobs(row.get("hyperparameters")),
        fitted_rows=row["fitted_rows"],
        shapes=row.get("quick_shapes", row.get("shapes")),
        sample_seconds=row.get("sample_seconds") or 0.0,
        protection=row["protection"],
        copied=bool(row.get("copied")),
        rarest_share=row.get("rarest_share"),
        survival=row.get("time") is not None,
    )


def _utility(row: dict[str, Any]) -> float | None:
    """The target's; of a table with a time, half that and half what became of time and event."""
    parts = [value for value in (row["utility"], row.get("survival_utility")) if value is not None]
    return sum(parts) / len(parts) if parts else None


def _knobs(text: str | None) -> tuple[tuple[str, Any], ...]:
    values = json.loads(text) if text else {}
    return tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in values.items())
