"""Measure what a race may ask for: every candidate on every inner split of a table, and its worth on rows not seen.

    python benchmarks/race_bank.py FOLDER --kept BANK [--tables FILE.toml] [--only a,b] [--seeds 0,1] [--truth-alone]
    python benchmarks/race.py BANK --output benchmarks/results/race.json

Each table is split by an outer seed. The candidates are the synthesizers of the extra ``light``, expected with the
measurements of the table itself left out. Each is fitted and scored on the inner splits of the larger part, as long as
it is not far behind in every scenario; then it is fitted to the whole of that part and scored on the other.
``race.py`` runs races over these trials, so that a change of the race itself costs no fit. With ``--truth-alone`` there
are no inner splits: such a seed says who is the best.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from clinical_model_selector.agents.resolve_request import resolve
from clinical_model_selector.agents.tune import describe_trials, list_candidates
from clinical_model_selector.evidence.benchmark.tables import BenchmarkTable, read_table, read_tables
from clinical_model_selector.evidence.recommender.acceptance import Acceptance
from clinical_model_selector.evidence.recommender.race import MAX_SPLITS, Candidate, Trial
from clinical_model_selector.evidence.recommender.ranking import rank, rate_all, recommend
from clinical_model_selector.evidence.recommender.trials import TrialRunner, weigh_figures
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.compliance import DEFAULT_PROTECTION, POLICIES
from clinical_model_selector.schemas.errors import NoFeasibleSynthesizer
from clinical_model_selector.schemas.options import Tradeoff
from clinical_model_selector.schemas.request import SelectionRequest
from clinical_model_selector.schemas.settings import Settings
from clinical_model_selector.synthesizers.running.holdout import split_rows

LIGHT = ("gaussian_copula", "cart", "bayesian_network", "latent_class")
OUTER_HELD_OUT = 0.3
SCENARIOS: dict[str, tuple[Tradeoff, str]] = {
    "none": ("balanced", "research"),
    "fidelity": ("fidelity", "research"),
    "utility": ("utility", "research"),
    "privacy": ("privacy", "research"),
    "risk cap": ("balanced", "hipaa_like"),
}
"""Scenario → trade-off and level. Under the risk cap a choice beyond the level's membership AUC is worth nothing."""

FAR_BEHIND = {1: 0.2, 2: 0.12, 4: 0.06}
"""Splits measured → how far behind the best in every scenario's mean score nobody asks for a candidate any more."""

_OF_THE_TRIAL = ("split", "cpu_seconds", "failure", "copied")

Record = dict[str, Any]


def measure(table: BenchmarkTable, seed: int, kept: Path, *, truth_alone: bool = False) -> Record:
    """All trials and the truth of one table and outer seed."""
    frame = read_table(table)
    inside, _ = split_rows(frame, OUTER_HELD_OUT, seed, None)
    part = frame.iloc[inside].reset_index(drop=True)
    settings = Settings(_env_file=None, selector_embedded="only")
    record: Record = {"table": table.name, "rows": len(frame), "columns": frame.shape[1], "seed": seed}
    record |= {"methods": {}, "labels": {}, "scenarios": {}, "trials": {}, "truth": {}}
    entrants: dict[str, Candidate] = {}
    for name, (tradeoff, level) in SCENARIOS.items():
        request = SelectionRequest(
            profile=profile_table(part, target=table.target), tradeoff=tradeoff, compliance=level, allowed=LIGHT
        )
        question = resolve(request, settings).question
        question = question.model_copy(update={"left_out": frozenset({table.file.name.split(".")[0]})})
        try:
            candidates = list_candidates(question, recommend(question), settings)
        except NoFeasibleSynthesizer:
            # The part that is fitted has fewer rows than the level asks for.
            continue
        for candidate in candidates:
            if entrants.setdefault(candidate.label, candidate).config != candidate.config:
                raise ValueError(f"{candidate.label} is another configuration in scenario {name}")
        first = rank(question)[0]
        record["labels"] |= {
            f"{item.method}~{item.caution:g}" if item.caution else item.method: candidate.label
            for item in rate_all(question)
            for candidate in candidates
            if candidate.config == item.config
        }
        record["scenarios"][name] = {
            "prediction": next(c.label for c in candidates if c.config == first.config),
            "expected": {c.label: [c.expected_score, c.expected_error, c.expected_seconds] for c in candidates},
        }
    # Protection is that of the default level throughout: the scenarios share their fits.
    setting = replace(
        describe_trials(part, request.profile, question, settings, seed=1000 * (seed + 1)),
        tradeoff="balanced",
        protection=DEFAULT_PROTECTION,
    )
    record["methods"] = {label: candidate.config.method for label, candidate in entrants.items()}
    # Read as the part was, so that notes among numbers are missing here too.
    read = describe_trials(frame, request.profile, question, settings).table
    whole = TrialRunner(replace(setting, table=read, seed=seed), folder=kept / f"{table.name}-{seed}-truth")
    for label, candidate in entrants.items():
        record["truth"][label] = _written(whole([(candidate, 0)])[0])
    if not truth_alone:
        runner = TrialRunner(setting, folder=kept / f"{table.name}-{seed}")
        for split in range(MAX_SPLITS):
            if split in FAR_BEHIND:
                entrants = {label: entrants[label] for label in _near(record["trials"], FAR_BEHIND[split])}
            for label, candidate in entrants.items():
                record["trials"].setdefault(label, []).append(_written(runner([(candidate, split)])[0]))
    return record


