"""Which column of each table holds the patient's key."""

from __future__ import annotations

import pandas as pd
import pytest
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.synthesizers.encoding.sets.keys import find_keys

PEOPLE = [f"7f3a-{i:04d}" for i in range(40)]
SETS = {
    "Synthea": (
        {
            "patients": pd.DataFrame({"Id": PEOPLE, "GENDER": ["F", "M"] * 20}),
            "conditions": pd.DataFrame({"PATIENT": PEOPLE[:30] * 2, "ENCOUNTER": range(60), "CODE": ["I10"] * 60}),
        },
        {"patients": "Id", "conditions": "PATIENT"},
    ),
    "OMOP": (
        {
            "person": pd.DataFrame({"person_id": range(40), "gender_concept_id": [8507, 8532] * 20}),
            "condition_occurrence": pd.DataFrame({"condition_occurrence_id": range(80), "person_id": [*range(40)] * 2}),
        },
        {"person": "person_id", "condition_occurrence": "person_id"},
    ),
    "MIMIC, where every table shares the stay's key too": (
        {
            "admissions": pd.DataFrame({"subject_id": [*range(20)] * 2, "hadm_id": range(100, 140)}),
            "diagnoses": pd.DataFrame({"subject_id": [*range(20)] * 4, "hadm_id": [*range(100, 140)] * 2}),
        },
        {"admissions": "subject_id", "diagnoses": "subject_id"},
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_the_key_of_each_table_is_found(name: str) -> None:
    tables, keys = SETS[name]
    assert find_keys(tables) == keys


def test_a_given_key_wins_and_helps_to_find_the_others() -> None:
    tables, keys = SETS["Synthea"]
    assert find_keys(tables, {"patients": "Id"}) == keys
    assert find_keys(tables, {"patients": "Id", "conditions": "ENCOUNTER"})["conditions"] == "ENCOUNTER"


def test_small_numbers_are_no_key_by_chance() -> None:
    tables = {
        "people": pd.DataFrame({"number": range(40)}),
        "rows": pd.DataFrame({"age": [*range(20, 40)] * 3, "sex": ["f", "m", "f"] * 20}),
    }
    with pytest.raises(TableError, match="no key leads from"):
        find_keys(tables)
