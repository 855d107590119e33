from __future__ import annotations

import random
from pathlib import Path

import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.schemas.settings import Settings


@pytest.fixture
def embedded_selector() -> ClinicalModelSelector:
    return ClinicalModelSelector(Settings(selector_embedded="only"))


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """300 patients: identifier, age, two labs, a staged disease, an outcome."""
    draw = random.Random(0)
    lines = ["patient_no,age,creatinine,hemoglobin_lab7x,stage,died"]
    for row in range(300):
        age, died = draw.randint(30, 85), draw.random() < 0.3
        lines.append(
            f"{100000 + row * 7},{age},{draw.gauss(1.1, 0.3):.2f},{draw.gauss(13, 1.5):.1f},"
            f"{draw.choice(['I', 'II', 'III'])},{int(died)}"
        )
    path = tmp_path / "cohort.csv"
    path.write_text("\n".join(lines) + "\n")
    return path
