"""How well meaning is understood and kept: concepts and rules against truth by hand, violations with and without rules.

The truth is a TOML file: ``[tables.NAME]`` with ``file``, ``half``, ``concepts`` (column → those that are right, ``-``
for none) and ``rules`` (as a user writes them). A rule counts as found where a synthesis keeps it; what is kept besides
is held against rows that it was not found in.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from ..profiling import open_table, profile_table
from ..profiling.readers.to_pandas import read_table
from ..profiling.rule_miner import mine_rules
from ..schemas.column_treatment import Treatment
from ..schemas.errors import SettingsError, SynthesisFailed
from ..schemas.methods import HYPERPARAMETERS
from ..schemas.plan import DPSettings, ModelSelectionPlan
from ..schemas.table.rules import Rule
from ..synthesizers.rules.violations import broken_rows
from ..synthesizers.running.fit_process import FitLimits
from ..synthesizers.running.run_plan import Synthesis, carry_out
from .evaluation_inputs import Comparison, prepare
from .metrics.plausibility import measure_plausibility
from .recommender.score import Scorer
from .table_rules import rules_asked

__all__ = ["MeaningTable", "measure_concepts", "measure_kept_rules", "measure_rules", "read_truth"]

_MOST_ROWS = 5_000
_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])
NONE = "-"


@dataclass(frozen=True, slots=True)
class MeaningTable:
    """A table and what is true of it."""

    name: str
    file: Path
    concepts: dict[str, tuple[str, ...]] = field(hash=False)
    """Column → concepts that are right."""
    rules: tuple[Rule, ...]
    """What must hold between its columns."""
    half: int | None = None
    """1 where the vocabulary was written with its columns in view, 2 where it was not."""


def read_truth(path: Path, data: Path) -> list[MeaningTable]:
    """The tables of a truth file, with their own files looked for in ``data``.

    Raises:
        SettingsError: The file cannot be read or an entry is wrong.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["tables"]
        return [
            MeaningTable(
                name=name,
                file=data / entry["file"],
                concepts={column: tuple(right) for column, right in entry.get("concepts", {}).items()},
                rules=tuple(_RULES.validate_python(entry.get("rules", []))),
                half=entry.get("half"),
            )
            for name, entry in entries.items()
        ]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError, ValidationError) as error:
        raise SettingsError(f"{path}: no truth about tables ({type(error).__name__})") from None


def measure_concepts(tables: Sequence[MeaningTable]) -> dict[str, Any]:
    """Precision and recall of the recognised concepts, with every slip."""
    told = right = known = columns = 0
    wrong, missed = [], []
    for table in tables:
        if not table.concepts:
            continue
        profile = profile_table(str(table.file))
        for name, truth in table.concepts.items():
            column = profile.column(name)
            got = None if column is None else column.safe.concept
            columns, known = columns + 1, known + (NONE not in truth)
            told, right = told + (got is not None), right + (got in truth)
            if got is not None and got not in truth:
                wrong.append(f"{table.name}.{name}: {got}")
            elif got is None and NONE not in truth:
                missed.append(f"{table.name}.{name}")
    return {
        "columns": columns, "precision": _share(right, told), "recall": _share(right, known), "wrong": wrong,
        "missed": missed,
    }  # fmt: skip


def measure_rules(table: MeaningTable, *, environments: Path, seed: int = 0) -> dict[str, Any]:
    """How many of the rules by hand are kept, and how often held-out real rows break those that are."""
    frame, treatments = _read(table)
    made = _made("cart", frame, treatments, environments, seed, FitLimits(), rules=True)
    if isinstance(made, str) or made.card.rules is None:
        return {"table": table.name, "failed": str(made)}
    parts = prepare(frame, made.table, card=made.card)
    columns = set(map(str, parts.fitted.columns))
    modelled = [rule for rule in table.rules if set(rule.columns) <= columns]
    kept = [item.rule for item in made.card.rules.kept]
    found = [rule for rule in modelled if _is_among(rule, kept)]
    unseen = np.zeros(len(parts.held_out), dtype=bool)
    for rule in kept:
        unseen |= broken_rows(rule, parts.held_out, parts.fitted)
    return {
        "table": table.name, "by_hand": len(table.rules), "of_modelled_columns": len(modelled), "found": len(found),
        "missed": [str(rule) for rule in modelled if rule not in found], "kept_in_all": len(kept),
        "held_out_rows_that_break_one": round(float(unseen.mean()), 4) if len(unseen) else None,
    }  # fmt: skip


