"""Dates come back as dates and tell no age over 89; ages are read as they were written."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.schemas.column_treatment import Generalisation, Treatment
from clinical_model_selector.synthesizers.encoding.apply_treatments import relative_dates, treat_table
from clinical_model_selector.synthesizers.encoding.dates_and_ages import read_moments, write_dates
from clinical_model_selector.synthesizers.encoding.restore_columns import restore_columns
from hypothesis import given, settings
from hypothesis import strategies as st

ON = datetime.date(2024, 7, 1)


def rule(column: str, how: Generalisation | None = None, action: str = "generalise", **more: Any) -> Treatment:
    return Treatment.model_validate({"alias": "c1", "column": column, "action": action, "how": how, "rule": "", **more})


CASES: dict[str, tuple[Generalisation, list[Any], list[Any]]] = {
    "a refusal and units": ("cap_age", ["45", "refused", "67 years", "067Y", "90+", ">89"], [45, None, 67, 67, 90, 90]),
    "slips": ("cap_age", [45, -3, 412, 97], [45, None, None, 90]),
    "MIMIC": ("cap_age", [45, 300, 61], [45, 90, 61]),
    "DATASUS": ("cap_age", [4045, 4067, 5003, 3006], [45, 67, 90, 0.5]),
    "days": ("cap_age_days", [100, 40_000, -40_000], [100, 32_872.5, -32_872.5]),
    "months": ("cap_age_months", [100, 1300], [100, 1080]),
    "births of two digits": ("age_from_birth", ["28.09.41", "14.08.38", "29.04.81", "02.07.24"], [82, 85, 43, 90]),
    "years of two digits": ("age_from_birth", [41, 95, 10], [83, 29, 14]),
    "births after the day": ("age_from_birth", ["2025-01-01", "1980-01-01"], [None, 44]),
    "an only date": ("year_of_date", ["2020-05-01", None, "9999-12-31"], [2020, None, None]),
}


@pytest.mark.parametrize("case", CASES)
def test_generalisations(case: str) -> None:
    how, cells, expected = CASES[case]
    made = treat_table(pd.DataFrame({"x": cells}), [rule("x", how)], ON)["x"]
    assert [None if pd.isna(x) else x for x in made] == expected


def test_a_century_that_a_reader_guessed_is_set_right_by_the_event() -> None:
    table = pd.DataFrame({"born": pd.to_datetime(["2022-09-01", "1981-04-29"]), "seen": ["2022-01-15", "2022-01-15"]})
    rules = [rule("born", "age_from_birth", short_years=True), rule("seen", "year_of_date")]
    assert treat_table(table, rules)["born"].tolist() == [90, 40]


def test_ages_are_counted_to_the_persons_first_event_and_not_to_today() -> None:
    table = pd.DataFrame({"born": ["1950-01-01", "1950-01-01"], "seen": ["2000-06-01", None]})
    made = treat_table(table, [rule("born", "age_from_birth"), rule("seen", "year_of_date")], ON)
    assert made["born"].tolist() == [50, 74]


def test_relative_days_never_tell_an_age_over_89() -> None:
    table = pd.DataFrame({"in": ["1920-01-01", "2000-01-01"], "out": ["2020-01-01", "2001-01-01"]})
    made = treat_table(table, [rule("in", "time_since_first"), rule("out", "time_since_first")])
    assert made["out"].max() <= 90 * 365.25


FORMS = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d.%m.%y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y%m%d"]


@pytest.mark.parametrize("form", FORMS)
def test_dates_are_written_as_the_real_ones_are(form: str) -> None:
    real = pd.Series(pd.date_range("2019-01-13 04:05:06", periods=40, freq="37h").strftime(form))
    first = read_moments(real).dt.normalize()
    days = (read_moments(real) - first).dt.total_seconds() / 86_400
    assert write_dates(days, first, real).tolist() == real.tolist()


def _visits() -> tuple[pd.DataFrame, list[Treatment]]:
    rng = np.random.default_rng(3)
    who = [f"P{n // 4:03}" for n in range(240)]
    came = pd.Timestamp("2018-01-01") + pd.to_timedelta(rng.integers(0, 900, 240), unit="D")
    left = came + pd.to_timedelta(rng.integers(0, 20, 240), unit="D")
    table = pd.DataFrame({"who": who, "in": came.strftime("%d.%m.%Y"), "out": left.strftime("%d.%m.%Y")})
    patient = rule("who", action="pseudonymise", patient=True)
    return table, [patient, rule("in", "time_since_first"), rule("out", "time_since_first")]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_dates_come_back_as_dates_with_their_distances(seed: int) -> None:
    table, rules = _visits()
    treated = treat_table(table, rules)
    made = restore_columns(treated.reset_index(drop=True), table, rules, seed=seed, k=11)
    assert made["in"].str.fullmatch(r"\d\d\.\d\d\.\d{4}").all()
    stay = (read_moments(made["out"]) - read_moments(made["in"])).dt.days
    assert stay.tolist() == (treated["out"] - treated["in"]).tolist()
    again = relative_dates(made, rules)
    assert (again["out"] - again["in"]).tolist() == stay.tolist()
    assert again[["in", "out"]].min().min() == 0


def test_made_up_first_dates_lie_where_k_persons_have_theirs() -> None:
    table, rules = _visits()
    table.loc[0:3, "in"] = "01.01.1901"
    made = restore_columns(treat_table(table, rules).assign(**{"in": 0.0}), table, rules, seed=1, k=11)
    assert read_moments(made["in"]).dt.year.min() >= 2017
