"""What enters a fit: no identifier, every generalisation by its field, codes for missing kept apart."""

from __future__ import annotations

import datetime
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.profiling.kinds.decision import Decision, Detail
from clinical_model_selector.profiling.kinds.rules import DECISIONS_BY_KIND
from clinical_model_selector.profiling.treatment_rules import treat
from clinical_model_selector.schemas.column_treatment import Generalisation, Treatment
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.schemas.profile import Kind, Role
from clinical_model_selector.synthesizers.encoding.apply_treatments import (
    codes_in,
    group_column,
    mask_codes,
    treat_table,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import mixed_table

ON = datetime.date(2024, 7, 1)


def treatment(column: str, how: Generalisation | None = None, action: str = "generalise", **more: Any) -> Treatment:
    return Treatment.model_validate({"alias": "c1", "column": column, "action": action, "how": how, "rule": "", **more})


CASES: dict[str, tuple[Generalisation, list[Any], list[Any]]] = {
    "ages": ("cap_age", [3, 89, 90, 97, None], [3, 89, 90, 90, None]),
    "an age's code for missing stays": ("cap_age", [30, 999, 95], [30, 999, 90]),
    "birth date": ("age_from_birth", ["1990-06-30", "1990-07-03", "1900-01-01"], [34, 33, 90]),
    "birth date, day first": ("age_from_birth", ["30.06.1990", "03.07.1990", "01.01.1900"], [34, 33, 90]),
    "birth date, month first": ("age_from_birth", ["06/30/1990", "07/03/1990", "01/01/1900"], [34, 33, 90]),
    "birth date as a number": ("age_from_birth", [19900630, 19900703, 19000101], [34, 33, 90]),
    "birth year": ("age_from_birth", [1990, 1924, 1900], [34, 90, 90]),
    "birth year unknown": ("age_from_birth", [1990, 999, 1900], [34, None, 90]),
    "postcode": ("postcode_area", ["02139", "03601", None], ["021", "000", None]),
    "postcode as a number": ("postcode_area", [2139, 3601, 94103], ["021", "000", "941"]),
    "long postcode": ("postcode_area", ["02139-4307", "10001-0001", "x"], ["021", "100", None]),
    "dates": ("time_since_first", ["2020-01-05", None, "2020-01-01"], [0, None, 0]),
}


@pytest.mark.parametrize("case", CASES)
def test_generalisations(case: str) -> None:
    how, cells, expected = CASES[case]
    made = treat_table(pd.DataFrame({"x": cells}), [treatment("x", how, missing_codes=(999.0,))], ON)["x"]
    assert [None if pd.isna(x) else x for x in made] == expected


def test_dates_are_counted_from_a_persons_first_of_all() -> None:
    table = pd.DataFrame(
        {
            "who": ["a", "b", "a"],
            "in": ["2020-01-03", "2021-05-01", "2020-01-01"],
            "out": pd.to_datetime(["2020-01-04 12:00", "2021-05-03 00:00", None]),
        }
    )
    rules = [treatment("who", action="pseudonymise"), *(treatment(name, "time_since_first") for name in ("in", "out"))]
    made = treat_table(table, rules)
    assert made["in"].tolist() == [2.0, 0.0, 0.0]
    assert made["out"].fillna(-1).tolist() == [3.5, 2.0, -1.0]
    assert group_column(table, rules) == "who"


def test_a_patients_rows_are_grouped_by_the_patient_and_not_by_another_key() -> None:
    stay, who = [f"hadm{i // 2}" for i in range(120)], [f"P{i // 6}" for i in range(120)]
    table = mixed_table(120).assign(hadm_id=stay, subject_id=who)[["hadm_id", "subject_id", "age", "ward", "marker"]]
    rules = [one.treatment for one in profile_table(table, patient_id="subject_id").columns]
    assert [rule.column for rule in rules if rule.patient] == ["subject_id"]
    assert group_column(table, rules) == "subject_id"
    old = [Treatment.model_validate(rule.model_dump(exclude={"how", "patient", "missing_codes"})) for rule in rules]
    assert group_column(table, old) == "subject_id"
    single = table.assign(subject_id=[f"P{i}" for i in range(120)])
    assert group_column(single, rules) is None


@pytest.mark.parametrize(
    ("rule", "how"),
    [
        ("Keep the first three digits, and 000 where the area has 20,000 people or fewer.", "postcode_area"),
        ("Replace by the age in years, 90 and over in one class.", "age_from_birth"),
        ("Put ages of 90 and over into one class.", "cap_age"),
        ("Replace by days since the person's first date, or shift per person.", "time_since_first"),
        ("Replace by time since the person's first date, or shift per person.", "time_since_first"),
        ("as decided when the profile was made", None),
    ],
)
def test_a_stored_treatment_without_the_field_is_understood(rule: str, how: str | None) -> None:
    found = Treatment.model_validate({"alias": "c1", "column": "x", "action": "generalise", "rule": rule})
    assert found.how == how
    assert Treatment.model_validate_json(found.model_dump_json()) == found


def test_what_must_be_done_by_hand_is_refused() -> None:
    with pytest.raises(TableError, match="by itself"):
        treat_table(pd.DataFrame({"x": [1]}), [treatment("x")])


@pytest.mark.parametrize(
    ("table", "rules"),
    [
        (pd.DataFrame({"x": [1]}), []),
        (pd.DataFrame({"x": [1]}), [treatment("x", action="keep"), treatment("y", action="keep")]),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), [treatment("x", action="keep")]),
        (pd.DataFrame({"x": [1]}), [treatment("x", action="drop")]),
    ],
)
def test_treatments_of_another_table_are_refused(table: pd.DataFrame, rules: list[Treatment]) -> None:
    with pytest.raises(TableError):
        treat_table(table, rules)


