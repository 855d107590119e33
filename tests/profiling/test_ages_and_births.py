"""Ages survive odd cells, units and codes; births are recognised by value; nothing tells an age over 89."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pyarrow as pa
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.profile import ColumnProfile
from clinical_model_selector.schemas.table.ages import AGE_CAP, MOST_YEARS, read_age, read_ages
from clinical_model_selector.schemas.table.dates import birth_year, is_day_first, read_date
from hypothesis import given
from hypothesis import strategies as st

ROWS = 240


def _column(values: list[str], name: str, **others: list[str]) -> ColumnProfile:
    table = {name: values, "arm": [("a", "b")[n % 2] for n in range(len(values))], **others}
    column = profile_table(pa.table(table)).column(name)
    assert column is not None
    return column


AGES = [str(18 + n * 7 % 70) for n in range(ROWS)]
OLD = [str(18 + n * 7 % 80) for n in range(ROWS)]
ODD_CELLS = {
    "a refusal": ["refused", *OLD[1:]],
    "a slip": ["-3", *OLD[1:]],
    "a slip upwards": ["412", *OLD[1:]],
    "top-coded": [age if int(age) < 90 else "90+" for age in OLD],
    "top-coded with a sign": [age if int(age) < 90 else ">89" for age in OLD],
    "years": [f"{age} years" for age in OLD],
    "Jahre": [f"{age} Jahre" for age in OLD],
    "DICOM": [f"{int(age):03}Y" for age in OLD],
    "MIMIC": [age if int(age) < 90 else "300" for age in OLD],
    "DATASUS": [f"4{int(age):03}" for age in OLD],
}


@pytest.mark.parametrize("case", ODD_CELLS)
def test_an_age_column_stays_one_whatever_a_few_cells_hold(case: str) -> None:
    column = _column(ODD_CELLS[case], "age")
    assert column.safe.kind == "quasi_identifier"
    assert column.treatment.how == "cap_age"


@pytest.mark.parametrize("case", ["top-coded", "years", "Jahre", "DICOM"])
def test_written_ages_are_recognised_without_a_name(case: str) -> None:
    column = _column(ODD_CELLS[case], "V7")
    assert (column.safe.kind, column.treatment.how) == ("quasi_identifier", "cap_age")


NO_AGES = {
    "doses": [f"{n % 9 * 25 + 25} mg" for n in range(ROWS)],
    "days": [f"{n % 30} days" for n in range(ROWS)],
    "weights": [f"{40 + n % 60}.5kg" for n in range(ROWS)],
    "plain numbers": AGES,
}


@pytest.mark.parametrize("case", NO_AGES)
def test_what_is_no_age_is_not_taken_for_one(case: str) -> None:
    assert _column(NO_AGES[case], "V7").safe.kind != "quasi_identifier"


def test_young_ages_are_kept_as_they_are() -> None:
    assert _column(AGES, "age").treatment.action == "keep"


@pytest.mark.parametrize(
    ("name", "per_year", "how"), [("age_days", 365, "cap_age_days"), ("age_months", 12, "cap_age_months")]
)
def test_ages_in_days_and_months_are_capped_too(name: str, per_year: int, how: str) -> None:
    assert _column([str(int(age) * per_year + n % 11) for n, age in enumerate(OLD)], name).treatment.how == how


def _births(drawn: random.Random, form: str) -> tuple[list[str], list[str]]:
    born = [date(1922, 1, 1) + timedelta(days=drawn.randrange(80 * 365)) for _ in range(ROWS)]
    seen = [date(2022, 1, 1) + timedelta(days=drawn.randrange(400)) for _ in range(ROWS)]
    return [day.strftime(form) for day in born], [day.strftime(form) for day in seen]


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d.%m.%y", "%Y%m%d"])
def test_births_are_recognised_beside_another_date_whatever_their_name(form: str) -> None:
    born, seen = _births(random.Random(form), form)
    profile = profile_table(pa.table({"V1": born, "V2": seen, "sex": ["m", "w"] * (ROWS // 2)}))
    birth, other = profile.columns[:2]
    assert birth.safe.birth_date
    assert birth.treatment.how == "age_from_birth"
    assert other.treatment.how == "year_of_date"


def test_years_of_birth_are_recognised_too() -> None:
    born, seen = _births(random.Random(2), "%Y-%m-%d")
    profile = profile_table(pa.table({"V1": [day[:4] for day in born], "V2": seen}))
    assert profile.columns[0].treatment.how == "age_from_birth"


def test_dates_of_a_stay_are_no_births() -> None:
    drawn = random.Random(4)
    start = [date(1985, 1, 1) + timedelta(days=drawn.randrange(30 * 365)) for _ in range(ROWS)]
    stop = [day + timedelta(days=drawn.randrange(1, 900)) for day in start]
    profile = profile_table(pa.table({"V1": [str(day) for day in start], "V2": [str(day) for day in stop]}))
    assert [column.treatment.how for column in profile.columns] == ["time_since_first"] * 2


def test_one_date_of_a_person_becomes_a_year_and_of_a_patient_with_visits_stays_relative() -> None:
    days = [str(date(2020, 1, 1) + timedelta(days=n * 37 % 700)) for n in range(ROWS)]
    alone = profile_table(pa.table({"day": days, "x": [n / 7 for n in range(ROWS)]}))
    assert alone.columns[0].treatment.how == "year_of_date"
    visits = profile_table(pa.table({"patient_id": [f"P{n // 4:05}" for n in range(ROWS)], "day": days}))
    assert visits.columns[1].treatment.how == "time_since_first"


@given(st.text(max_size=60))
def test_any_text_is_an_age_up_to_125_years_or_none(text: str) -> None:
    age = read_age(text)
    assert age is None or 0 <= age <= MOST_YEARS


@given(st.integers(0, 120), st.sampled_from(["{} years", "{} J.", "{:03}Y", "{} ans", "{} lat", "{}", "{} y/o"]))
def test_ages_are_read_back(years: int, form: str) -> None:
    assert read_age(form.format(years)) == years


def test_datasus_codes_are_one_question_of_a_column() -> None:
    assert read_ages(["4045", "4067", "4070", "3006", "2010", "5003"]) == [
        45.0, 67.0, 70.0, 0.5, pytest.approx(10 / 365.25), 103.0,
    ]  # fmt: skip
    assert read_ages(["4045", "67", "70"])[1:] == [67.0, 70.0]
    assert AGE_CAP == 90


@given(st.dates(date(1930, 1, 1), date(2024, 12, 31)), st.integers(2024, 2030))
def test_the_century_of_a_birth_makes_an_age(born: date, reference: int) -> None:
    written = read_date(born.strftime("%d.%m.%y"), day_first=True)
    assert written is not None
    assert written.short_year
    year = birth_year(written.year, reference)
    assert year % 100 == born.year % 100
    assert 0 <= reference - year < 100


FORMS = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d %b %Y", "%Y-%m-%dT%H:%M:%S", "%d%b%Y:%H:%M:%S"]


@given(st.datetimes(), st.sampled_from(FORMS))
def test_dates_are_read_back(moment: object, form: str) -> None:
    from datetime import datetime

    assert isinstance(moment, datetime)
    moment = moment.replace(year=1850 + moment.year % 400, day=min(moment.day, 28), microsecond=0)
    if "%H" not in form:
        moment = moment.replace(hour=0, minute=0, second=0)
    written = read_date(moment.strftime(form), day_first=form.startswith("%d."))
    assert written is not None
    assert written.moment == moment


def test_the_order_of_day_and_month_is_one_question_of_a_column() -> None:
    assert is_day_first(["03/04/2020", "25/04/2020"])
    assert not is_day_first(["03/04/2020", "04/25/2020"])
    assert is_day_first(["03.04.2020"])
    assert read_date("12/13/2020") is not None
    assert read_date("31.02.2020") is None
