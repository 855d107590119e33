"""What is recognised of a table in which a patient has several rows, and that only aliases of it leave."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.profiling import describe_for_prompt, profile_table
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.schemas.profile import HistoryStructure, TableProfile
from histories import make_visits


def named(profile: TableProfile) -> dict[str, object]:
    """The structure with names in place of aliases."""
    history = profile.safe.history
    assert history is not None
    names = profile.names
    return {
        "time": history.time and names[history.time],
        "statics": {names[alias] for alias in history.statics},
        "end": history.end and names[history.end],
        "event": history.event and names[history.event],
        "once": {names[alias] for alias in history.once},
        "ordered": history.ordered,
    }


def parts(profile: TableProfile) -> dict[str, str | None]:
    return {column.name: column.treatment.part for column in profile.columns}


def test_visits_of_a_cohort() -> None:
    profile = profile_table(make_visits())
    assert named(profile) == {
        "time": "day",
        "statics": {"sex", "age", "futime", "died"},
        "end": "futime",
        "event": "died",
        "once": set(),
        "ordered": True,
    }
    assert parts(profile)["marker"] == "visit"
    assert parts(profile)["patient_id"] is None


def admissions(patients: int = 120) -> pd.DataFrame:
    """Dates, a key of the stay, codes of which an operation comes once, numbered rows."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(patients):
        start = pd.Timestamp("2020-01-01") + pd.Timedelta(days=int(rng.integers(900)))
        for number in range(1, int(rng.integers(2, 6))):
            codes = ["A09", "J18", "I10", "E11", "K52", "N39", "R07", "M54", "F32", "G43", "H66"]
            code = "Z90" if number == 1 and rng.random() < 0.3 else str(rng.choice(codes))
            rows.append((i, 100000 + 10 * i + number // 2, f"{start:%Y-%m-%d}", number, code, "f" if i % 2 else "m"))
            start += pd.Timedelta(days=int(rng.integers(1, 90)))
    return pd.DataFrame(rows, columns=["subject_id", "hadm_id", "admittime", "seq", "dgn_x", "gender"])


def test_dates_codes_and_keys_of_admissions() -> None:
    profile = profile_table(admissions())
    found = named(profile)
    assert found["time"] == "admittime"
    assert found["statics"] == {"gender"}
    assert found["once"] == {"dgn_x"}
    assert parts(profile)["seq"] == "sequence"
    assert parts(profile)["hadm_id"] == "key"


def test_a_bag_has_no_time() -> None:
    profile = profile_table(admissions().drop(columns=["admittime", "seq"]), patient_id="subject_id")
    found = named(profile)
    assert found["time"] is None
    assert found["ordered"] is False


def test_one_row_a_patient_is_no_history() -> None:
    table = make_visits().groupby("patient_id").first().reset_index()
    assert profile_table(table).safe.history is None


def test_a_static_that_slips_once_is_a_static() -> None:
    table = make_visits(200)
    table.loc[table.index[table.duplicated("patient_id")][5], "sex"] = "f"
    assert "sex" in named(profile_table(table))["statics"]  # type: ignore[operator]


def test_the_user_knows_better() -> None:
    table = make_visits().rename(columns={"day": "x"})
    profile = profile_table(table, time="albumin", static=["stage"])
    assert named(profile)["time"] == "albumin"
    assert "stage" in named(profile)["statics"]  # type: ignore[operator]
    with pytest.raises(TableError, match="time column"):
        profile_table(table, time="nowhere")


def test_only_aliases_leave() -> None:
    profile = profile_table(admissions())
    text = describe_for_prompt(profile.safe)
    assert "history of about" in text
    assert "once in c" in text
    for column in profile.columns:
        assert column.name not in text.split()
    assert HistoryStructure.model_validate(profile.safe.history) == profile.safe.history
