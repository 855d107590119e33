"""Linked tables: a patients table with one or more event tables, or event tables alone, made and judged as one set.

Planning takes a mapping of names to tables wherever it takes a table; making and judging have functions of their own,
since what comes back is a set too.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ..evidence.evaluation_sets import split_patients
from ..evidence.histories.link_tables import link_tables
from ..schemas.base import count_of
from ..schemas.compliance import ValueProtection
from ..schemas.errors import MissingExtra, SynthesisFailed
from ..schemas.methods import CATALOGUE
from ..schemas.plan import ModelSelectionPlan
from ..schemas.result import SelectionResult
from ..schemas.settings import Settings
from ..synthesizers.encoding.sets.linked_set import LinkedSet
from ..synthesizers.progress import Say, shown_in_notebooks
from ..synthesizers.running.fit_process import FitFailed, FitLimits
from ..synthesizers.running.run_card import Failure, HeldOut, RunCard
from ..synthesizers.running.run_histories import HistoryFit, fit_set
from .synthesize import protection_by

__all__ = ["SetSynthesis", "synthesize_set"]


@dataclass(frozen=True, slots=True)
class SetSynthesis:
    """Synthetic tables and how they came about."""

    tables: dict[str, pd.DataFrame]
    card: RunCard


@shown_in_notebooks
def synthesize_set(
    tables: Mapping[str, Any],
    plan: ModelSelectionPlan | SelectionResult,
    *,
    keys: Mapping[str, str] | None = None,
    protection: ValueProtection | Literal["level"] | None = "level",
    seed: int | None = None,
    held_out: float = 0.2,
    limits: FitLimits | None = None,
    settings: Settings | None = None,
    say: Say | None = None,
) -> SetSynthesis:
    """The synthetic set that ``plan`` describes: the same tables, columns and types; keys lead from one to another.

    Args:
        tables: Name → whatever ``open_table`` takes.
        plan: A plan for the set, or a selection's result.
        keys: Table → column of the patient's key, where it is not to be found.
        protection: How values of few patients are kept out; by default as the selection's level asks.
        seed: Makes a run repeatable.
        held_out: Share of the patients that the fit does not see.
        limits: Time and memory of each fit.
        settings: Defaults to the environment and .env.
        say: Told of each fit and each failure.

    Raises:
        TableError: The tables cannot be read or linked.
        SynthesisFailed: Neither choice nor backup could be run on a set.
    """
    settings = settings if settings is not None else Settings()
    level = plan.compliance if isinstance(plan, SelectionResult) else None
    shield = protection_by(settings, level) if protection == "level" else protection
    chosen = plan.plan if isinstance(plan, SelectionResult) else plan
    real = link_tables(tables, keys=keys).tables
    seed = secrets.randbits(31) if seed is None else seed
    keys_of_real = real.keys()
    inside = real.take(keys_of_real[split_patients(len(keys_of_real), held_out, seed)[0]])
    failures: list[Failure] = []
    for config in (chosen.choice, *chosen.backups):
        if not CATALOGUE[config.method].histories:
            failures.append(Failure(method=config.method, reason="makes single rows, and no set of tables"))
            continue
        if say is not None:
            say(f"fitting {config.method} to {count_of(len(inside.keys()), 'patient')}")
        try:
            made = fit_set(
                inside, config, patients=max(1, round(chosen.sample_multiplier * len(real.keys()))), seed=seed,
                environments=Path(settings.selector_environments).expanduser(), limits=limits, protection=shield,
                say=say,
            )  # fmt: skip
        except (FitFailed, MissingExtra) as error:
            failures.append(Failure(method=config.method, reason=str(error)))
            continue
        card = _card(real, inside, chosen, config.method, failures, made, seed, held_out, shield)
        return SetSynthesis(made.tables, card)
    raise SynthesisFailed({failure.method: failure.reason for failure in failures})


def _card(
    real: LinkedSet,
    inside: LinkedSet,
    plan: ModelSelectionPlan,
    method: str,
    failures: list[Failure],
    made: HistoryFit,
    seed: int,
    held_out: float,
    shield: ValueProtection | None,
) -> RunCard:
    treatments = [
        item.model_copy(update={"column": f"{t.name}.{item.column}"}) for t in real.tables for item in t.treatments
    ]
    return RunCard.model_validate(
        {
            "method": method,
            "plan": plan,
            "failures": failures,
            "treatments": treatments,
            "treated_on": date.today(),
            "rows_fitted": sum(len(t.table) for t in inside.events),
            "rows_made": sum(len(made.tables[t.name]) for t in real.events),
            "seed": seed,
            "repeatable": CATALOGUE[method].repeatable,
            "held_out": HeldOut(share=held_out, seed=seed, group="patient") if held_out else None,
            "fit_seconds": made.run.fit_seconds,
            "fit_cpu_seconds": made.run.fit_cpu_seconds,
            "sample_seconds": made.run.sample_seconds,
            "peak_bytes": made.run.peak_bytes,
            "protection": made.report,
            "unprotected": "switched off" if shield is None else None,
            "versions": {"clinical-model-selector": version("clinical-model-selector"), **made.run.versions},
        }
    )
