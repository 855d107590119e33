"""The plan as a Python script that runs beside ``plan.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ...schemas.result import SelectionResult

__all__ = ["python_code"]

_SCRIPT = '''\
"""Prepares a table for {method}, as the selection of {provider} says. Run it beside plan.json: python plan.py TABLE"""

import sys
from pathlib import Path

import pandas as pd
from clinical_model_selector.schemas.plan import ModelSelectionPlan

PLAN = ModelSelectionPlan.model_validate_json(Path("plan.json").read_text(encoding="utf-8"))

# Columns that must not enter a fit.
DROP = {drop}

# Columns to change before a fit, each by its rule.
CHANGE = {change}

path = sys.argv[1]
table = pd.read_parquet(path) if path.endswith(".parquet") else pd.read_csv(path, sep=None, engine="python")
table = table.drop(columns=DROP)
for column, rule in CHANGE.items():
    print(f"to do by hand: {{column}}: {{rule}}")
table.to_csv("prepared.csv", index=False)

rows = min(PLAN.max_synth_rows, round(len(table) * PLAN.sample_multiplier))
print(f"prepared.csv: {{len(table)}} rows, {{table.shape[1]}} columns; make {{rows}} synthetic rows")
for config in (PLAN.choice, *PLAN.backups):
    print(config.method, config.knobs())
'''


def python_code(result: SelectionResult, names: Mapping[str, str]) -> str:
    """The script; whatever a column's name is, it stands in it as a literal.

    Args:
        result: The selection.
        names: Alias → column name.
    """
    drop, change = [], {}
    for treatment in result.treatments:
        column = treatment.column or names.get(treatment.alias, treatment.alias)
        if treatment.action == "drop":
            drop.append(column)
        elif treatment.action != "keep":
            change[column] = treatment.rule
    return _SCRIPT.format(
        method=result.plan.choice.method,
        provider=result.provenance.provider,
        drop=json.dumps(drop, indent=4),
        change=json.dumps(change, indent=4),
    )
