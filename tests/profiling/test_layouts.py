"""Standard layouts are recognised by their columns and bring the patient's key, kinds and concepts."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.meaning import CONCEPTS
from clinical_model_selector.schemas.meaning.layout import _layouts, recognise_layout
from clinical_model_selector.schemas.profile import Kind


def test_every_layout_names_known_kinds_and_concepts() -> None:
    assert len(_layouts()) >= 12
    for layout in _layouts():
        assert set(layout.kinds.values()) <= set(get_args(Kind)), layout.name
        assert set(layout.concepts.values()) <= set(CONCEPTS), layout.name
        assert layout.patient in layout.needs, layout.name


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (["MEASUREMENT_ID", "PERSON_ID", "MEASUREMENT_CONCEPT_ID", "MEASUREMENT_DATE"], "omop_measurement"),
        (["USUBJID", "AETERM", "AEDECOD", "AESTDTC", "AESEV"], "sdtm_ae"),
        (["subject_id", "hadm_id", "admittime", "dischtime", "insurance"], "mimic_admissions"),
        (["person_id", "age", "sex"], None),
    ],
)  # fmt: skip
def test_a_layout_is_told_by_its_columns(columns: list[str], name: str | None) -> None:
    layout = recognise_layout(columns)
    assert (None if layout is None else layout.name) == name


def measurements(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), "D")
    return pd.DataFrame(
        {
            "measurement_id": np.arange(rows) + 10_000,
            "person_id": rng.integers(1, 60, rows),
            "measurement_concept_id": rng.integers(3_000_000, 3_040_000, 90)[rng.integers(0, 90, rows)],
            "measurement_date": days.strftime("%Y-%m-%d"),
            "measurement_type_concept_id": rng.choice([32_817, 32_856], rows),
            "value_as_number": rng.gamma(4, 20, rows).round(1),
            "unit_concept_id": rng.choice([8753, 8840, 9529], rows),
        }
    )


def test_a_measurement_table_brings_key_codes_and_numbers_and_the_users_word_wins() -> None:
    profile = profile_table(measurements())
    kinds = {column.name: column.safe.kind for column in profile.columns}
    assert profile.patient_id == "person_id"
    assert kinds["measurement_concept_id"] == kinds["unit_concept_id"] == "code"
    assert kinds["value_as_number"] == "continuous"
    assert kinds["measurement_id"] == "identifier"
    told = profile_table(measurements(), kinds={"unit_concept_id": "categorical"})
    assert {column.name: column.safe.kind for column in told.columns}["unit_concept_id"] == "categorical"


def test_names_in_a_standards_column_stay_names() -> None:
    table = measurements()
    people = ["Anna Schmidt", "Peter Maier", "Julia Weber", "Hans Fischer", "Maria Wagner", "Karl Becker"]
    table["unit_concept_id"] = [people[at % 6] for at in range(len(table))]
    column = profile_table(table).column("unit_concept_id")
    assert column is not None
    assert column.safe.kind != "code"
