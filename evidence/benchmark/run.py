"""Measure synthesizers and controls on tables: one cell is a table, a method and a seed, kept in a file of its own.

A cell that has its file is done, whether it worked or failed; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from ...schemas.compliance import DEFAULT_COMPLIANCE, DEFAULT_PROTECTION, POLICIES
from ...schemas.errors import MissingExtra, SettingsError
from ...schemas.methods import Hyperparameters
from ...schemas.question import Constraints
from ...synthesizers.catalogue import CATALOGUE
from ...synthesizers.encoding.table_encoding import Bounds, Encoding
from ...synthesizers.feasibility import method_obstacles
from ...synthesizers.running.files import write_atomically
from ...synthesizers.running.fit_process import FitFailed, FitLimits, run_fit
from ...synthesizers.sizing import TableShape, size_hyperparameters
from ..recommender.score import ScoreDepth
from .cell_measures import PROTECTION, measure_cell, split_for_cells
from .controls import CONTROLS, make_control
from .results import NOT_INSTALLED
from .tables import BenchmarkTable, rarest_share, read_table

__all__ = ["Cell", "is_done", "is_for", "list_cells", "run_benchmark", "run_cell"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to measure."""

    table: str
    method: str
    seed: int
    caution: float = 0.0
    """How far its hyper-parameters lean to lower disclosure risk (see ``size_hyperparameters``)."""

    @property
    def filename(self) -> str:
        """Its result's file name."""
        caution = f"~{self.caution:g}" if self.caution else ""
        return f"{self.table}__{self.method}{caution}__{self.seed}.json"


def list_cells(tables: Iterable[str], methods: Sequence[str], seeds: int) -> list[Cell]:
    """All cells, seed by seed, so that a run cut short has seen most tables; those of a table follow each other.

    What depends on table and seed alone, its protection and half of its measuring, is then done once.
    """
    names = list(tables)
    return [
        Cell(table, method, seed, caution)
        for seed in range(seeds)
        for table in names
        for method in methods
        for caution in (CATALOGUE[method].cautions if method in CATALOGUE else (0.0,))
    ]


def is_for(method: str, table: BenchmarkTable) -> bool:
    """Whether ``method`` is for tables of this kind at all: refusals of what needs a time and an event are no news."""
    return table.time is not None or method not in CATALOGUE or not CATALOGUE[method].survival


def run_benchmark(
    tables: Sequence[BenchmarkTable],
    cells: Sequence[Cell],
    output: Path,
    environments: Path,
    *,
    limits: FitLimits,
    jobs: int = 1,
    backend: str = "loky",
    deadline: float | None = None,
    depth: ScoreDepth = "full",
) -> int:
    """Measure every cell that has no result yet; the number measured now.

    Args:
        tables: Their descriptions.
        cells: What to measure, in this order.
        output: Directory of the results.
        environments: Directory of the synthesizers' environments.
        limits: Of one fit.
        jobs: Cells at a time; -1 is one per core.
        backend: A joblib backend: loky, threading, dask (with its client made beforehand) or ray.
        deadline: ``time.time()`` from which no further cell is begun.
        depth: How much is measured of a cell.
    """
    from joblib import Parallel, delayed, parallel_config

    output.mkdir(parents=True, exist_ok=True)
    by_name = {table.name: table for table in tables}
    waiting = [cell for cell in cells if not is_done(output, cell)]
    if backend == "ray":
        from ray.util.joblib import register_ray

        register_ray()
    with parallel_config(backend=backend, n_jobs=jobs):
        done = Parallel(pre_dispatch="n_jobs", batch_size=1)(
            delayed(_run_and_keep)(by_name[cell.table], cell, output, environments, limits, deadline, depth)
            for cell in waiting
        )
    return sum(done)


def is_done(output: Path, cell: Cell) -> bool:
    """Whether ``cell`` has a result, be it a failure; one whose library was missing waits for the library."""
    path = output / cell.filename
    return path.exists() and not (json.loads(path.read_text())["failure"] or "").startswith(NOT_INSTALLED)


