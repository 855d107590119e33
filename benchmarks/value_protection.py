"""Values of few persons in synthetic tables, with value protection and without, and what protection costs.

    python benchmarks/value_protection.py FOLDER [--methods cart,gaussian_copula] [--tables gbsg2,pima] [--seeds 1]

FOLDER holds tables with a ``datasheet.csv`` (name, file, target). Each table is profiled, synthesized by each method
with protection at the level's k and without it, and held against the whole real table. Counted are distinct real values
that fewer than k persons hold and that stand in the synthetic table: levels, codes and words; identifiers; numbers and
dates beyond the k-th person at either end. Inside, a number on a fine grid meets a real one by chance too: the share of
synthetic cells that equal a value of few of the fitted rows stands beside the share of held-out cells that do, with an
interval; ``above`` counts the tables where it lies over it. Fidelity and utility are measured against held-out rows.
Results go to benchmarks/results; runs that are there are not repeated.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from clinical_model_selector.agents.synthesize import synthesize
from clinical_model_selector.evidence.disclosure.values_of_few import count_values_of_few
from clinical_model_selector.evidence.evaluation_inputs import Comparison, prepare
from clinical_model_selector.evidence.metrics.comparable import as_number, numeric_columns
from clinical_model_selector.evidence.metrics.fidelity import measure_fidelity
from clinical_model_selector.evidence.metrics.utility import measure_utility
from clinical_model_selector.profiling.readers.to_pandas import as_frame
from clinical_model_selector.schemas.compliance import POLICIES, protection_for
from clinical_model_selector.schemas.errors import SelectorError
from clinical_model_selector.schemas.methods import CATALOGUE, HYPERPARAMETERS
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.synthesizers.running.run_plan import Synthesis

RESULTS = Path(__file__).parent / "results" / "value_protection.json"
LEVEL = "hipaa_like"
MOST_ROWS = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--methods", default="cart,gaussian_copula")
    parser.add_argument("--tables", default="")
    parser.add_argument("--seeds", type=int, default=1)
    wanted = parser.parse_args()
    done = _read()
    with (wanted.folder / "datasheet.csv").open(newline="") as file:
        sheet = list(csv.DictReader(file))
    for row in sheet:
        if wanted.tables and row["name"] not in wanted.tables.split(","):
            continue
        table = None
        for method in wanted.methods.split(","):
            for seed in range(wanted.seeds):
                for protected in (True, False):
                    key = f"{row['name']}/{method}/{seed}/{'on' if protected else 'off'}"
                    if key in done:
                        continue
                    if table is None:
                        table = as_frame(wanted.folder / row["file"]).head(MOST_ROWS)
                    done[key] = measure(table, method, seed, protected, re.split(r"[ /]", row["target"])[0])
                    print(key, json.dumps(done[key]), file=sys.stderr)
                    RESULTS.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    report(done)


def measure(table: pd.DataFrame, method: str, seed: int, protected: bool, target: str) -> dict[str, Any]:
    """One synthesis and what stands in it; a refusal by its reason."""
    k = POLICIES[LEVEL].min_persons
    config = HYPERPARAMETERS[method].with_defaults()
    others = [name for name in ("cart", "gaussian_copula") if name != method]
    plan = ModelSelectionPlan(
        choice=config, backups=[HYPERPARAMETERS[name].with_defaults() for name in others[:1]],
        dp=DPSettings.spent_by(config), sample_multiplier=1.0, max_synth_rows=MOST_ROWS, rationale="",
    )  # fmt: skip
    named = target if target in table.columns else None
    began = time.process_time()
    try:
        made = synthesize(
            table, plan, target=named, seed=seed, held_out=0.3, protection=protection_for(LEVEL) if protected else None
        )
        parts = prepare(table, made.table, card=made.card, target=named if named in made.table.columns else None)
    except SelectorError as error:
        return {"refused": type(error).__name__, "reason": str(error)[:200]}
    if made.card.method != method:
        return {"refused": "SynthesisFailed", "reason": made.card.failures[0].reason}
    few = count_values_of_few(parts.whole, parts.whole_synthetic, parts.whole_persons, k)
    result: dict[str, Any] = {
        "levels": sum(column.levels for column in few.columns),
        "extremes": sum(column.extremes for column in few.columns),
        "identifiers": _identifiers(table, made),
        **_inside(parts, k),
        "fidelity": round(measure_fidelity(parts.held_out, parts.synthetic, 0).overall, 4),
        "seconds": round(time.process_time() - began, 1),
    }
    if named is not None and named in parts.fitted:
        utility = measure_utility(parts.fitted, parts.held_out, parts.synthetic, named, 0)
        score = None if utility is None else utility.score
        result["utility"] = None if score is None else round(score, 4)
    if made.card.protection is not None:
        result["protected_levels"] = made.card.protection.levels
        result["protected_numbers"] = made.card.protection.numbers
    return result


def _identifiers(table: pd.DataFrame, made: Synthesis) -> int:
    """Real values of columns that were left out or replaced by keys, anywhere in the output's texts and keys."""
    gone = [
        item.column for item in made.card.treatments if item.action in ("drop", "pseudonymise") and not item.constant
    ]
    keys = [item.column for item in made.card.treatments if item.action == "pseudonymise"]
    out: set[str] = set()
    for name in made.table.columns:
        if not pd.api.types.is_numeric_dtype(made.table[name].dtype) or str(name) in keys:
            out |= set(made.table[name].dropna().astype(str))
    count = 0
    for name in gone:
        texts = table[name].dropna().astype(str)
        holders = texts.value_counts()
        # Short and common texts are words that other columns hold as well.
        rare = {text for text in holders.index[holders < 5] if len(text) > 3}
        same = set(made.table[name].dropna().astype(str)) if name in made.table.columns else set()
        count += len(rare & out) + len(set(texts) & same - rare)
    return count