def measure_kept_rules(
    table: MeaningTable, method: str, *, environments: Path, seed: int = 0, limits: FitLimits | None = None
) -> Iterator[dict[str, Any]]:
    """Violations, fidelity, utility and risk of a synthesizer's table, without rules and with them.

    Violations are of the rules by hand and of those mined in the fitted rows.
    """
    frame, treatments = _read(table)
    scorer: Scorer | None = None
    for rules in (False, True):
        told: dict[str, Any] = {"table": table.name, "method": method, "seed": seed, "rules": rules}
        made = _made(method, frame, treatments, environments, seed, limits, rules=rules)
        if isinstance(made, str):
            yield {**told, "failed": made}
            continue
        parts = prepare(frame, made.table, card=made.card)
        scorer = scorer or Scorer(
            parts.fitted, parts.held_out, train_persons=parts.fitted_persons,
            held_out_persons=parts.held_out_persons, seed=seed,
        )  # fmt: skip
        score = scorer.score(parts.synthetic)
        report = made.card.rules
        yield {
            **told, **_violations(table, parts), "fidelity": score.fidelity, "utility": score.utility,
            "risk": None if score.privacy is None else 1 - score.privacy, "fit_cpu_seconds": made.card.fit_cpu_seconds,
            "rule_cpu_seconds": None if report is None else report.cpu_seconds,
            "cells_changed": None if report is None else report.cells_changed,
        }  # fmt: skip


def _violations(table: MeaningTable, parts: Comparison) -> dict[str, float]:
    mined = mine_rules(parts.fitted, persons=pd.Series(parts.fitted_persons) if parts.persons_known else None)
    columns = set(map(str, parts.synthetic.columns)) & set(map(str, parts.fitted.columns))
    by_hand = np.zeros(len(parts.synthetic), dtype=bool)
    for rule in table.rules:
        if set(rule.columns) <= columns:
            by_hand |= broken_rows(rule, parts.synthetic, parts.fitted)
    looked = measure_plausibility(mined, parts.fitted, parts.synthetic, parts.held_out)
    return {"broken_by_hand": float(by_hand.mean()), "broken_mined": looked.broken_rows}


@lru_cache(maxsize=2)
def _read(table: MeaningTable) -> tuple[pd.DataFrame, tuple[Treatment, ...]]:
    handle = open_table(str(table.file))
    profile = profile_table(handle)
    treatments = tuple(column.treatment for column in profile.columns)
    persons = next((item.column for item in treatments if item.patient), None)
    reading = read_table(handle, persons=persons)
    frame = reading.frame
    if len(frame) > _MOST_ROWS:
        frame = frame.sample(_MOST_ROWS, random_state=0).reset_index(drop=True)
    return frame, reading.treatments_of_parts(treatments)


def _made(
    method: str,
    frame: pd.DataFrame,
    treatments: Sequence[Treatment],
    environments: Path,
    seed: int,
    limits: FitLimits | None,
    *,
    rules: bool,
) -> Synthesis | str:
    config = HYPERPARAMETERS[method].model_validate(HYPERPARAMETERS[method].defaults())
    plan = ModelSelectionPlan.model_validate(
        {
            "choice": config.model_dump(), "backups": [], "dp": DPSettings.spent_by(config).model_dump(),
            "sample_multiplier": 1.0, "max_synth_rows": len(frame), "rationale": "",
        }
    )  # fmt: skip
    asked = rules_asked("keep", plan, treatments) if rules else None
    try:
        return carry_out(
            frame, plan, treatments, environments=environments, seed=seed, held_out=0.3, limits=limits, rules=asked
        )
    except SynthesisFailed as error:
        return next(iter(error.failures.values()))


def _is_among(rule: Rule, kept: Sequence[Rule]) -> bool:
    """``rule`` or, of an order, its strict form is kept."""
    plain = {item.model_copy(update={"strict": False}) if item.kind == "not_above" else item for item in kept}
    return (rule.model_copy(update={"strict": False}) if rule.kind == "not_above" else rule) in plain


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
