"""What the race is worth: its choice, the prediction's and always-one's, judged on rows that no fit of the race saw.

    python benchmarks/race.py benchmarks/results/race.json --report
    python benchmarks/race.py BANK [--seconds 120] [--output benchmarks/results/race.json]

``race_bank.py`` says how the trials come about. A race runs over them as ``tune`` runs it: it sees the trials that it
asks for, and each counts the CPU seconds that it took. The scenarios share the fits and weigh the figures otherwise.

Regret is told against the best of the same seeds (plain) and, as the honest figure, against the best of the other
seeds (split-seed: who is best by luck is not held against a choice). Beside the race stand the prediction, the
always-one that is best on these very tables, the one that is best on the other tables (what can be known without the
table), and the best of all seeds of each table: nobody can know it, and what it has below zero is luck. Intervals are
95 % bootstrap intervals over tables. Regret is also split by what happened: the choice was taken for a copy, broke the
cap or failed; the reference did; or neither did and quality alone speaks.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from clinical_model_selector.evidence.recommender.race import Candidate, RaceOutcome, Trial, run_race
from clinical_model_selector.evidence.recommender.weighing import score_cell
from clinical_model_selector.schemas.compliance import POLICIES
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from race_bank import SCENARIOS, Record, acceptance_in, read_trial

_LENIENT = "none, copies let be"
"""As ``none``, but a table that the look for copies accuses keeps its score, since one of them weighs like twenty."""

_BEST_ALWAYS = "best always-one"
_ELSEWHERE = "always-one of the other tables"
_ALL_KNOWING = "best of all seeds"
_SHOWN = ("race", "prediction", _BEST_ALWAYS, _ELSEWHERE, _ALL_KNOWING)
_CAUSES = ("choice copied", "choice beyond the cap", "choice failed", "reference fell", "quality")


class _NotMeasured(LookupError):
    """A race asked for a trial that nobody measured."""


def race_over(record: Record, scenario: str, seconds: float) -> RaceOutcome:
    """A race over a record's trials."""
    candidates = [
        Candidate(HYPERPARAMETERS[record["methods"][label]].with_defaults(), score, error, expected_seconds, label)
        for label, (score, error, expected_seconds) in record["scenarios"][scenario]["expected"].items()
    ]

    def run(pairs: Sequence[tuple[Candidate, int]]) -> list[Trial]:
        trials = []
        for candidate, split in pairs:
            own = record["trials"][candidate.label]
            if split >= len(own):
                raise _NotMeasured(f"{record['table']}: {candidate.label} was measured on {len(own)} splits alone")
            trials.append(read_trial(candidate.label, own[split], SCENARIOS[scenario][0]))
        return trials

    return run_race(candidates, run, max_seconds=seconds, accepted=acceptance_in(scenario))


def outcome_of(figures: Mapping[str, Any], scenario: str) -> tuple[float, str]:
    """The score of a fit in a scenario and, where it is worth nothing, why."""
    lenient = scenario == _LENIENT
    tradeoff, level = SCENARIOS["none" if lenient else scenario]
    if figures["failure"] is not None or figures.get("fidelity") is None:
        return 0.0, "failed"
    if figures["copied"] and not lenient:
        return 0.0, "copied"
    auc = figures["membership_auc"]
    if scenario == "risk cap" and auc is not None and auc > POLICIES[level].max_membership_auc:
        return 0.0, "beyond the cap"
    risk = None if figures["privacy"] is None else 1 - figures["privacy"]
    return score_cell(tradeoff, figures["fidelity"], figures["utility"], risk, figures["fit_cpu_seconds"]), ""


