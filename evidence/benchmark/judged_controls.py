"""Is the judge right: whole verdicts on controls whose right answer is known, over tables and seeds.

Copies (``COPIES``) must be refused: ``release`` is ``no``. Who copies nothing, independent columns and real rows that
the fit never saw, must not be accused: anything but ``no``. The real table is protected first, as it is before a fit,
so that values of few persons are no part of the question.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.compliance import POLICIES, Compliance
from ...synthesizers.protection.protect_table import protect_table
from ..disclosure.membership import ATTACKS
from ..evaluation import evaluate
from .controls import COPIES, HONEST, make_control
from .tables import HELD_OUT, BenchmarkTable, read_table

__all__ = ["JUDGED_CONTROLS", "judge_controls", "summarise_controls"]

JUDGED_CONTROLS = (*COPIES, *HONEST, "real_rows")
"""``real_rows``: real rows of persons that are neither fitted nor the held-out ones."""


def judge_controls(
    tables: Sequence[BenchmarkTable],
    seeds: int,
    output: Path,
    *,
    compliance: Compliance = "hipaa_like",
    watch: Callable[[str], None] | None = None,
) -> int:
    """Judge every control on every table that has no file yet; the number judged now.

    Args:
        tables: Their descriptions.
        seeds: 0, 1, ….
        output: Directory of the results, one JSON file for each control, table and seed.
        compliance: Level to be judged by.
        watch: Told what is judged.
    """
    output.mkdir(parents=True, exist_ok=True)
    done = 0
    for seed in range(seeds):
        for table in tables:
            waiting = [name for name in JUDGED_CONTROLS if not _path(output, table, name, seed).exists()]
            if not waiting:
                continue
            real = read_table(table)
            protected = protect_table(real, k=POLICIES[compliance].min_persons, target=table.target).table
            for name in waiting:
                if watch is not None:
                    watch(f"{table.name}, {name}, seed {seed}")
                record = _judge(real, protected, name, seed, compliance)
                record |= {"table": table.name, "control": name, "seed": seed, "compliance": compliance}
                partial = _path(output, table, name, seed).with_suffix(".partial")
                partial.write_text(json.dumps(record))
                partial.replace(_path(output, table, name, seed))
                done += 1
    return done


def summarise_controls(output: Path) -> dict[str, Any]:
    """How often each control was called right, what was not, and which attack was the strongest."""
    records = [json.loads(path.read_text()) for path in sorted(output.glob("control__*.json"))]
    controls = {}
    for name in JUDGED_CONTROLS:
        own = [record for record in records if record["control"] == name]
        wrong = [record for record in own if (record["release"] == "no") != (name in COPIES)]
        controls[name] = {
            "cells": len(own),
            "right": len(own) - len(wrong),
            "answers": {
                answer: sum(record["release"] == answer for record in own) for answer in ("yes", "not shown", "no")
            },
            "wrong": [f"{record['table']}, seed {record['seed']}: {record['reason']}" for record in wrong],
        }
    strongest = dict.fromkeys(ATTACKS, 0)
    for record in records:
        strongest[max(record["attacks"], key=record["attacks"].get)] += 1
    return {
        "tables": len({record["table"] for record in records}),
        "seeds": len({record["seed"] for record in records}),
        "controls": controls,
        "strongest_attack": strongest,
        "cpu_seconds": sum(record["cpu_seconds"] for record in records),
    }


def _path(output: Path, table: BenchmarkTable, name: str, seed: int) -> Path:
    return output / f"control__{table.name}__{name}__{seed}.json"


def _judge(real: pd.DataFrame, protected: pd.DataFrame, name: str, seed: int, compliance: Compliance) -> dict[str, Any]:
    order = np.random.default_rng(seed).permutation(len(real))
    cut = round(len(real) * (1 - HELD_OUT))
    inside, outside = order[:cut], order[cut:]
    if name == "real_rows":
        half = cut // 2
        inside, other = inside[:half], inside[half:]
        synthetic = protected.iloc[other].reset_index(drop=True)
    else:
        synthetic = make_control(name, protected.iloc[inside].reset_index(drop=True), len(inside), seed)
    began = time.process_time()
    evaluation = evaluate(
        real, synthetic, train=protected.iloc[inside].reset_index(drop=True),
        holdout=protected.iloc[outside].reset_index(drop=True), compliance=compliance, depth="quick", seed=seed,
    )  # fmt: skip
    assert evaluation.disclosure is not None
    return {
        "release": evaluation.release,
        "reason": evaluation.decision.reason,
        "failed": list(evaluation.failed),
        "attacks": {attack.name: attack.auc.value for attack in evaluation.disclosure.membership.attacks},
        "cpu_seconds": time.process_time() - began,
    }
