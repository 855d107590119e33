"""Measure synthesizers and controls on tables: one cell is a table, a method and a seed, kept in a file of its own.

A cell that has its file is done, whether it worked or failed; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import platform
import time
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.compliance import DEFAULT_COMPLIANCE, POLICIES
from ...schemas.errors import MissingExtra, SettingsError, TableError
from ...schemas.methods import Hyperparameters
from ...schemas.question import Constraints
from ...synthesizers.catalogue import CATALOGUE
from ...synthesizers.encoding.table_encoding import Bounds, Encoding
from ...synthesizers.feasibility import method_obstacles
from ...synthesizers.running.files import write_atomically
from ...synthesizers.running.fit_process import FitFailed, FitLimits, run_fit
from ...synthesizers.sizing import TableShape, size_hyperparameters
from ..disclosure.measure import measure_disclosure
from ..metrics.fidelity import measure_fidelity
from ..metrics.joint import measure_joint
from ..metrics.utility import measure_utility
from ..recommender.score import SCORE_VERSION, Scorer
from .controls import CONTROLS, make_control
from .results import NOT_INSTALLED

__all__ = [
    "BenchmarkTable",
    "Cell",
    "is_done",
    "list_cells",
    "read_table",
    "read_tables",
    "run_benchmark",
    "run_cell",
    "shape_of",
]

HELD_OUT = 0.3
"""Share of the rows that no synthesizer sees."""


@dataclass(frozen=True, slots=True)
class BenchmarkTable:
    """A table with what is predicted from it and what is left out."""

    name: str
    file: Path
    target: str
    columns: tuple[str, ...] = ()
    """The only columns taken; all where empty."""
    drop: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Texts that stand for a missing cell."""
    rows: int | None = None
    """Takes a fixed random sample of so many rows."""
    positive_above: float | None = None
    """Makes the target yes where above this number, else no."""


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


def read_tables(path: Path, data: Path) -> list[BenchmarkTable]:
    """The tables that a TOML file lists under ``[[table]]``, with files looked for in ``data``.

    Raises:
        SettingsError: The file cannot be read or an entry is wrong.
    """
    try:
        entries = tomllib.loads(path.read_text())["table"]
        return [
            BenchmarkTable(
                **{
                    **{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()},
                    "file": data / entry["file"],
                }
            )
            for entry in entries
        ]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise SettingsError(f"{path}: not a list of benchmark tables ({type(error).__name__})") from None


def list_cells(tables: Iterable[str], methods: Sequence[str], seeds: int) -> list[Cell]:
    """All cells, seed by seed, so that a run cut short has seen every table and method."""
    names = list(tables)
    return [
        Cell(table, method, seed, caution)
        for seed in range(seeds)
        for method in methods
        for caution in (CATALOGUE[method].cautions if method in CATALOGUE else (0.0,))
        for table in names
    ]


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
            delayed(_run_and_keep)(by_name[cell.table], cell, output, environments, limits, deadline)
            for cell in waiting
        )
    return sum(done)


def is_done(output: Path, cell: Cell) -> bool:
    """Whether ``cell`` has a result, be it a failure; one whose library was missing waits for the library."""
    path = output / cell.filename
    return path.exists() and not (json.loads(path.read_text())["failure"] or "").startswith(NOT_INSTALLED)


def run_cell(table: BenchmarkTable, cell: Cell, environments: Path, limits: FitLimits) -> dict[str, Any]:
    """Fit, sample and measure one cell; a failed fit is a result too.

    Raises:
        MissingExtra: The method's library is not installed.
        TableError: The table cannot be read.
    """
    fitted, held_out = _split(table, cell.seed)
    shape = shape_of(pd.concat([fitted, held_out]))
    result: dict[str, Any] = {
        "table": cell.table, "origin": table.file.name.split(".")[0], "method": cell.method, "seed": cell.seed,
        "caution": cell.caution, "target": table.target, "failure": None,
        "rows": shape.rows, "columns": shape.columns, "continuous": shape.continuous, "levels": shape.levels,
        "max_levels": shape.max_levels, "high_cardinality": shape.high_cardinality,
        "missing_share": shape.missing_share, "fitted_rows": len(fitted), "held_out_rows": len(held_out),
        "limit_seconds": limits.seconds, "limit_bytes": limits.memory_bytes, "machine": _machine(),
    }  # fmt: skip
    if cell.method in CONTROLS:
        began = time.process_time()
        synthetic = make_control(cell.method, fitted, len(fitted), cell.seed)
        return {
            **result,
            "fit_cpu_seconds": time.process_time() - began,
            **_measure(fitted, held_out, synthetic, table.target, cell.seed),
        }
    constraints = _unconstrained(shape)
    obstacles = method_obstacles(cell.method, shape, constraints) if cell.method in CATALOGUE else ()
    if obstacles:
        return {**result, "failure": f"infeasible: {obstacles[0].message}"}
    config = _configure(cell, shape, constraints, limits)
    result["hyperparameters"] = json.dumps(config.knobs())
    encoding = Encoding.of(fitted, _bounds(fitted) if config.is_dp else None)
    result["bounds"] = "read off the data" if config.is_dp else None
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
        **_measure(fitted, held_out, run.table, table.target, cell.seed),
    }


