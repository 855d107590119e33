"""What the race is worth: its choice, the prediction's and always-one's, judged on rows that no fit of the race saw.

    python benchmarks/race.py FOLDER [--tables FILE.toml] [--only a,b] [--seeds 2] [--seconds 120] [--kept FOLDER]
    python benchmarks/race.py benchmarks/results/race.json --report

Each table is split by an outer seed; the race runs on the larger part alone, with the synthesizers of the extra
``light``, and measurements of the table itself left out of its expectations. Then every candidate is fitted to the
whole of that part and scored on the other. Regret is told against the best of the same seeds and, as the honest figure,
against the best of the other seeds (split-seed: who is best by luck is not held against a choice). Intervals are 95 %
bootstrap intervals over tables. The scenarios share the fits: they weigh the same figures otherwise.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from clinical_model_selector.agents.resolve_request import resolve
from clinical_model_selector.agents.tune import describe_trials, list_candidates
from clinical_model_selector.evidence.benchmark.tables import BenchmarkTable, read_table, read_tables
from clinical_model_selector.evidence.recommender.race import Candidate, Trial, run_race
from clinical_model_selector.evidence.recommender.ranking import rank, rate_all, recommend
from clinical_model_selector.evidence.recommender.trials import TrialRunner, weigh_figures
from clinical_model_selector.evidence.recommender.weighing import score_cell
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.compliance import DEFAULT_PROTECTION, POLICIES, Policy
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

_LENIENT = "none, copies let be"
"""As ``none``, but a table that the look for copies accuses keeps its score, since one of them weighs like twenty."""

Record = dict[str, Any]


def measure(table: BenchmarkTable, seed: int, seconds: float, kept: Path) -> Record:
    """Race, prediction and truth on one table and outer seed."""
    began = time.process_time()
    frame = read_table(table)
    inside, _ = split_rows(frame, OUTER_HELD_OUT, seed, None)
    part = frame.iloc[inside].reset_index(drop=True)
    settings = Settings(_env_file=None, selector_embedded="only")
    record: Record = {"table": table.name, "rows": len(frame), "columns": frame.shape[1], "seed": seed}
    record |= {"scenarios": {}, "truth": {}}
    for name, (tradeoff, level) in SCENARIOS.items():
        # Where nothing is capped, nothing but the weights counts, in the race as in the judgement.
        policy = POLICIES[level] if name == "risk cap" else replace(POLICIES[level], max_membership_auc=1.0)
        request = SelectionRequest(
            profile=profile_table(part, target=table.target), tradeoff=tradeoff, compliance=level, allowed=LIGHT
        )
        question = resolve(request, settings).question
        question = question.model_copy(update={"left_out": frozenset({table.file.name.split(".")[0]})})
        profile = request.profile
        # Protection is that of the default level throughout: the scenarios share their fits.
        setting = replace(
            describe_trials(part, profile, question, settings, seed=1000 * (seed + 1)),
            tradeoff="balanced",
            policy=POLICIES["hipaa_like"],
            protection=DEFAULT_PROTECTION,
        )
        runner = TrialRunner(setting, folder=kept / f"{table.name}-{seed}")
        try:
            candidates = list_candidates(question, recommend(question), settings)
        except NoFeasibleSynthesizer:
            # The part that is fitted has fewer rows than the level asks for.
            continue
        outcome = run_race(candidates, _weighed(runner, tradeoff, policy), max_seconds=seconds)
        if not record["truth"]:
            # Read as the part was, so that notes among numbers are missing here too.
            read = describe_trials(frame, profile, question, settings).table
            whole = TrialRunner(replace(setting, table=read, seed=seed), folder=kept / f"{table.name}-{seed}-truth")
            for candidate in candidates:
                (trial,) = whole([(candidate, 0)])
                record["truth"][candidate.label] = {**trial.parts, "failure": trial.failure, "copied": trial.copied}
            record["labels"] = {
                f"{item.method}~{item.caution:g}" if item.caution else item.method: candidate.label
                for item in rate_all(question)
                for candidate in candidates
                if candidate.config == item.config
            }
        best = outcome.best
        first = rank(question)[0]
        record["scenarios"][name] = {
            "race": None if best is None else best.candidate.label,
            "prediction": next(c.label for c in candidates if c.config == first.config),
            "equals": [standing.candidate.label for standing in outcome.equals],
            "ended": outcome.ended,
            "splits": outcome.splits,
            "cpu_seconds": round(outcome.cpu_seconds, 1),
            "standings": {
                standing.candidate.label: {
                    "expected": standing.candidate.expected_score,
                    "expected_error": standing.candidate.expected_error,
                    "score": standing.score,
                    "mean": standing.mean_score,
                    "fits": len(standing.trials),
                }
                for standing in outcome.standings
            },
        }
    record["process_cpu_seconds"] = round(time.process_time() - began, 1)
    return record


def _weighed(runner: TrialRunner, tradeoff: Tradeoff, policy: Policy) -> Any:
    """The runner's trials, scored as a scenario weighs them."""

    def run(pairs: Sequence[tuple[Candidate, int]]) -> list[Trial]:
        return [
            trial if trial.score is None else replace(trial, score=weigh_figures(trial.parts, tradeoff, policy))
            for trial in runner(pairs)
        ]

    return run