@dataclass(frozen=True, slots=True)
class _Seed:
    """One table and seed in a scenario."""

    record: Record
    worth: dict[str, float]
    fell: dict[str, str]
    choices: dict[str, str | None]
    """Policy → label; None where the seed has no race."""

    @classmethod
    def of(cls, record: Record, shown: str, seconds: float) -> _Seed:
        scenario = "none" if shown == _LENIENT else shown
        judged = {label: outcome_of(fit, shown) for label, fit in record["truth"].items()}
        best = race_over(record, scenario, seconds).best if record["trials"] else None
        return cls(
            record,
            {label: worth for label, (worth, _) in judged.items()},
            {label: why for label, (_, why) in judged.items()},
            {
                "race": None if best is None else best.candidate.label,
                "prediction": record["scenarios"][scenario]["prediction"],
                **{f"always {name}": label for name, label in record["labels"].items()},
            },
        )


def _mean_worth(seeds: Sequence[_Seed], pick: Callable[[_Seed], str | None]) -> float:
    return float(np.mean([seed.worth.get(pick(seed) or "", 0.0) for seed in seeds]))


def _best_label(seeds: Sequence[_Seed]) -> str:
    shared = sorted(set.intersection(*(set(seed.worth) for seed in seeds)))
    return max(shared, key=lambda label: float(np.mean([seed.worth[label] for seed in seeds])))


@dataclass(frozen=True, slots=True)
class _Regret:
    """A policy's on a table."""

    split: float
    plain: float
    causes: dict[str, float]
    """What ``split`` is made of."""


def _regret(seeds: Sequence[_Seed], policy: str) -> _Regret:
    raced = [i for i, seed in enumerate(seeds) if seed.record["trials"]]
    best = _best_label([seeds[i] for i in raced])
    causes = dict.fromkeys(_CAUSES, 0.0)
    plain = []
    for i in raced:
        seed = seeds[i]
        label = _best_label(seeds) if policy == _ALL_KNOWING else seed.choices.get(policy)
        worth, fell = (seed.worth.get(label, 0.0), seed.fell.get(label, "failed")) if label else (0.0, "failed")
        plain.append(seed.worth[best] - worth)
        reference = _best_label([seeds[j] for j in range(len(seeds)) if j != i])
        cause = f"choice {fell}" if fell else "reference fell" if seed.fell[reference] else "quality"
        causes[cause] += (seed.worth[reference] - worth) / len(raced)
    return _Regret(sum(causes.values()), float(np.mean(plain)), causes)


def report(records: Sequence[Record], seconds: float = 120.0) -> dict[str, Any]:
    """Regrets by scenario and over all, and each table's choice beside the best of all tried."""
    always = sorted({f"always {name}" for record in records for name in record["labels"]})
    always = [policy for policy in always if all(policy[7:] in record["labels"] for record in records)]
    regrets: dict[str, dict[str, dict[str, _Regret]]] = {}
    told, gaps = [], []
    for shown in (*SCENARIOS, _LENIENT):
        tables: dict[str, list[_Seed]] = {}
        for record in records:
            if shown != _LENIENT and shown not in record["scenarios"]:
                continue
            try:
                tables.setdefault(record["table"], []).append(_Seed.of(record, shown, seconds))
            except _NotMeasured as gap:
                gaps.append(f"{shown}: {gap}")
                tables.setdefault(record["table"], []).append(_Seed.of({**record, "trials": {}}, shown, seconds))
        for name, seeds in tables.items():
            if len(seeds) < 2 or not any(seed.record["trials"] for seed in seeds):
                continue
            policies = ("race", "prediction", _ALL_KNOWING, *always)
            regrets.setdefault(shown, {})[name] = {policy: _regret(seeds, policy) for policy in policies}
            told.append(_table_line(name, shown, seeds, regrets[shown][name], seconds))
    strict = [own for shown, own in regrets.items() if shown != _LENIENT]
    names = sorted({name for own in strict for name in own})
    over_all = {name: _mean_of([own[name] for own in strict if name in own]) for name in names}
    return {
        "seconds": seconds,
        "tables": told,
        "regret": {shown: _summary(own, always) for shown, own in regrets.items()}
        | {"over all": _summary(over_all, always)},
        "seeds": sorted({record["seed"] for record in records}),
        "gaps": gaps,
        "raced seeds": sorted({record["seed"] for record in records if record["trials"]}),
    }


