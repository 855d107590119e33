"""Accuracy of kinds, and recall and false alarms of direct identifiers, against tables annotated by hand.

    python benchmarks/kinds.py FOLDER [--others PYTHON]
    python benchmarks/kinds.py --languages

FOLDER holds ``NAME.csv`` (or ``.csv.gz``) beside ``NAME.truth.json``: ``{"columns": {column: {"kind",
"also_acceptable", "direct_identifier"}}, "score_direct_identifier"}``. Each table is profiled with its names and with
names replaced by V1 … Vn. SDV's detection and Presidio's patterns are scored beside it where they are installed;
``--others`` names an interpreter that has them. ``--languages`` scores the tables of ten languages that the tests make
(their names were typed by hand; rules and tables have one author). Results go to benchmarks/results/kinds.json, where
a figure that cannot be measured anew is kept.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
Verdicts = list[tuple[str, bool]]

OTHERS = {
    "SDV detection": """
import json, sys, warnings
warnings.simplefilter("ignore")
import pandas
from sdv.metadata import Metadata
table = pandas.read_csv(sys.argv[1], dtype=None, low_memory=False)
columns = Metadata.detect_from_dataframes({"table": table}).tables["table"].columns
kinds = {"id": "identifier", "numerical": "continuous", "datetime": "date", "categorical": "categorical",
         "boolean": "boolean", "phone_number": "phone", "email": "email", "ssn": "ssn", "first_name": "name",
         "last_name": "name", "city": "address", "postcode": "address", "latitude": "address", "longitude": "address",
         "street_address": "address", "country_code": "quasi_identifier", "state": "quasi_identifier"}
out = []
for name in table.columns:
    facts = columns[name]
    kind = kinds.get(facts["sdtype"], facts["sdtype"])
    out.append([kind, bool(facts.get("pii")) or facts["sdtype"] == "id"])
print(json.dumps(out))
""",
    "Presidio patterns": """
import csv, json, sys
from presidio_analyzer import predefined_recognizers as found
recognizers = [found.UsSsnRecognizer(), found.EmailRecognizer(), found.PhoneRecognizer(), found.IpRecognizer(),
               found.UrlRecognizer(), found.UsLicenseRecognizer(), found.UsPassportRecognizer(), found.DateRecognizer()]
with open(sys.argv[1], newline="") as file:
    rows = list(csv.reader(file))
out = []
for values in zip(*rows[1:]):
    some = [v for v in dict.fromkeys(values) if v][:200]
    hits = sum(
        any(a.score >= 0.5 for r in recognizers for a in r.analyze(v, r.supported_entities, None) or []) for v in some
    )
    out.append(["", bool(some) and hits >= 0.8 * len(some)])
print(json.dumps(out))
""",
}


def read_rows(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
        return list(csv.reader(file))


def judge_ours(path: Path) -> Verdicts:
    from clinical_model_selector.profiling import profile_table

    return [(column.safe.kind, column.safe.direct_identifier) for column in profile_table(path).columns]


def judge_other(python: str, code: str, path: Path) -> Verdicts | None:
    done = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True, check=False, timeout=600)
    return None if done.returncode else [(kind, direct) for kind, direct in json.loads(done.stdout.splitlines()[-1])]


def score(tables: dict[Path, dict[str, Any]], judge: Any, *, replaced: bool) -> dict[str, Any] | None:
    counts = dict.fromkeys(("columns", "right", "direct", "found", "false_alarms", "tables_for_identifiers"), 0)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for path, truth in tables.items():
            header, *rows = read_rows(path)
            copy = Path(folder) / "table.csv"
            with copy.open("w", newline="") as file:
                names = [f"V{position}" for position in range(1, len(header) + 1)] if replaced else header
                csv.writer(file).writerows([names, *rows])
            verdicts = judge(copy)
            if verdicts is None:
                return None
            scored = truth.get("score_direct_identifier", True)
            counts["tables_for_identifiers"] += scored
            for name, (kind, direct) in zip(header, verdicts, strict=True):
                wanted = truth["columns"][name]
                right = kind == wanted["kind"] or kind in wanted["also_acceptable"]
                counts["columns"] += 1
                counts["right"] += right
                if scored:
                    counts["direct"] += wanted["direct_identifier"]
                    counts["found"] += wanted["direct_identifier"] and direct
                    counts["false_alarms"] += direct and not wanted["direct_identifier"]
                if not right or (scored and direct != wanted["direct_identifier"]):
                    wrong.append(f"{truth['table']}.{name}: {kind}{', direct' if direct else ''}")
    return {
        "kinds": round(counts["right"] / counts["columns"], 3),
        "recall": round(counts["found"] / counts["direct"], 3),
        **counts,
        "wrong": wrong,
    }


def score_languages() -> dict[str, Any]:
    """Tables in ten languages, names replaced."""
    from clinical_model_selector.profiling import profile_table

    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "profiling"))
    from language_tables import LANGUAGES, patients, visits

    counts = dict.fromkeys(("tables", "columns", "right", "direct", "found", "false_alarms"), 0)
    for language in LANGUAGES:
        for make in (patients, visits):
            table, truth = make(language)
            blind = table.rename_columns([f"V{position}" for position in range(1, len(truth) + 1)])
            counts["tables"] += 1
            for wanted, column in zip(truth.values(), profile_table(blind).columns, strict=True):
                direct = column.safe.direct_identifier
                counts["columns"] += 1
                counts["right"] += column.safe.kind in wanted.rstrip("!?").split()
                counts["direct"] += wanted.endswith("!")
                counts["found"] += wanted.endswith("!") and direct
                counts["false_alarms"] += direct and not wanted.endswith(("!", "?"))
    shares = {"kinds": counts["right"] / counts["columns"], "recall": counts["found"] / counts["direct"]}
    return {**{name: round(share, 3) for name, share in shares.items()}, **counts}


def write(results: dict[str, Any]) -> None:
    """Put the results into the file; what was not measured this time stays."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "kinds.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    measured = {label: result for label, result in results.items() if result != "not installed"}
    path.write_text(json.dumps({**results, **kept, **measured}, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--languages", action="store_true")
    parser.add_argument("--others")
    options = parser.parse_args()
    if options.languages:
        found = score_languages()
        print("ten languages, names replaced", found)
        write({"ten languages, names replaced": found})
    if options.folder is None:
        return
    tables = {}
    for path in sorted(options.folder.glob("*.truth.json")):
        stem = path.name.removesuffix(".truth.json")
        table = next(p for p in (options.folder / f"{stem}.csv", options.folder / f"{stem}.csv.gz") if p.exists())
        tables[table] = json.loads(path.read_text())
    python = options.others or sys.executable
    judges: dict[str, Any] = {"profile": judge_ours}
    for tool, code in OTHERS.items():
        judges[tool] = lambda path, code=code: judge_other(python, code, path)
    results: dict[str, Any] = {}
    for tool, judge in judges.items():
        for replaced in (False, True):
            label = f"{tool}, names {'replaced' if replaced else 'as they are'}"
            found = score(tables, judge, replaced=replaced)
            results[label] = found or "not installed"
            shown = {key: value for key, value in found.items() if key != "wrong"} if found else "not installed"
            print(label, shown, flush=True)
            write(results)


if __name__ == "__main__":
    main()