def worth(figures: Mapping[str, Any], scenario: str) -> float:
    """The score of a fit in a scenario; nothing where it failed or broke the cap."""
    lenient = scenario == _LENIENT
    tradeoff, level = SCENARIOS["none" if lenient else scenario]
    if figures["failure"] is not None or (figures["copied"] and not lenient) or figures.get("fidelity") is None:
        return 0.0
    auc = figures["membership_auc"]
    if scenario == "risk cap" and auc is not None and auc > POLICIES[level].max_membership_auc:
        return 0.0
    risk = None if figures["privacy"] is None else 1 - figures["privacy"]
    return score_cell(tradeoff, figures["fidelity"], figures["utility"], risk, figures["fit_cpu_seconds"])


def report(records: Sequence[Record]) -> dict[str, Any]:
    """Regrets by scenario and over all, and each table's choice beside the best of all tried."""
    tables: dict[str, list[Record]] = {}
    for record in records:
        tables.setdefault(record["table"], []).append(record)
    always = sorted(set.intersection(*(set(record["labels"]) for record in records)))
    rows: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    told = []
    for shown, scenario in (*((name, name) for name in SCENARIOS), (_LENIENT, "none")):
        for name, own in tables.items():
            if any(scenario not in record["scenarios"] for record in own):
                continue
            scores = [{label: worth(fit, shown) for label, fit in record["truth"].items()} for record in own]
            shared = sorted(set.intersection(*(set(seed) for seed in scores)))
            mean = {label: float(np.mean([seed[label] for seed in scores])) for label in shared}
            best = max(shared, key=lambda label: mean[label])
            # Who is the best on the other seeds; with a single seed nothing can be said.
            others = [
                max(shared, key=lambda label: float(np.mean([scores[j][label] for j in range(len(scores)) if j != i])))
                if len(scores) > 1
                else None
                for i in range(len(scores))
            ]
            regrets = {}
            for policy in ("race", "prediction", *(f"always {label}" for label in always)):
                chosen = [_chosen(record, policy, scenario) for record in own]
                got = [seed.get(label, 0.0) if label else 0.0 for seed, label in zip(scores, chosen, strict=True)]
                regrets[policy] = {
                    "plain": mean[best] - float(np.mean(got)),
                    "split": float(np.mean([s[o] - g for s, o, g in zip(scores, others, got, strict=True) if o]))
                    if len(scores) > 1
                    else float("nan"),
                }
            rows.setdefault(shown, {})[name] = regrets
            if shown == "none":
                told.append(_table_line(name, own, scores, shared, best, regrets))
    strict = [found for shown, found in rows.items() if shown != _LENIENT]
    over_all = [_mean_of([found[name] for found in strict if name in found]) for name in tables]
    return {
        "tables": told,
        "regret": {name: _summary(list(found.values())) for name, found in rows.items()}
        | {"over all": _summary(over_all)},
        "seeds": sorted({record["seed"] for record in records}),
    }


