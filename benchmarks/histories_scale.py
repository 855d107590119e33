"""What a large table of histories costs on the command line: ``python benchmarks/histories_scale.py [--patients N]``.

Makes a table of visits, plans and synthesizes it by the commands a user would type, and prints CPU seconds and the
largest memory of any process, with how the progress was told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

RESULTS = Path(__file__).parent / "results" / "histories_scale.json"
VISITS = 6


def make_visits(patients: int, seed: int = 0) -> pd.DataFrame:
    """Six visits a patient on average: 14 columns with memory, missing cells, a code, and an end of follow-up."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(2, 2 * VISITS - 1, patients)
    owners = np.repeat(np.arange(patients), counts)
    number = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    gaps = rng.choice([180, 360], len(owners)) + rng.integers(-15, 16, len(owners))
    day = np.where(number == 0, 0, gaps)
    day = np.cumsum(day) - np.repeat(np.cumsum(day)[np.cumsum(counts) - counts], counts)
    end = np.repeat([day[owners == 0].max()], len(owners))
    last = np.zeros(patients)
    np.maximum.at(last, owners, day)
    end = (last + rng.integers(0, 400, patients))[owners]
    table = pd.DataFrame({"patient_id": 100_000 + owners, "day": day, "futime": end.astype(int)})
    table["died"] = (rng.random(patients) < 0.3).astype(int)[owners]
    table["sex"] = rng.choice(["f", "m"], patients)[owners]
    table["age"] = rng.normal(60, 12, patients).round(1)[owners]
    level = rng.normal(size=patients)
    for name in ("bili", "albumin", "platelet", "alk_phos", "ast"):
        level = rng.normal(size=patients)
        values = np.exp(level[owners] + 0.05 * number + 0.3 * rng.normal(size=len(owners))).round(2)
        table[name] = np.where(rng.random(len(owners)) < 0.05, np.nan, values)
    table["stage"] = [f"s{x}" for x in np.minimum(4, 1 + (number + rng.integers(0, 3, patients)[owners]) // 3)]
    table["edema"] = rng.choice(["no", "yes"], len(owners), p=[0.8, 0.2])
    table["code"] = rng.choice([f"C{i:02d}" for i in range(40)], len(owners))
    return table


def run(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    """CPU seconds and largest resident memory of a command and its children, and what it said."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    out, err = process.communicate()
    if process.returncode:
        raise SystemExit(err)
    return {"out": out, "said": [line for line in err.splitlines() if line.strip()]}


def measured(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    """As :func:`run`, in a process of its own, so that its children's use is told apart."""
    code = (
        "import json,resource,subprocess,sys;r=subprocess.run(sys.argv[1:],capture_output=True,text=True);"
        "u=resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(json.dumps({'code':r.returncode,'out':r.stdout,'err':r.stderr,'cpu':u.ru_utime+u.ru_stime,'kb':u.ru_maxrss}))"
    )
    found: dict[str, Any] = json.loads(run([sys.executable, "-c", code, *command], env)["out"])
    if found["code"]:
        raise SystemExit(found["err"])
    return found


def main() -> None:
    """Measure and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=8000)
    patients = parser.parse_args().patients
    program = [sys.executable, "-c", "from clinical_model_selector.app.cli.main import main; main()"]
    env = {**os.environ, "SELECTOR_EMBEDDED": "only", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        table = make_visits(patients)
        path = Path(folder) / "visits.csv"
        table.to_csv(path, index=False)
        plan = Path(folder) / "plan.json"
        planned = measured([*program, "select", str(path), "--compliance", "research", "--json"], env)
        plan.write_text(planned["out"])
        output = Path(folder) / "made.csv"
        made = measured([*program, "synthesize", str(path), "--plan", str(plan), "-o", str(output), "--seed", "1"], env)
        card = json.loads(Path(f"{output}.card.json").read_text()) if Path(f"{output}.card.json").exists() else {}
        rows = len(pd.read_csv(output))
    told = [line for line in made["err"].splitlines() if "%" in line]
    record = {
        "patients": patients, "rows": len(table), "columns": table.shape[1], "rows_made": rows,
        "method": json.loads(planned["out"])["plan"]["choice"]["method"],
        "select_cpu_seconds": round(planned["cpu"], 1), "synthesize_cpu_seconds": round(made["cpu"], 1),
        "fit_cpu_seconds": card.get("fit_cpu_seconds"), "largest_process_gb": round(made["kb"] / 1e6, 2),
        "progress": told,
    }  # fmt: skip
    RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
