"""``benchmark histories``: how near ``cart_histories`` comes to real patients, and whether the measures call controls
what they are.

Patients are split in halves; one is fitted, the other is the yardstick. The yardstick and the floor (the fitted half
itself) are what a fit sees of them: without values of few patients and with the longest histories cut. Membership is
attacked with the real patients as they are.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...profiling import open_table, profile_table
from ...profiling.readers.to_pandas import as_frame
from ...schemas.compliance import ValueProtection
from ...schemas.errors import SettingsError
from ...schemas.methods import HYPERPARAMETERS
from ...synthesizers.encoding.sets.linked_set import LinkedSet
from ...synthesizers.encoding.sets.prepared_set import prepare_set
from ...synthesizers.running.run_histories import fit_set, one_table
from .controls import HISTORY_CONTROLS, make_history_control, mix_copies
from .link_tables import link_tables
from .read_set import as_made, read_histories
from .scores import HistoryScores, mean_scores, measure_histories
from .survival import rows_after_death
from .table import Histories

__all__ = [
    "FIGURES",
    "HistoryArm",
    "HistoryTables",
    "read_history_tables",
    "run_history_benchmark",
    "run_history_checks",
]

METHOD = "cart_histories"
_COPIED = 0.1

FIGURES: Mapping[str, Mapping[str, float]] = {
    "visits": {
        "length": 0.12, "gap": 0.08, "lag_one": 0.08, "lag_one_within": 0.12, "intraclass": 0.10, "step": 0.12,
        "drift": 0.15, "transitions": 0.09, "pair_auc": 0.70, "next_value": 0.82, "after_end": 0.0,
        "membership_auc": 0.58, "nearer_share": 0.12,
    },
    "codes": {
        "gap": 0.06, "bigrams": 0.18, "copresence": 0.07, "once_repeated": 0.03, "pair_auc": 0.62, "next_value": 0.69,
        "after_end": 0.0, "membership_auc": 0.58, "nearer_share": 0.12,
    },
}  # fmt: skip
"""To be reached at k = 5: at most, and of ``next_value`` at least. From measurements of a prototype of the design."""


@dataclass(frozen=True, slots=True)
class HistoryTables:
    """A set of tables to measure on."""

    name: str
    files: Mapping[str, Path]
    keys: Mapping[str, str] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    predict: str | None = None
    figures: str | None = None
    """Which of :data:`FIGURES` it should reach."""


@dataclass(frozen=True, slots=True)
class HistoryArm:
    """Mean figures of one arm on one event table."""

    tables: str
    events: str
    arm: str
    seeds: int
    scores: dict[str, float | None]
    missed: tuple[str, ...]
    """Figures that it does not reach; empty where none were set."""
    fit_cpu_seconds: float | None = None
    checks: dict[str, float | None] | None = None
    """Of the synthesizer, means over seeds: rows a patient over the real table's, orphans, repeated keys, share of rows
    after a death."""


def read_history_tables(path: Path, data: Path) -> list[HistoryTables]:
    """The sets that a TOML file lists under ``[[set]]``, with files looked for in ``data``.

    Raises:
        SettingsError: The file cannot be read or an entry is wrong.
    """
    try:
        entries = tomllib.loads(path.read_text())["set"]
        return [
            HistoryTables(**{**entry, "files": {name: data / file for name, file in entry["files"].items()}})
            for entry in entries
        ]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(f"{path}: not a list of history tables ({type(error).__name__})") from None


def run_history_benchmark(
    sets: Sequence[HistoryTables], environments: Path, *, seeds: int = 3, k: int = 5
) -> list[HistoryArm]:
    """Figures of the floor and ``cart_histories`` on every event table; of each control and a tenth of copies too where
    figures are set.

    Args:
        sets: What to measure on.
        environments: Directory of the synthesizers' environments.
        seeds: Splits and fits, 0, 1, ….
        k: Patients who must hold a value, and stand behind each leaf.
    """
    return [arm for tables in sets for arm in _run(tables, environments, seeds, k)]


def run_history_checks(
    sets: Sequence[HistoryTables], environments: Path, *, seeds: int = 3, k: int = 5
) -> list[HistoryArm]:
    """What must hold of any synthetic set, ``cart_histories`` fitted to all patients: see ``HistoryArm.checks``."""
    arms = []
    for tables in sets:
        real = open_set(tables)
        found: dict[str, list[dict[str, float | None]]] = {}
        seconds = []
        for seed in range(seeds):
            made = fit_set(
                real, HYPERPARAMETERS[METHOD].with_defaults(), patients=len(real.keys()), seed=seed,
                environments=environments, protection=ValueProtection(k=k),
            )  # fmt: skip
            seconds.append(made.run.fit_cpu_seconds + made.run.sample_seconds)
            for name, check in _check(real, made.tables).items():
                found.setdefault(name, []).append(check)
        arms += [
            HistoryArm(tables.name, name, METHOD, seeds, {}, (), float(np.mean(seconds)), _mean_checks(checks))
            for name, checks in found.items()
        ]
    return arms


def open_set(tables: HistoryTables) -> LinkedSet:
    """Its files, profiled and linked."""
    frames = {name: as_frame(open_table(str(file))) for name, file in tables.files.items()}
    if len(frames) > 1:
        return link_tables(frames, keys=tables.keys, times=tables.times).tables
    ((name, frame),) = frames.items()
    profile = profile_table(frame, patient_id=tables.keys.get(name), time=tables.times.get(name))
    return one_table(frame, [column.treatment for column in profile.columns])


def _run(tables: HistoryTables, environments: Path, seeds: int, k: int) -> list[HistoryArm]:
    real = open_set(tables)
    protection = ValueProtection(k=k)
    scores: dict[tuple[str, str], list[HistoryScores]] = {}
    checks: dict[str, list[dict[str, float | None]]] = {}
    seconds: list[float] = []
    for seed in range(seeds):
        fitted, held_out = _halves(real, seed)
        config = HYPERPARAMETERS[METHOD].with_defaults()
        made = fit_set(
            fitted, config, patients=len(fitted.keys()), seed=seed, environments=environments, protection=protection,
        )  # fmt: skip
        seconds.append(made.run.fit_cpu_seconds + made.run.sample_seconds)
        synthetic = read_histories(real, as_made(fitted, made.tables))
        for name, check in _check(fitted, made.tables).items():
            checks.setdefault(name, []).append(check)
        halves = [
            [read_histories(real, half, protection=shield) for shield in (protection, None)]
            for half in (fitted, held_out)
        ]
        for i, item in enumerate(real.events):
            seen, attacked = (halves[0][j][i] for j in (0, 1))
            yardstick, strangers = (halves[1][j][i] for j in (0, 1))
            for arm, other in _arms(tables, seen, attacked, synthetic[i], seed).items():
                found = measure_histories(
                    attacked,
                    yardstick,
                    other,
                    strangers=strangers,
                    like=seen,
                    predict=_predicted(tables, item),
                    seed=seed,
                )
                scores.setdefault((item.name, arm), []).append(found)
    arms = [_mean(tables, events, arm, found, seconds) for (events, arm), found in scores.items()]
    return [replace(a, checks=_mean_checks(checks[a.events])) if a.arm == METHOD else a for a in arms]


def _mean_checks(found: list[dict[str, float | None]]) -> dict[str, float | None]:
    told = {name: [check[name] for check in found] for name in found[0]}
    return {
        name: None if any(value is None for value in values) else float(np.mean([value or 0.0 for value in values]))
        for name, values in told.items()
    }


def _check(real: LinkedSet, made: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, float | None]]:
    """Event table → what must hold of any synthetic set."""
    people = real.patients
    keys = [made[people.name][people.key]] if people is not None else [made[t.name][t.key] for t in real.events]
    patients = pd.Index(pd.unique(pd.concat(keys).dropna()))
    repeated = 0 if people is None else int(made[people.name][people.key].duplicated().sum())
    model = prepare_set(real)
    dead = rows_after_death(prepare_set(as_made(real, made), like=model))
    return {
        t.name: {
            "rows_per_patient": len(made[t.name]) / len(patients) / (len(t.table) / len(real.keys())),
            "orphans": float((~made[t.name][t.key].isin(patients)).sum()),
            "repeated_keys": float(repeated),
            "after_death": late,
        }
        for t, late in zip(real.events, dead, strict=True)
    }


def _arms(
    tables: HistoryTables, seen: Histories, attacked: Histories, made: Histories, seed: int
) -> dict[str, Histories]:
    if tables.figures is None:
        return {"real": seen, METHOD: made}
    rng = np.random.default_rng(seed)
    return {
        "real": seen,
        METHOD: made,
        **{name: make_history_control(name, seen, seed) for name in HISTORY_CONTROLS},
        "tenth_copied": mix_copies(made, attacked, _COPIED, rng),
    }


def _predicted(tables: HistoryTables, item: Any) -> str | None:
    return tables.predict if tables.predict in item.table.columns else None


def _halves(real: LinkedSet, seed: int) -> tuple[LinkedSet, LinkedSet]:
    keys = real.keys()
    order = np.random.default_rng(seed).permutation(len(keys))
    half = len(keys) // 2
    return real.take(_some(keys, order[:half])), real.take(_some(keys, order[half:]))


def _some(keys: pd.Index, places: np.ndarray[Any, Any]) -> pd.Index:
    return keys[np.sort(places)]


def _mean(tables: HistoryTables, events: str, arm: str, found: list[HistoryScores], seconds: list[float]) -> HistoryArm:
    scores = mean_scores(found)
    wanted = FIGURES.get(tables.figures or "", {})
    missed = tuple(name for name, bound in wanted.items() if _misses(name, scores[name], bound))
    cost = float(np.mean(seconds)) if arm == METHOD else None
    return HistoryArm(tables.name, events, arm, len(found), scores, missed, cost)


def _misses(name: str, value: float | None, bound: float) -> bool:
    if value is None:
        return True
    return value < bound if name == "next_value" else value > bound + 1e-9
