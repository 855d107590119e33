"""Keys group the synthetic rows as the real ones are grouped, constants come back, and no key is a real one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.column_treatment import Treatment
from clinical_model_selector.synthesizers.encoding.apply_treatments import treat_table
from clinical_model_selector.synthesizers.encoding.restore_columns import reads_real_rows, restore_columns
from hypothesis import given, settings
from hypothesis import strategies as st


def rule(column: str, action: str = "keep", **more: Any) -> Treatment:
    return Treatment.model_validate({"alias": "c1", "column": column, "action": action, "rule": "", **more})


def visits(persons: int = 200, seed: int = 0) -> pd.DataFrame:
    """Rows of stays of patients, of a few doctors, in one hospital."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(persons), rng.integers(1, 8, persons))
    stay = pd.factorize(pd.Series(patient).astype(str) + "/" + pd.Series(rng.integers(0, 2, len(patient))).astype(str))
    return pd.DataFrame(
        {
            "patient": [f"P{p}" for p in patient],
            "stay": stay[0] + 1000,
            "doctor": rng.choice(["D1", "D2", "D3"], len(patient)),
            "value": rng.normal(size=len(patient)),
            "hospital": "Central",
        }
    )


RULES = [
    rule("patient", "pseudonymise", patient=True),
    rule("stay", "pseudonymise"),
    rule("doctor", "pseudonymise"),
    rule("value"),
    rule("hospital", "drop", constant=True),
]


def test_rows_a_person_stays_and_doctors_are_as_in_the_real_table() -> None:
    table = visits()
    drawn = pd.DataFrame({"value": np.zeros(2 * len(table))})
    made = restore_columns(drawn, table, RULES, seed=1, k=5)
    assert list(made.columns) == list(table.columns)
    for key in ("patient", "stay"):
        real, ours = table.groupby(key).size(), made.groupby(key).size()
        assert ours.mean() == pytest.approx(real.mean(), rel=0.1)
    assert made.groupby("patient").size().max() <= table.groupby("patient").size().nlargest(5).iloc[-1]
    assert (made.groupby("stay")["patient"].nunique() == 1).all()
    assert made["doctor"].nunique() == pytest.approx(6, abs=3)
    assert made["hospital"].eq("Central").all()


def test_no_key_is_a_real_one() -> None:
    table = visits().assign(patient=lambda t: "S" + t["patient"].str[1:])
    made = restore_columns(pd.DataFrame({"value": np.zeros(500)}), table, RULES, seed=1, k=5)
    for key in ("patient", "stay", "doctor"):
        assert not set(made[key]) & set(table[key])


def test_long_histories_of_few_are_capped() -> None:
    table = pd.DataFrame({"patient": [*range(60), *[99] * 500], "value": 0.0})
    made = restore_columns(pd.DataFrame({"value": np.zeros(300)}), table, RULES[:1] + RULES[3:4], seed=1, k=5)
    assert made.groupby("patient").size().max() == 1


def test_a_constant_of_few_stays_out_and_gaps_come_back() -> None:
    table = pd.DataFrame({"value": np.zeros(200), "site": ["Ward 7"] * 3 + [None] * 197, "unit": ["mg", None] * 100})
    rules = [rule("value"), rule("site", "drop", constant=True), rule("unit", "drop", constant=True)]
    made = restore_columns(pd.DataFrame({"value": np.zeros(400)}), table, rules, seed=1, k=5)
    assert made["site"].isna().all()
    assert set(made["unit"].dropna()) == {"mg"}
    assert made["unit"].isna().mean() == pytest.approx(0.5, abs=0.1)


def test_dates_repeated_keys_and_gaps_of_constants_are_read_off_real_rows() -> None:
    table = pd.DataFrame(
        {
            "key": ["a", "b", "c"],
            "again": ["a", "a", "b"],
            "same": 1,
            "gaps": [1, None, 1],
            "day": "2020-01-01",
            "x": 3.0,
        }
    )
    treated = {
        "key": rule("key", "pseudonymise"),
        "again": rule("again", "pseudonymise"),
        "same": rule("same", "drop", constant=True),
        "gaps": rule("gaps", "drop", constant=True),
        "day": rule("day", "generalise", how="time_since_first"),
        "x": rule("x"),
    }
    for more, read in ((), False), (("again",), True), (("gaps",), True), (("day",), True):
        names = ["key", "same", "x", *more]
        assert reads_real_rows(table[names], [treated[name] for name in names]) == read
    assert reads_real_rows(table[["again", "x"]], [rule("again", patient=True), rule("x")])


def test_one_row_more_may_move_every_first_date() -> None:
    """Why no epsilon covers dates: the earliest day of k persons bounds all that come out."""
    table = pd.DataFrame({"day": ["2005-03-01"] * 10 + ["2020-01-01"] * 200, "x": 0.0})
    rules = [rule("day", "generalise", how="time_since_first"), rule("x")]
    drawn = pd.DataFrame({"day": np.zeros(200), "x": 0.0})
    years = [
        pd.to_datetime(restore_columns(drawn, rows, rules, seed=1, k=11)["day"]).dt.year.min()
        for rows in (table, pd.concat([table.iloc[:1], table], ignore_index=True))
    ]
    assert years == [2020, 2005]


def test_the_profile_tells_constants_from_what_is_left_out() -> None:
    table = visits().assign(mail=lambda t: t["patient"] + "@example.org")
    rules = {one.name: one.treatment for one in profile_table(table, patient_id="patient").columns}
    assert rules["hospital"].constant
    assert not rules["mail"].constant


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 30), min_size=3, max_size=40), rows=st.integers(1, 300), seed=st.integers(0, 9))
def test_every_row_has_a_key(sizes: list[int], rows: int, seed: int) -> None:
    table = pd.DataFrame({"patient": np.repeat(np.arange(len(sizes)), sizes), "value": 1.0})
    rules = [rule("patient", "pseudonymise", patient=True), rule("value")]
    drawn = pd.DataFrame({"value": np.zeros(rows)})
    made = restore_columns(drawn, table, rules, seed=seed, k=2)
    assert made["patient"].notna().all()
    assert len(made) == rows
    assert treat_table(made, rules).shape == (rows, 1)