@pytest.mark.parametrize("detail", get_args(Detail))
@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_generalisation_that_a_rule_asks_for_can_be_applied(kind: Kind, detail: Detail) -> None:
    for role in get_args(Role):
        for direct in (True, False):
            rule = treat(Decision(kind, direct=direct, detail=detail), role)
            assert (rule.action == "generalise") == (rule.how is not None)


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(get_args(Kind)), mark=st.integers(10**6, 10**7), as_patient=st.booleans())
def test_no_direct_identifier_enters_a_fit(kind: Kind, mark: int, as_patient: bool) -> None:
    table = mixed_table(60)
    table.insert(2, "x", [f"Zq{mark + i}" for i in range(60)])
    profile = profile_table(table, kinds={"x": kind}, patient_id="x" if as_patient else None)
    column = profile.column("x")
    assert column is not None
    treated = treat_table(table, [one.treatment for one in profile.columns])
    cells = set(treated.astype(str).to_numpy().ravel())
    if column.safe.direct_identifier or column.safe.role in ("withheld", "patient_id"):
        assert not cells & set(table["x"])
    else:
        assert not DECISIONS_BY_KIND[kind].direct


def test_missing_codes_are_masked_where_they_still_stand() -> None:
    rules = [
        treatment("a", action="keep", missing_codes=(-9.0,)),
        treatment("b", "cap_age", missing_codes=(999.0,)),
        treatment("c", "age_from_birth", missing_codes=(9999.0,)),
    ]
    table = pd.DataFrame({"a": [1, -9], "b": [999, 50], "c": [9999, 1980]})
    codes = codes_in(rules)
    assert codes == {"a": (-9.0,), "b": (999.0,)}
    masked = mask_codes(treat_table(table, rules, ON), codes)
    assert masked.isna().to_numpy().tolist() == [[False, True, True], [True, False, False]]


def test_the_profile_tells_missing_codes() -> None:
    x = np.random.default_rng(0).normal(50, 5, 300).round(1)
    x[:20] = 999
    found = profile_table(mixed_table(300).assign(x=x)).column("x")
    assert found is not None
    assert found.treatment.missing_codes == (999.0,)