def _mean_of(regrets: Sequence[Mapping[str, _Regret]]) -> dict[str, _Regret]:
    """Of a table's scenarios: they share their fits and are no independent evidence."""
    return {
        policy: _Regret(
            float(np.mean([own[policy].split for own in regrets])),
            float(np.mean([own[policy].plain for own in regrets])),
            {cause: float(np.mean([own[policy].causes[cause] for own in regrets])) for cause in _CAUSES},
        )
        for policy in regrets[0]
    }


def _table_line(
    name: str, scenario: str, seeds: list[_Seed], regrets: Mapping[str, _Regret], seconds: float
) -> dict[str, Any]:
    raced = [seed for seed in seeds if seed.record["trials"]]
    # Whoever fell on a seed is worth nothing there, which is no noise of its score.
    shared = sorted(set.intersection(*({label for label, why in seed.fell.items() if not why} for seed in seeds)))
    grid = np.array([[seed.worth[label] for label in shared] for seed in seeds])
    left = grid - grid.mean(axis=0) - grid.mean(axis=1, keepdims=True) + grid.mean()
    freedom = (grid.shape[0] - 1) * (grid.shape[1] - 1)
    # Of the difference of two means over the raced seeds.
    noise = 1.96 * float(np.sqrt((left**2).sum() / freedom * 2 / len(raced))) if freedom else float("nan")
    outcomes = [race_over(seed.record, "none" if scenario == _LENIENT else scenario, seconds) for seed in raced]
    best = _best_label(raced)
    return {
        "table": name,
        "scenario": scenario,
        "rows": raced[0].record["rows"],
        "race": [seed.choices["race"] for seed in raced],
        "race_worth": [seed.worth.get(seed.choices["race"] or "", 0.0) for seed in raced],
        "fell": [seed.fell.get(seed.choices["race"] or "", "failed") for seed in raced],
        "prediction": [seed.choices["prediction"] for seed in raced],
        "best": best,
        "score_of_best": _mean_worth(raced, lambda _: best),
        "best_of_all_seeds": _best_label(seeds),
        "race_behind": regrets["race"].plain,
        "race_split": regrets["race"].split,
        "prediction_behind": regrets["prediction"].plain,
        "noise": noise,
        "within_noise": bool(regrets["race"].plain <= noise),
        "ended": [outcome.ended for outcome in outcomes],
        "cpu_seconds": [round(outcome.cpu_seconds, 1) for outcome in outcomes],
    }


def _summary(tables: Mapping[str, Mapping[str, _Regret]], always: Sequence[str]) -> dict[str, Any]:
    """Policy → mean regret with its bootstrap interval over tables, and the same of its distance to the best one."""
    best = min(always, key=lambda policy: float(np.mean([own[policy].split for own in tables.values()])))
    rows: dict[str, list[_Regret]] = {
        policy: [own[policy] for own in tables.values()] for policy in ("race", "prediction", _ALL_KNOWING, *always)
    }
    rows[_BEST_ALWAYS] = rows[best]
    rows[_ELSEWHERE] = [
        own[min(always, key=lambda policy: sum(o[policy].split for n, o in tables.items() if n != name))]
        for name, own in tables.items()
    ]
    found: dict[str, Any] = {"best always-one": best, "tables": len(tables), "policies": {}}
    for policy, own in rows.items():
        found["policies"][policy] = {
            "split": _interval([regret.split for regret in own]),
            "plain": _interval([regret.plain for regret in own]),
            "beyond best always-one": _interval(
                [mine.split - other.split for mine, other in zip(own, rows[best], strict=True)]
            ),
            "beyond half of it": _interval(
                [mine.split - other.split / 2 for mine, other in zip(own, rows[best], strict=True)]
            ),
            "causes": {cause: round(float(np.mean([regret.causes[cause] for regret in own])), 4) for cause in _CAUSES},
        }
    return found