def _inside(parts: Comparison, k: int) -> dict[str, Any]:
    """Cells within the k-th person at either end that equal a number of few; held-out cells show what chance does."""
    hits = {"made": 0, "held_out": 0}
    cells = {"made": 0, "held_out": 0}
    for name in numeric_columns(parts.fitted):
        fitted = as_number(parts.fitted[name])
        holders = pd.Series(parts.fitted_persons).groupby(fitted).nunique()
        few = holders.index[holders < k].to_numpy()
        by_person = pd.Series(fitted).groupby(parts.fitted_persons).agg(["min", "max"]).dropna()
        if len(by_person) < k:
            continue
        lower, upper = by_person["min"].nsmallest(k).iloc[-1], by_person["max"].nlargest(k).iloc[-1]
        for which, table in (("made", parts.synthetic), ("held_out", parts.held_out)):
            values = as_number(table[name])
            values = values[(values >= lower) & (values <= upper)]
            hits[which] += int(np.isin(values, few).sum())
            cells[which] += len(values)
    shares = {which: hits[which] / max(cells[which], 1) for which in hits}
    error = 1.96 * np.sqrt(sum(shares[which] * (1 - shares[which]) / max(cells[which], 1) for which in hits))
    return {
        "inside": round(shares["made"], 4),
        "inside_by_chance": round(shares["held_out"], 4),
        "inside_error": round(float(error), 4),
    }


def _read() -> dict[str, Any]:
    return dict(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.exists() else {}


def report(done: dict[str, Any]) -> None:
    """A table on the screen: sums of values of few, and the price beside ``off``."""
    print(
        f"{'method':18}{'':5}{'tables':>7}{'levels':>8}{'extremes':>9}{'identif.':>9}{'inside':>8}{'chance':>8}{'above':>7}{'fidelity':>10}{'utility':>9}"
    )
    methods = [method for method in CATALOGUE if any(f"/{method}/" in key for key in done)]
    for method in methods:
        for which in ("on", "off"):
            both = {
                key: run
                for key, run in done.items()
                if f"/{method}/" in key
                and not any("refused" in done.get(f"{key.rpartition('/')[0]}/{way}", {}) for way in ("on", "off"))
            }
            runs = [run for key, run in both.items() if key.endswith(f"/{which}")]
            sums = [sum(run[name] for run in runs) for name in ("levels", "extremes", "identifiers")]
            means = [
                float(np.mean([run[name] for run in runs if run.get(name) is not None] or [np.nan]))
                for name in ("inside", "inside_by_chance", "fidelity", "utility")
            ]
            above = sum(run["inside"] - run["inside_by_chance"] > run["inside_error"] for run in runs)
            print(
                f"{method:18}{which:5}{len(runs):7}{sums[0]:8}{sums[1]:9}{sums[2]:9}"
                f"{means[0]:8.3f}{means[1]:8.3f}{above:7}{means[2]:10.3f}{means[3]:9.3f}"
            )
    refused = {key: run for key, run in done.items() if "refused" in run}
    for key, run in refused.items():
        print(f"{key}: {run['refused']}: {run['reason']}")


if __name__ == "__main__":
    main()
