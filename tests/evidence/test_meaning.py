"""``benchmark meaning``: concepts and rules against truth by hand, violations with and without rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.evidence.meaning_benchmark import (
    measure_concepts,
    measure_kept_rules,
    measure_rules,
    read_truth,
)
from clinical_model_selector.schemas.errors import SettingsError

TRUTH = """
[tables.ward]
file = "ward.csv"
half = 1
rules = [
  { kind = "not_above", lower = "diastolic", upper = "systolic" },
  { kind = "determines", determinant = "arm", dependent = "dose" },
  { kind = "not_above", lower = "weight", upper = "systolic" },
]
[tables.ward.concepts]
diastolic = ["diastolic_blood_pressure"]
systolic = ["systolic_blood_pressure"]
noise = ["-"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    diastolic = rng.normal(80, 9, 300).round()
    arm = rng.choice(["control", "drug"], 300)
    pd.DataFrame(
        {
            "arm": arm,
            "dose": np.where(arm == "drug", 5, 0),
            "diastolic": diastolic,
            "systolic": diastolic + rng.gamma(2, 12, 300).round(),
            "weight": rng.normal(75, 12, 300).round(1),
            "noise": rng.normal(0, 1, 300).round(2),
        }
    ).to_csv(tmp_path / "ward.csv", index=False)
    (tmp_path / "truth.toml").write_text(TRUTH)
    return tmp_path


def test_concepts_and_rules_are_held_against_the_truth(folder: Path) -> None:
    (table,) = read_truth(folder / "truth.toml", folder)
    concepts = measure_concepts([table])
    assert (concepts["columns"], concepts["precision"], concepts["recall"]) == (3, 1.0, 1.0)
    rules = measure_rules(table, environments=Path("none"))
    assert (rules["by_hand"], rules["found"], rules["missed"]) == (3, 2, ["weight ≤ systolic"])


def test_violations_are_counted_without_rules_and_with_them(folder: Path) -> None:
    (table,) = read_truth(folder / "truth.toml", folder)
    without, with_rules = measure_kept_rules(table, "gaussian_copula", environments=Path("none"))
    assert without["broken_mined"] > 0
    assert with_rules["broken_mined"] == 0
    assert 0 <= with_rules["fidelity"] <= 1


def test_what_is_no_truth_is_refused(tmp_path: Path) -> None:
    for text in ("", "[tables.a]\n", '[tables.a]\nfile = "a.csv"\nrules = [{ kind = "guess" }]\n', "["):
        (tmp_path / "truth.toml").write_text(text)
        with pytest.raises(SettingsError, match="no truth about tables"):
            read_truth(tmp_path / "truth.toml", tmp_path)
