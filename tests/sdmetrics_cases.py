"""Tables that are held against sdmetrics; ``make reference`` asks it anew and keeps its answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer
from tables import mixed_table

HERE = Path(__file__).parent / "evidence"
KEPT = HERE / "sdmetrics_answers.json"


def cases() -> dict[str, tuple[pd.DataFrame, pd.DataFrame, list[str]]]:
    """Name → real table, made table, numeric columns; the same at every call."""
    rng = np.random.default_rng(0)
    numbers = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 2, 7]]
    words = mixed_table(300)[["stage", "smoker", "outcome"]].astype(str)
    both = mixed_table(300)[["age", "stage", "outcome"]].assign(stage=lambda t: t["stage"].astype(str))
    return {
        "numbers": (
            numbers,
            numbers.sample(200, random_state=0) * 1.05 + rng.normal(0, 0.01, (200, 3)),
            list(numbers),
        ),
        "words": (
            words,
            words.sample(150, random_state=1).assign(smoker=rng.permutation(words["smoker"][:150])),
            [],
        ),
        "numbers and words": (
            both,
            both.sample(250, random_state=2).assign(age=lambda t: t["age"] + rng.integers(-5, 6, 250)),
            ["age"],
        ),
    }


def main(python: str) -> None:
    """Ask sdmetrics, which ``python`` has, and keep its answers."""
    answers: dict[str, Any] = {}
    for name, (real, made, numeric) in cases().items():
        given = {"real": real.to_dict("list"), "made": made.to_dict("list"), "numeric": numeric}
        command = [python, str(HERE / "sdmetrics_reference.py")]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
        answers[name] = json.loads(done.stdout)
    KEPT.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