def _interval(values: Sequence[float]) -> dict[str, float]:
    rng = np.random.default_rng(0)
    array = np.array(values)
    draws = array[rng.integers(0, len(array), (2000, len(array)))].mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return {"mean": round(float(array.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def show(found: Mapping[str, Any]) -> None:
    """Print the report."""
    seeds, raced = (", ".join(map(str, found[name])) for name in ("seeds", "raced seeds"))
    names = {line["table"] for line in found["tables"]}
    print(f"{len(names)} tables, races of {found['seconds']:g} CPU s on outer seeds {raced}, judged on seeds {seeds}\n")
    print("Nothing constrained, judged on held-out rows (score behind the best of all tried; noise 95 %):")
    for line in found["tables"]:
        if line["scenario"] == "none":
            choices = "/".join(
                f"{label}{f' ({fell})' if fell else ''}" for label, fell in zip(line["race"], line["fell"], strict=True)
            )
            print(
                f"  {line['table']:<18}{line['rows']:>5}  race {choices:<40} behind {line['race_behind']:.3f} "
                f"(noise {line['noise']:.3f}: {'within' if line['within_noise'] else 'BEYOND'}); "
                f"best {line['best']} {line['score_of_best']:.3f}, of all seeds {line['best_of_all_seeds']}; "
                f"prediction {'/'.join(line['prediction'])} behind {line['prediction_behind']:.3f}; "
                f"{'/'.join(line['ended'])}, {'/'.join(map(str, line['cpu_seconds']))} s"
            )
    for gap in found["gaps"]:
        print(f"  left out, {gap}")
    print("\nMean regret, split-seed [95 % bootstrap over tables] (plain); minus that of the best always-one:")
    for name, row in found["regret"].items():
        print(f"  {name}, {row['tables']} tables; the best always-one is {row['best always-one'][7:]}:")
        for policy in _SHOWN:
            own = row["policies"][policy]
            split, beyond = own["split"], own["beyond best always-one"]
            causes = ", ".join(f"{cause} {value:+.3f}" for cause, value in own["causes"].items() if value)
            print(
                f"    {policy:<31}{split['mean']:+.3f} [{split['low']:+.3f}, {split['high']:+.3f}] "
                f"({own['plain']['mean']:.3f})  {beyond['mean']:+.3f} [{beyond['low']:+.3f}, {beyond['high']:+.3f}]  "
                f"{causes}"
            )
        race, always, half = (
            row["policies"]["race"]["split"]["mean"],
            row["policies"][_BEST_ALWAYS]["split"]["mean"],
            row["policies"]["race"]["beyond half of it"],
        )
        verdict = "nothing to halve" if always <= 0 else "reached" if race <= always / 2 else "missed"
        print(
            f"    half of the best always-one's: {verdict} (race minus half {half['mean']:+.3f} "
            f"[{half['low']:+.3f}, {half['high']:+.3f}])"
        )


def main() -> None:
    """Read the arguments, race over the kept trials, and print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("source", type=Path, help="a folder of records from race_bank.py, or a file of results")
    parser.add_argument("--seconds", type=float, default=120.0, help="CPU seconds of a race")
    parser.add_argument("--output", type=Path, help="where records and report are written")
    parser.add_argument("--report", action="store_true", help="what is done anyway")
    asked = parser.parse_args()
    records = _records(asked.source)
    found = report(records, asked.seconds)
    if asked.output is not None:
        lines = ",\n".join(json.dumps(_rounded(record)) for record in records)
        asked.output.write_text(f'{{"records": [\n{lines}\n],\n"report": {json.dumps(_rounded(found))}}}\n')
    show(found)


def _records(source: Path) -> list[Record]:
    if source.is_file():
        return list(json.loads(source.read_text())["records"])
    return [json.loads(path.read_text()) for path in sorted(source.glob("*-*.json"))]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}") if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
