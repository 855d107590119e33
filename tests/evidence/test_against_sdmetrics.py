"""Column shapes and pair trends, held against sdmetrics in an environment of its own."""

from __future__ import annotations

import json
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.evidence.metrics.fidelity import measure_fidelity
from libraries import python_of_sdmetrics
from sklearn.datasets import load_breast_cancer
from tables import mixed_table

REFERENCE = Path(__file__).with_name("sdmetrics_reference.py")


def ask(real: pd.DataFrame, made: pd.DataFrame, numeric: list[str]) -> dict[str, Any]:
    given = {"real": real.to_dict("list"), "made": made.to_dict("list"), "numeric": numeric}
    done = subprocess.run(
        [python_of_sdmetrics(), str(REFERENCE)], input=json.dumps(given), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def cells() -> pd.DataFrame:
    return load_breast_cancer(as_frame=True).frame


@pytest.mark.own_environment
@pytest.mark.parametrize("case", ["numbers", "words", "numbers and words"])
def test_shapes_and_pair_trends_are_those_of_sdmetrics(case: str) -> None:
    rng = np.random.default_rng(0)
    if case == "numbers":
        real = cells().iloc[:, [0, 2, 7]]
        made = real.sample(200, random_state=0) * 1.05 + rng.normal(0, 0.01, (200, 3))
        numeric = list(real)
    elif case == "words":
        real = mixed_table(300)[["stage", "smoker", "outcome"]].astype(str)
        made = real.sample(150, random_state=1).assign(smoker=rng.permutation(real["smoker"][:150]))
        numeric = []
    else:
        real = mixed_table(300)[["age", "stage", "outcome"]].assign(stage=lambda t: t["stage"].astype(str))
        made = real.sample(250, random_state=2).assign(age=lambda t: t["age"] + rng.integers(-5, 6, 250))
        numeric = ["age"]
    expected = ask(real, made, numeric)
    assert measure_fidelity(real, made).shapes == pytest.approx(np.mean(list(expected["shapes"].values())))
    for a, b in combinations(real.columns, 2):
        found = measure_fidelity(real[[a, b]], made[[a, b]])
        assert found.pairs == pytest.approx(expected["pairs"][f"{a}|{b}"], abs=1e-9), (a, b)