def _mean_of(regrets: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Of a table's scenarios: they share their fits and are no independent evidence."""
    return {
        policy: {kind: float(np.mean([item[policy][kind] for item in regrets])) for kind in ("plain", "split")}
        for policy in regrets[0]
    }


def _chosen(record: Record, policy: str, scenario: str) -> str | None:
    label = record["scenarios"][scenario].get(policy)
    return record["labels"].get(policy.removeprefix("always ")) if policy.startswith("always ") else label


def _table_line(
    name: str, own: list[Record], scores: list[dict[str, float]], shared: list[str], best: str, regrets: Any
) -> dict[str, Any]:
    grid = np.array([[seed[label] for label in shared] for seed in scores])
    left = grid - grid.mean(axis=0) - grid.mean(axis=1, keepdims=True) + grid.mean()
    freedom = (grid.shape[0] - 1) * (grid.shape[1] - 1)
    noise = 1.96 * float(np.sqrt((left**2).sum() / freedom * 2 / len(scores))) if freedom else float("nan")
    behind = regrets["race"]["plain"]
    return {
        "table": name,
        "rows": own[0]["rows"],
        "race": [record["scenarios"]["none"]["race"] for record in own],
        "prediction": [record["scenarios"]["none"]["prediction"] for record in own],
        "best": best,
        "score_of_best": float(np.mean([seed[best] for seed in scores])),
        "spread": float(grid.mean(axis=0).max() - grid.mean(axis=0).min()),
        "race_behind": behind,
        "prediction_behind": regrets["prediction"]["plain"],
        "noise": noise,
        "within_noise": bool(behind <= noise) if freedom else None,
        "ended": [record["scenarios"]["none"]["ended"] for record in own],
        "cpu_seconds": [record["scenarios"]["none"]["cpu_seconds"] for record in own],
    }


def _summary(rows: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """Policy → mean regret with its bootstrap interval over tables, and the same of its distance to the best one."""
    always = [policy for policy in rows[0] if policy.startswith("always ")]
    # Tables of a single seed have no split-seed regret, and count in the plain one alone.
    several = [row for row in rows if not np.isnan(row["race"]["split"])] or list(rows)
    best = min(always, key=lambda policy: float(np.mean([row[policy]["split"] for row in several])))
    found: dict[str, Any] = {"best always-one": best, "tables": len(several)}
    for policy in ("race", "prediction", *always):
        found[policy] = {
            "split": _interval([row[policy]["split"] for row in several]),
            "plain": _interval([row[policy]["plain"] for row in rows]),
            "beyond_best_always": _interval([row[policy]["split"] - row[best]["split"] for row in several]),
        }  # fmt: skip
    return found


def _interval(values: Sequence[float]) -> dict[str, float]:
    rng = np.random.default_rng(0)
    array = np.array(values)
    draws = array[rng.integers(0, len(array), (2000, len(array)))].mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"mean": round(float(array.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _noise_words(line: Mapping[str, Any]) -> str:
    if line["within_noise"] is None:
        return "one seed: its noise is not known"
    return f"noise {line['noise']:.3f}: {'within' if line['within_noise'] else 'BEYOND'}"


def show(found: Mapping[str, Any]) -> None:
    """Print the report."""
    print(f"{len(found['tables'])} tables, outer seeds {', '.join(map(str, found['seeds']))}\n")
    print("Nothing constrained, judged on held-out rows (score behind the best of all tried; noise 95 %):")
    for line in found["tables"]:
        print(
            f"  {line['table']:<22}{line['rows']:>6}  race {'/'.join(map(str, line['race'])):<40} behind "
            f"{line['race_behind']:.3f} ({_noise_words(line)}); "
            f"best {line['best']} {line['score_of_best']:.3f}; prediction {'/'.join(line['prediction'])} behind "
            f"{line['prediction_behind']:.3f}; {'/'.join(line['ended'])}, {'/'.join(map(str, line['cpu_seconds']))} s"
        )
    print("\nMean regret, split-seed [95 % bootstrap over tables] (plain):")
    for name, row in found["regret"].items():
        best = row["best always-one"]
        print(f"  {name}, {row['tables']} tables of several seeds:")
        for policy in ("race", "prediction", best):
            figures, beyond = row[policy]["split"], row[policy]["beyond_best_always"]
            print(
                f"    {policy:<26}{figures['mean']:.3f} [{figures['low']:.3f}, {figures['high']:.3f}] "
                f"({row[policy]['plain']['mean']:.3f})",
                end="\n" if policy == best else "  ",
            )
            if policy != best:
                print(f"minus best always {beyond['mean']:+.3f} [{beyond['low']:+.3f}, {beyond['high']:+.3f}]")


def main() -> None:
    """Read the arguments, measure what is not kept yet, and print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, help="tables, or with --report files of results")
    parser.add_argument("--tables", type=Path, default=Path(__file__).with_name("clinical_tables.toml"))
    parser.add_argument("--only", help="names with commas between them")
    parser.add_argument("--seeds", default="0,1", help="outer seeds")
    parser.add_argument("--seconds", type=float, default=120.0, help="CPU seconds of a race")
    parser.add_argument("--kept", type=Path, default=Path("race-kept"), help="fits and records, so that a run goes on")
    parser.add_argument("--output", type=Path, help="where records and report are written")
    parser.add_argument("--report", action="store_true", help="of the records in FOLDER, or of a file of results")
    asked = parser.parse_args()
    if asked.report:
        _finish(_kept_records(asked.folder), asked.output)
        return
    names = asked.only.split(",") if asked.only else None
    tables = [t for t in read_tables(asked.tables, asked.folder) if names is None or t.name in names]
    asked.kept.mkdir(parents=True, exist_ok=True)
    records = []
    for seed in map(int, asked.seeds.split(",")):
        for table in tables:
            record = measure(table, seed, asked.seconds, asked.kept)
            records.append(record)
            (asked.kept / f"{table.name}-{seed}.json").write_text(json.dumps(record))
            none = record["scenarios"]["none"]
            print(table.name, seed, none["race"], none["ended"], none["cpu_seconds"], flush=True)
    _finish(records, asked.output)


def _kept_records(source: Path) -> list[Record]:
    if source.is_file():
        return list(json.loads(source.read_text())["records"])
    return [json.loads(path.read_text()) for path in sorted(source.glob("*-*.json"))]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4) if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _finish(records: list[Record], output: Path | None) -> None:
    found = report(records)
    if output is not None:
        lines = ",\n".join(json.dumps(_rounded(record)) for record in records)
        output.write_text(f'{{"records": [\n{lines}\n],\n"report": {json.dumps(_rounded(found))}}}\n')
    show(found)


if __name__ == "__main__":
    main()
