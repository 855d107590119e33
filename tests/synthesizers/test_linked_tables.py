"""Linked tables in, linked tables out: keys, dates, order of rows, patients without rows, nothing after death."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.synthesizers.encoding.history_tables import EventRows, number_records
from clinical_model_selector.synthesizers.encoding.sets.linked_set import LinkedSet, LinkedTable
from clinical_model_selector.synthesizers.encoding.sets.prepared_set import prepare_set
from clinical_model_selector.synthesizers.running.run_histories import fit_set, keep_order, keep_pairs, run_history_fit
from histories import make_visits

CONFIG = HYPERPARAMETERS["cart_histories"].with_defaults()


def make_set(patients: int = 150) -> dict[str, pd.DataFrame]:
    """A register of patients, their stays, and the diagnoses of each stay; some have none, some die."""
    rng = np.random.default_rng(0)
    people, stays, diagnoses = [], [], []
    for i in range(patients):
        born = pd.Timestamp("1930-01-01") + pd.Timedelta(days=int(rng.integers(20000)))
        day = pd.Timestamp("2010-01-01") + pd.Timedelta(days=int(rng.integers(1000)))
        dies = rng.random() < 0.3
        for _ in range(0 if rng.random() < 0.15 else int(rng.integers(1, 4))):
            stay = f"H{len(stays):05d}"
            end = day + pd.Timedelta(days=int(rng.integers(1, 20)))
            stays.append((f"id-{i}", stay, f"{day:%Y-%m-%d}", f"{end:%Y-%m-%d}", str(rng.choice(["ward", "icu"]))))
            for _ in range(int(rng.integers(1, 5))):
                diagnoses.append((f"id-{i}", stay, str(rng.choice(["I10", "E11", "J18", "N39"]))))
            day = end + pd.Timedelta(days=int(rng.integers(10, 400)))
        dead = f"{day:%Y-%m-%d}" if dies else None
        people.append((f"id-{i}", f"{born:%Y-%m-%d}", dead, str(rng.choice(["f", "m"]))))
    return {
        "patients": pd.DataFrame(people, columns=["Id", "BIRTHDATE", "DEATHDATE", "GENDER"]),
        "stays": pd.DataFrame(stays, columns=["PATIENT", "stay_id", "START", "STOP", "UNIT"]),
        "diagnoses": pd.DataFrame(diagnoses, columns=["PATIENT", "stay_id", "CODE"]),
    }


def link(tables: dict[str, pd.DataFrame]) -> LinkedSet:
    items = []
    for name, table in tables.items():
        key = "Id" if name == "patients" else "PATIENT"
        profile = profile_table(table, patient_id=key)
        items.append(LinkedTable(name, table, tuple(column.treatment for column in profile.columns), key))
    return LinkedSet(tuple(items[1:]), items[0])


@pytest.fixture(scope="module")
def real() -> dict[str, pd.DataFrame]:
    return make_set()


@pytest.fixture(scope="module")
def made(real: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    nowhere = tmp_path_factory.mktemp("none")
    return fit_set(link(real), CONFIG, patients=200, seed=1, environments=nowhere).tables


def test_the_same_tables_columns_and_types(real: dict[str, pd.DataFrame], made: dict[str, pd.DataFrame]) -> None:
    assert list(made) == list(real)
    for name, table in real.items():
        assert list(made[name].columns) == list(table.columns)
        assert (made[name].dtypes == table.dtypes).all()


def test_keys_lead_from_table_to_table(made: dict[str, pd.DataFrame]) -> None:
    people, stays, diagnoses = made["patients"], made["stays"], made["diagnoses"]
    assert len(people) == 200
    assert people["Id"].is_unique
    assert stays["stay_id"].is_unique
    assert set(stays["PATIENT"]) <= set(people["Id"])
    whose = diagnoses.merge(stays, on="stay_id", how="left")
    assert (whose["PATIENT_x"] == whose["PATIENT_y"]).all()


def test_no_real_key_comes_out(real: dict[str, pd.DataFrame], made: dict[str, pd.DataFrame]) -> None:
    assert not set(made["patients"]["Id"]) & set(real["patients"]["Id"])
    assert not set(made["stays"]["stay_id"]) & set(real["stays"]["stay_id"])


def test_patients_without_rows_stay(real: dict[str, pd.DataFrame], made: dict[str, pd.DataFrame]) -> None:
    shares = [(~t["patients"]["Id"].isin(t["stays"]["PATIENT"])).mean() for t in (real, made)]
    assert 0.02 < shares[1] < shares[0] + 0.12


def test_rows_a_patient_are_kept(real: dict[str, pd.DataFrame], made: dict[str, pd.DataFrame]) -> None:
    for name in ("stays", "diagnoses"):
        wanted = len(real[name]) / len(real["patients"])
        assert len(made[name]) / len(made["patients"]) == pytest.approx(wanted, rel=0.1)


def test_dates_are_in_order_and_nothing_lies_after_death(made: dict[str, pd.DataFrame]) -> None:
    rows = made["stays"].merge(made["patients"], left_on="PATIENT", right_on="Id")
    moments = {name: pd.to_datetime(rows[name]) for name in ("BIRTHDATE", "START", "STOP", "DEATHDATE")}
    assert (moments["BIRTHDATE"] <= moments["START"]).all()
    assert (moments["START"] <= moments["STOP"]).all()
    assert not (moments["START"] > moments["DEATHDATE"]).any()
    assert moments["START"].groupby(rows["PATIENT"]).is_monotonic_increasing.all()


def test_orphans_are_counted_and_left_out(real: dict[str, pd.DataFrame]) -> None:
    stray = real["stays"].assign(PATIENT=real["stays"]["PATIENT"].where(real["stays"].index != 3, "id-nobody"))
    tables = link({**real, "stays": stray})
    assert tables.orphans() == {"stays": 1}
    assert len(prepare_set(tables).events[0].owners) == len(stray) - 1


def test_one_table_keeps_its_columns_and_statics(tmp_path: Path) -> None:
    table = make_visits()
    treatments = [column.treatment for column in profile_table(table).columns]
    run, _ = run_history_fit(table, treatments, CONFIG, patients=160, seed=0, environments=tmp_path)
    made = run.table
    assert list(made.columns) == list(table.columns)
    assert made["patient_id"].nunique() == 160
    for name in ("sex", "age", "futime", "died"):
        assert (made.groupby("patient_id")[name].nunique() <= 1).all()
    assert (made["day"] <= made["futime"]).all()
    assert len(made) / 160 == pytest.approx(len(table) / 160, rel=0.1)


@pytest.mark.parametrize(
    ("marks", "owners", "numbers"),
    [
        (["new", "same", "new"], [0, 0, 0], [1, 1, 2]),
        (["same", "same", "new"], [0, 1, 1], [1, 2, 3]),
        (["none", "same", "same"], [0, 0, 0], [None, 1, 1]),
    ],
)
def test_records_are_numbered_over_all_patients(marks: list[str], owners: list[int], numbers: list[int | None]) -> None:
    found = number_records(pd.Series(marks, dtype=object), np.array(owners))
    assert [None if pd.isna(x) else int(x) for x in found] == numbers


def make_hospital(patients: int = 150) -> dict[str, pd.DataFrame]:
    """Stays and drugs without a table of patients: who dies in hospital has the date in the last stay alone."""
    rng = np.random.default_rng(3)
    stays, drugs = [], []
    for i in range(patients):
        day, dies, last = pd.Timestamp("2100-01-01") + pd.Timedelta(days=int(rng.integers(9000))), i % 3 == 0, 0
        count = int(rng.integers(1, 4))
        for number in range(count):
            end = day + pd.Timedelta(days=int(rng.integers(2, 20)))
            dead = dies and number == count - 1
            told = f"{end:%Y-%m-%d %H:%M:%S}" if dead else None
            stays.append((i + 20_000, f"{day:%Y-%m-%d %H:%M:%S}", f"{end:%Y-%m-%d %H:%M:%S}", told, int(dead)))
            for _ in range(int(rng.integers(1, 5))):
                last = int(rng.integers(0, (end - day).days))
                start = day + pd.Timedelta(days=last)
                drugs.append((i + 20_000, f"{start:%Y-%m-%d}", str(rng.choice(["a", "b", "c"]))))
            day = end + pd.Timedelta(days=int(rng.integers(10, 400)))
    return {
        "stays": pd.DataFrame(stays, columns=["subject_id", "admittime", "dischtime", "deathtime", "expired"]),
        "drugs": pd.DataFrame(drugs, columns=["subject_id", "startdate", "drug"]),
    }


def test_a_death_told_in_a_row_ends_all_tables(tmp_path: Path) -> None:
    """Nothing comes after it, it stands in the last row alone, and what goes with it in every real row does so here."""
    items = []
    for name, table in make_hospital().items():
        profile = profile_table(table, patient_id="subject_id")
        items.append(LinkedTable(name, table, tuple(column.treatment for column in profile.columns), "subject_id"))
    made = fit_set(LinkedSet(tuple(items)), CONFIG, patients=200, seed=1, environments=tmp_path).tables
    stays, drugs = made["stays"], made["drugs"]
    begin, end, dead = (pd.to_datetime(stays[name]) for name in ("admittime", "dischtime", "deathtime"))
    assert 0.15 < dead.notna().groupby(stays["subject_id"]).any().mean() < 0.55
    assert (begin <= end).all()
    assert (end[dead.notna()] == dead[dead.notna()]).all()
    assert (stays["expired"] == dead.notna()).all()
    deaths = dead.groupby(stays["subject_id"]).max()
    assert not (begin > stays["subject_id"].map(deaths)).any()
    assert not (pd.to_datetime(drugs["startdate"]) > drugs["subject_id"].map(deaths)).any()


@pytest.mark.parametrize("k", [2, 20])
def test_a_value_with_one_partner_stands_beside_it(k: int) -> None:
    """A code that determines its text does so in synthetic rows; what few hold is left as drawn."""
    rng = np.random.default_rng(0)
    codes = rng.choice(["A1", "A2", "B1", "B2"], 300, p=[0.4, 0.3, 0.25, 0.05])
    real = pd.DataFrame({"code": codes, "text": [f"text of {c}" for c in codes], "class": [c[0] for c in codes]})
    drawn = real.assign(text=rng.permutation(real["text"]), **{"class": rng.permutation(real["class"])})
    made = keep_pairs(real, drawn, np.arange(300), k)
    common = made["code"].isin(real["code"].value_counts().index[: 4 if k == 2 else 3])
    assert (made["text"] == "text of " + made["code"])[common].all()
    assert (made["class"] == made["code"].str[0])[common].all()
    assert made["code"].equals(drawn["code"])


def test_dates_keep_the_order_that_no_real_row_breaks() -> None:
    rng = np.random.default_rng(0)
    begin = rng.uniform(0, 5, 100)
    offsets = pd.DataFrame({"in": begin, "out": begin + rng.uniform(0, 2, 100), "seen": rng.uniform(-5, 9, 100)})
    real = EventRows(offsets, np.arange(100), dates=("in", "out", "seen"))
    drawn = pd.DataFrame({"in": [3.0, 1.0, np.nan], "out": [2.0, 4.0, 1.0], "seen": [0.0, 0.0, 9.0]})
    made = keep_order(real, drawn)
    assert made["out"].tolist() == [3.0, 4.0, 1.0]
    assert made[["in", "seen"]].equals(drawn[["in", "seen"]])