def _near(trials: Mapping[str, Sequence[Record]], margin: float) -> list[str]:
    """Who was measured to the last split and is near the best in some scenario."""
    most = max(map(len, trials.values()))
    near = set()
    for name in SCENARIOS:
        means = {
            label: float(np.mean([trial.score for trial in read])) * acceptance_in(name)(read)[0]
            for label, own in trials.items()
            if len(own) == most and all(own[i]["failure"] is None for i in range(most))
            for read in [[read_trial(label, trial, SCENARIOS[name][0]) for trial in own]]
        }
        near |= {label for label, mean in means.items() if mean > max(means.values()) - margin}
    return [label for label in trials if label in near]


def acceptance_in(scenario: str) -> Acceptance:
    """Where nothing is capped, the look for copies alone counts, in the race as in the judgement."""
    policy = POLICIES[SCENARIOS[scenario][1]]
    return Acceptance(policy if scenario == "risk cap" else replace(policy, max_membership_auc=1.0))


def read_trial(label: str, written: Record, tradeoff: Tradeoff) -> Trial:
    """A trial as a record holds it, its score weighed by ``tradeoff``."""
    parts = {name: value for name, value in written.items() if name not in _OF_THE_TRIAL}
    score = None if written["failure"] is not None else weigh_figures(parts, tradeoff)
    return Trial(label, written["split"], score, written["cpu_seconds"], parts, written["failure"], written["copied"])


def _written(trial: Trial) -> Record:
    return {name: getattr(trial, name) for name in _OF_THE_TRIAL} | trial.parts


def main() -> None:
    """Read the arguments and write one record for each table and seed that is not kept yet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="tables")
    parser.add_argument("--kept", type=Path, required=True, help="fits and records, so that a run goes on")
    parser.add_argument("--tables", type=Path, default=Path(__file__).with_name("clinical_tables.toml"))
    parser.add_argument("--only", help="names with commas between them")
    parser.add_argument("--seeds", default="0,1", help="outer seeds")
    parser.add_argument("--truth-alone", action="store_true", help="no inner splits")
    asked = parser.parse_args()
    names = asked.only.split(",") if asked.only else None
    tables = [t for t in read_tables(asked.tables, asked.folder) if names is None or t.name in names]
    asked.kept.mkdir(parents=True, exist_ok=True)
    for seed in map(int, asked.seeds.split(",")):
        for table in tables:
            record = measure(table, seed, asked.kept, truth_alone=asked.truth_alone)
            (asked.kept / f"{table.name}-{seed}.json").write_text(json.dumps(record))
            print(table.name, seed, len(record["trials"]), "candidates on all splits", flush=True)


if __name__ == "__main__":
    main()