def run_cell(
    table: BenchmarkTable, cell: Cell, environments: Path, limits: FitLimits, depth: ScoreDepth = "full"
) -> dict[str, Any]:
    """Protect, fit, sample and measure one cell; a failed fit is a result too.

    Args:
        table: Its description.
        cell: What to measure.
        environments: Directory of the synthesizers' environments.
        limits: Of the fit.
        depth: How much is measured (see ``cell_measures``).

    Raises:
        MissingExtra: The method's library is not installed.
        TableError: The table cannot be read.
    """
    split = split_for_cells(table, cell.seed)
    shape = split.shape
    result: dict[str, Any] = {
        "table": cell.table, "origin": table.file.name.split(".")[0], "method": cell.method, "seed": cell.seed,
        "caution": cell.caution, "target": table.target, "time": table.time, "failure": None,
        "rarest_share": rarest_share(read_table(table), table.target),
        "rows": shape.rows, "columns": shape.columns, "continuous": shape.continuous, "levels": shape.levels,
        "max_levels": shape.max_levels, "high_cardinality": shape.high_cardinality,
        "missing_share": shape.missing_share, "fitted_rows": len(split.fitted),
        "held_out_rows": len(split.held_out), "protection": PROTECTION, "protection_k": DEFAULT_PROTECTION.k,
        "limit_seconds": limits.seconds, "limit_bytes": limits.memory_bytes, "machine": _machine(),
        "product_version": version("clinical-model-selector"),
    }  # fmt: skip
    fitted = split.protected
    if fitted is None:
        return {**result, "failure": f"protection: {split.refusal}"}
    if cell.method in CONTROLS:
        began = time.process_time()
        synthetic = make_control(cell.method, fitted, len(fitted), cell.seed)
        spent = time.process_time() - began
        return {**result, "fit_cpu_seconds": spent, **measure_cell(table, cell.seed, synthetic, depth)}
    constraints = _unconstrained(shape)
    obstacles = method_obstacles(cell.method, shape, constraints) if cell.method in CATALOGUE else ()
    if obstacles:
        return {**result, "failure": f"infeasible: {obstacles[0].message}"}
    config = _configure(cell, shape, constraints, limits)
    result["hyperparameters"] = json.dumps(config.knobs())
    encoding = Encoding.of(fitted, _bounds(fitted) if config.is_dp else None, outcome=table.outcome)
    result["bounds"] = "read off the protected rows" if config.is_dp else None
    result["epsilon"] = config.total_epsilon if config.is_dp else None
    try:
        run = run_fit(
            fitted, encoding, config, rows=len(fitted), seed=cell.seed, environments=environments, limits=limits
        )
    except FitFailed as failure:
        return {**result, "failure": f"{failure.kind}: {failure}", "fit_seconds": failure.seconds}
    return {
        **result,
        "fit_seconds": run.fit_seconds,
        "fit_cpu_seconds": run.fit_cpu_seconds,
        "sample_seconds": run.sample_seconds,
        "peak_bytes": run.peak_bytes,
        "versions": json.dumps(run.versions),
        **measure_cell(table, cell.seed, run.table, depth),
    }


def _run_and_keep(
    table: BenchmarkTable,
    cell: Cell,
    output: Path,
    environments: Path,
    limits: FitLimits,
    deadline: float | None,
    depth: ScoreDepth,
) -> int:
    path = output / cell.filename
    if is_done(output, cell) or (deadline is not None and time.time() > deadline):
        return 0
    try:
        result = run_cell(table, cell, environments, limits, depth)
    except MissingExtra as missing:
        result = {**asdict(cell), "failure": f"{NOT_INSTALLED}: {missing}"}
    write_atomically(path, lambda partial: partial.write_text(json.dumps(result)))
    return 1


def _unconstrained(shape: TableShape) -> Constraints:
    """Of all the obstacles only those of the table itself; the default level's privacy budget."""
    policy = POLICIES[DEFAULT_COMPLIANCE]
    return Constraints(
        tradeoff="balanced",
        compliance="research",
        require_dp=False,
        epsilon_max=policy.max_epsilon,
        delta_max=policy.delta_for(shape.rows),
        allowed=None,
        deployment="internal",
        max_fit_seconds=None,
    )


def _configure(cell: Cell, shape: TableShape, constraints: Constraints, limits: FitLimits) -> Hyperparameters:
    if cell.method not in CATALOGUE:
        raise SettingsError(f"no synthesizer or control is called {cell.method}")
    return size_hyperparameters(
        cell.method,
        shape,
        epsilon=constraints.epsilon_max,
        delta=constraints.delta_max,
        # Half of the limit: those that stop by the clock must still load, encode and sample.
        max_seconds=limits.seconds / 2,
        caution=cell.caution,
    )


def _bounds(fitted: pd.DataFrame) -> dict[str, Bounds]:
    """Bounds as if they were public knowledge; the result says that they are not."""
    return {column.name: (column.lower, column.upper) for column in Encoding.of(fitted).columns if column.numeric}


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
