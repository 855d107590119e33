"""A synthesizer is two files: those that the page prints are put into a copy of the code, and everything knows it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending-the-catalogue.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r'```py title="([^"]+)"\n(.*?)```', PAGE, flags=re.DOTALL))
CODE = ("schemas", "profiling", "synthesizers", "evidence", "chains", "agents", "app")

CHECK = """
from pathlib import Path

import numpy as np
import pandas as pd

from clinical_model_selector.app.render.views import catalogue_record
from clinical_model_selector.schemas.column_treatment import Treatment
from clinical_model_selector.schemas.methods import CATALOGUE, HYPERPARAMETERS, TableShape
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.synthesizers.running.run_plan import carry_out
from clinical_model_selector.synthesizers.sizing import size_hyperparameters

shape = TableShape(100, 2, 1, 2, 2, 0, 0.0)
config = size_hyperparameters("bootstrap", shape, epsilon=1.0, delta=1e-5, max_seconds=60.0, caution=0.5)
assert "bootstrap" in str(ModelSelectionPlan.model_json_schema())
assert any(item["method"] == "bootstrap" for item in catalogue_record()["synthesizers"])
table = pd.DataFrame({"x": np.linspace(0, 1, 100), "y": ["a", "b"] * 50})
plan = ModelSelectionPlan(
    choice=config,
    backups=[HYPERPARAMETERS[name].with_defaults() for name in ("cart", "gaussian_copula")],
    dp=DPSettings.spent_by(config),
    sample_multiplier=1.0,
    max_synth_rows=50,
    rationale="",
)
kept = [Treatment(alias=f"c{i}", column=name, action="keep", rule="") for i, name in enumerate(table, start=1)]
made = carry_out(table, plan, kept, environments=Path("nowhere"), seed=1)
assert made.card.method == "bootstrap", made.card.failures
assert made.table.shape == (50, 2)
print("made")
"""


def test_two_files_make_a_synthesizer_that_runs(tmp_path: Path) -> None:
    copy = tmp_path / "clinical_model_selector"
    shutil.copytree(ROOT / "package", copy)
    for folder in CODE:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    assert not list(copy.rglob("bootstrap.py"))
    for name, text in FILES.items():
        (copy / name).write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", CHECK], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "made", done.stderr[-2000:]
    assert len(FILES) == 2
