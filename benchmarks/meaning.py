"""How well clinical concepts are recognised, against hand-written truth: ``python benchmarks/meaning.py DATA_FOLDER``.

The truth (``meaning_truth.txt``) has two halves: every other table in the order of names. The second half's files were
not looked at while the vocabulary was written, but many are widely used, and some of their columns' names were known to
its author: read its figures as an upper bound for tables that nobody has seen.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from clinical_model_selector.profiling import profile_table
from clinical_model_selector.profiling.concept_recogniser import recognise_concept

HERE = Path(__file__).parent
NONE = "-"


def read_truth() -> list[dict[str, dict[str, set[str]]]]:
    """First and second half: table → column → concepts that are right."""
    halves: list[dict[str, dict[str, set[str]]]] = [{}]
    for line in (HERE / "meaning_truth.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# The second half"):
            halves.append({})
        if line.startswith("#") or not line:
            continue
        table, _, columns = line.partition(": ")
        pairs = (entry.rsplit("=", 1) for entry in columns.split("; "))
        halves[-1][table] = {column.strip(): {part.strip() for part in right.split(",")} for column, right in pairs}
    return halves


def judge(folder: Path, half: dict[str, dict[str, set[str]]]) -> Iterator[tuple[str, str, set[str], str | None]]:
    """Table, column, what is right, what was told."""
    for table, columns in half.items():
        path = next(path for path in (folder / f"{table}.csv", folder / f"{table}.csv.gz") if path.exists())
        profile = profile_table(str(path))
        for name, right in columns.items():
            column = profile.column(name)
            if column is None:
                raise SystemExit(f"{table}: no column {name}")
            recognised = recognise_concept(name, column.safe)
            yield table, name, right, recognised.concept if recognised else None


def main() -> None:
    """Print and keep precision and recall of both halves, with every miss."""
    folder = Path(sys.argv[1])
    report = {}
    for label, half in zip(("first half", "second half"), read_truth(), strict=True):
        rows = list(judge(folder, half))
        told = [row for row in rows if row[3] is not None]
        right = [row for row in told if row[3] in row[2]]
        known = [row for row in rows if NONE not in row[2]]
        report[label] = {
            "columns": len(rows),
            "precision": round(len(right) / len(told), 3),
            "recall": round(len(right) / len(known), 3),
            "wrong": [f"{table}.{name}: {got}" for table, name, ok, got in told if got not in ok],
            "missed": [f"{table}.{name}" for table, name, ok, got in rows if got is None and NONE not in ok],
        }
    text = json.dumps(report, indent=1)
    (HERE / "results" / "meaning.json").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
