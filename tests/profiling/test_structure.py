"""What several columns together tell, and what is done with each column."""

import random
import subprocess
import sys
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.profile import ColumnProfile, TableProfile

RNG = random.Random(4)
ROWS = 240


def _column(profile: TableProfile, name: str) -> ColumnProfile:
    found = profile.column(name)
    assert found is not None
    return found


def _people(per: int) -> list[str]:
    return [f"S{n:05}" for n in range(ROWS // per) for _ in range(per)]


def _numbers(low: int, high: int) -> list[int]:
    return [RNG.randint(low, high) for _ in range(ROWS)]


GRAINS = {
    "patient": {"patient_id": _people(1), "sodium": [n / 10 for n in _numbers(1300, 1500)]},
    "visit": {
        "patient_id": _people(4),
        "encounter_id": list(range(70_000, 70_000 + ROWS)),
        "sodium": _numbers(130, 150),
    },
    "event": {
        "patient_id": _people(6),
        "hadm_id": [f"H{n // 2:06}" for n in range(ROWS)],
        "drug": ["Aspirin", "Heparin"] * 120,
    },
    "unknown": {"sodium": _numbers(130, 150), "potassium": [n / 10 for n in _numbers(30, 60)]},
}


@pytest.mark.parametrize("grain", GRAINS)
def test_the_grain_is_found(grain: str) -> None:
    assert profile_table(pa.table(GRAINS[grain])).safe.grain == grain


PAIRS = (
    ("time", "status"), ("futime", "fustat"), ("days", "cens"), ("OS_MONTHS", "OS_STATUS"), ("survival_time", "event"),
    ("followup_days", "death"), ("AVAL", "CNSR"), ("zeit", "ereignis"), ("t2e", "outcome"),
)  # fmt: skip


@pytest.mark.parametrize(("time", "event"), PAIRS)
def test_a_survival_pair_is_found_by_its_names(time: str, event: str) -> None:
    profile = profile_table(pa.table({"age": _numbers(30, 80), time: _numbers(1, 3000), event: _numbers(0, 1)}))
    found = (_column(profile, time).safe.kind, _column(profile, event).safe.kind)
    known = time != "t2e"
    assert profile.safe.survival is known
    assert (found == ("event_time", "event_indicator")) is known


def test_a_survival_pair_that_the_user_names_is_taken_whatever_its_names() -> None:
    by_name = {"time": _numbers(1, 3000), "status": _numbers(0, 1)}
    table = pa.table({**by_name, "week": _numbers(1, 52), "arrest": _numbers(0, 1)})
    named = profile_table(table, kinds={"week": "event_time", "arrest": "event_indicator"})
    for profile, pair in ((profile_table(table), ("time", "status")), (named, ("week", "arrest"))):
        parts = {column.treatment.outcome: column.name for column in profile.columns if column.treatment.outcome}
        assert (parts["time"], parts["event"]) == pair


def test_time_without_an_event_is_no_survival_outcome() -> None:
    profile = profile_table(pa.table({"time": _numbers(1, 3000), "sodium": _numbers(130, 150)}))
    assert not profile.safe.survival


def test_candidates_are_offered_only_where_no_target_is_given() -> None:
    table = pa.table({"age": _numbers(30, 80), "readmitted": _numbers(0, 1), "sodium": _numbers(130, 150)})
    assert profile_table(table).target_candidates == ("readmitted",)
    assert profile_table(table, target="sodium").target_candidates == ()


def test_leakage_of_the_target_is_found() -> None:
    died = _numbers(0, 1)
    columns = {
        "died": died,
        "vital_status": ["dead" if d else "alive" for d in died],
        "dose_doubled": [2.0 * d for d in died],
        "sex": ["male" if RNG.random() < 0.5 else "female" for _ in died],
        "discharge": ["morgue" if d else RNG.choice(("home", "care")) for d in died],
    }
    profile = profile_table(pa.table(columns), target="died")
    leaking = {column.name for column in profile.columns if column.safe.leaks_target}
    assert leaking == {"vital_status", "dose_doubled", "discharge"}
    assert any("give the target away" in warning for warning in profile.warnings)
    numbers = _numbers(1, 10_000)
    copy = pa.table({"cost": numbers, "cost_eur": [n * 0.9 + 3 for n in numbers], "age": _numbers(30, 80)})
    assert [c.name for c in profile_table(copy, target="cost").columns if c.safe.leaks_target] == ["cost_eur"]


@pytest.mark.parametrize("code", [-9, -999, 999, 9999])
def test_sentinel_codes_count_as_missing(code: int) -> None:
    values = [code if n % 20 == 0 else RNG.randint(60, 180) for n in range(ROWS)]
    column = _column(profile_table(pa.table({"systolic": values, "k": list(range(ROWS))})), "systolic")
    assert column.safe.sentinel_missing
    assert column.missing == 12
    assert column.safe.quantiles is not None
    assert min(column.safe.quantiles) >= 60
    assert max(column.safe.quantiles) <= 180


def test_ordinary_extremes_are_no_sentinels() -> None:
    table = pa.table({"percent": _numbers(0, 99), "change": _numbers(-20, 20), "score": [n % 10 for n in range(ROWS)]})
    assert not any(column.safe.sentinel_missing for column in profile_table(table).columns)


def test_dirty_labels_are_noticed() -> None:
    table = pa.table({"a": ["yes", "yes ", "no"] * 80, "b": ["Male", "male", "female"] * 80, "c": ["x", "y", "y"] * 80})
    assert [column.safe.dirty_labels for column in profile_table(table).columns] == [True, True, False]


def test_missing_tokens_are_missing_and_levels_are_not() -> None:
    values = ["none", "mild", "NA", "?", " . ", "severe", "n/a", ""] * 30
    column = _column(profile_table(pa.table({"pain": values, "k": list(range(ROWS))})), "pain")
    assert (column.missing, column.distinct) == (150, 3)


START = date(1930, 1, 1)
TREATED = {
    "patient_id": (_people(2), "pseudonymise", "164.514(b)(2)(i)(R)"),
    "mrn": ([str(10**7 + 37 * n) for n in range(ROWS)], "drop", "164.514(b)(2)(i)(R)"),
    "last_name": ([f"Name{chr(97 + n % 26)}{chr(97 + n // 26)}son" for n in range(ROWS)], "drop", "(A)"),
    "zip": ([f"{n * 131 % 90_000 + 10_000}" for n in range(ROWS)], "generalise", "(B)"),
    "city": (["Springfield", "Riverton", "Oakdale", "Dover"] * 60, "drop", "(B)"),
    "dob": ([str(START + timedelta(days=37 * n)) for n in range(ROWS)], "generalise", "(C)"),
    "admitted": ([str(START + timedelta(days=29_000 + n)) for n in range(ROWS)], "generalise", "(C)"),
    "age": ([20 + n % 78 for n in range(ROWS)], "generalise", "(C)"),
    "phone": ([f"(212) 555-{n:04}" for n in range(ROWS)], "drop", "(D)"),
    "email": ([f"user{n}@example.org" for n in range(ROWS)], "drop", "(F)"),
    "note": ([f"seen with pain in the left knee after {n} days" for n in range(ROWS)], "drop", "GDPR"),
    "sex": (["male", "female"] * 120, "keep", "GDPR recital 26"),
    "country": (["USA"] * ROWS, "drop", "GDPR"),
    "sodium": ([130.5 + n % 20 for n in range(ROWS)], "keep", None),
}


def test_each_column_is_treated_by_rule() -> None:
    profile = profile_table(pa.table({name: values for name, (values, _, _) in TREATED.items()}))
    for name, (_, action, reference) in TREATED.items():
        treatment = _column(profile, name).treatment
        assert (name, treatment.action) == (name, action)
        assert treatment.column == name
        assert treatment.alias == _column(profile, name).safe.alias
        assert (reference or "") in (treatment.reference or "")
    assert _column(profile, "age").safe.ages_over_89
    assert _column(profile, "dob").safe.birth_date
    assert {c.safe.role for c in profile.columns if c.safe.action == "drop"} == {"withheld", "feature"}


def test_files_are_profiled_without_pandas_or_langchain(tmp_path: object) -> None:
    path = f"{tmp_path}/table.csv"
    pacsv.write_csv(pa.table({"patient_id": _people(2), "sex": ["m", "f"] * 120, "sodium": _numbers(130, 150)}), path)
    code = (
        "import sys; from clinical_model_selector.profiling import describe_for_prompt, profile_table; "
        f"describe_for_prompt(profile_table({path!r}, target='sex').safe); "
        "heavy = ('pandas', 'polars', 'langchain', 'langchain_core', 'pyspark'); "
        "print([m for m in sys.modules if m.split('.')[0] in heavy])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_progress_is_told_to_the_end() -> None:
    told: list[tuple[float, str]] = []
    profile_table(pa.table(GRAINS["visit"]), progress=lambda share, stage: told.append((share, stage)))
    assert [share for share, _ in told] == sorted(share for share, _ in told)
    assert told[0] == (0.0, "open")
    assert told[-1] == (1.0, "done")