def shape_of(table: pd.DataFrame) -> TableShape:
    """The facts that decide cost, of a table as it enters a fit."""
    columns = Encoding.of(table).columns
    levels = [len(column.levels) for column in columns if not column.numeric]
    return TableShape(
        rows=len(table),
        columns=len(columns),
        continuous=sum(column.numeric for column in columns),
        levels=sum(levels),
        max_levels=max(levels, default=0),
        high_cardinality=sum(count > 50 for count in levels),
        missing_share=float(table.isna().to_numpy().mean()),
    )


def _run_and_keep(
    table: BenchmarkTable, cell: Cell, output: Path, environments: Path, limits: FitLimits, deadline: float | None
) -> int:
    path = output / cell.filename
    if is_done(output, cell) or (deadline is not None and time.time() > deadline):
        return 0
    try:
        result = run_cell(table, cell, environments, limits)
    except MissingExtra as missing:
        result = {**asdict(cell), "failure": f"{NOT_INSTALLED}: {missing}"}
    write_atomically(path, lambda partial: partial.write_text(json.dumps(result)))
    return 1


def _measure(
    fitted: pd.DataFrame, held_out: pd.DataFrame, synthetic: pd.DataFrame, target: str, seed: int
) -> dict[str, Any]:
    fidelity = measure_fidelity(held_out, synthetic, seed)
    disclosure = measure_disclosure(fitted, held_out, synthetic, seed)
    utility = measure_utility(fitted, held_out, synthetic, target, seed)
    joint = measure_joint(held_out, synthetic, np.arange(len(held_out)), seed)
    parts = {
        depth: Scorer(fitted, held_out, target=target, depth=depth, seed=seed).score(synthetic)
        for depth in ("quick", "full")
    }
    membership = disclosure.membership
    return {
        "score_version": SCORE_VERSION,
        **{f"{depth}_{name}": value for depth, part in parts.items() for name, value in part.raw.items()},
        **{
            f"{depth}_{name}": getattr(part, name)
            for depth, part in parts.items()
            for name in ("score", "fidelity", "utility", "privacy")
        },
        **{f"auc_{attack.name.replace(' ', '_')}": attack.auc.value for attack in membership.attacks},
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
        "fidelity": parts["full"].fidelity,
        "tstr": utility.tstr if utility else None,
        "trtr": utility.trtr if utility else None,
        "utility": parts["full"].utility,
        "membership_auc": membership.auc.value,
        "membership_low": membership.auc.low,
        "membership_high": membership.auc.high,
        "copy_auc": membership.copy_auc,
        "duplicates": disclosure.overlap.exact,
        "risk": disclosure.risk,
    }


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


@lru_cache(maxsize=4)
def read_table(table: BenchmarkTable) -> pd.DataFrame:
    """The rows of a benchmark table, its target known in each.

    Raises:
        TableError: It cannot be read.
    """
    try:
        whole = pd.read_csv(table.file, na_values=list(table.missing), low_memory=False)
    except (OSError, ValueError):
        raise TableError(f"benchmark table {table.name} cannot be read") from None
    wanted = [name for name in (table.columns or whole.columns) if name not in table.drop]
    whole = whole[wanted].dropna(subset=[table.target])
    if table.rows is not None and len(whole) > table.rows:
        whole = whole.sample(table.rows, random_state=0)
    if table.positive_above is not None:
        whole[table.target] = np.where(whole[table.target] > table.positive_above, "yes", "no")
    return whole.reset_index(drop=True)


def _split(table: BenchmarkTable, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    whole = read_table(table)
    order = np.random.default_rng(seed).permutation(len(whole))
    cut = round(len(whole) * (1 - HELD_OUT))
    return whole.iloc[order[:cut]].reset_index(drop=True), whole.iloc[order[cut:]].reset_index(drop=True)


def _machine() -> str:
    return f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
