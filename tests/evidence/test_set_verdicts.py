"""May a set of tables, or a table of several rows a patient, be released: copies are refused, honest sets are not
accused, and rows that were shuffled fail what a patient's rows say together."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.evidence.disclosure.distances import measure_distances
from clinical_model_selector.evidence.disclosure.membership import measure_membership
from clinical_model_selector.evidence.disclosure.values_of_few import count_values_of_few
from clinical_model_selector.evidence.evaluation import evaluate
from clinical_model_selector.evidence.evaluation_sets import SetEvaluation, evaluate_set, set_record, split_patients
from clinical_model_selector.evidence.histories.link_tables import link_tables
from clinical_model_selector.schemas.column_treatment import Treatment
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.synthesizers.running.run_card import HeldOut, RunCard
from histories import make_register, make_visits

Tables = dict[str, pd.DataFrame]
PATIENTS = 240


def card_for(share: float, treatments: tuple[Treatment, ...] = (), rows: int = 0) -> RunCard:
    plan = ModelSelectionPlan.model_validate(
        {
            "choice": {"method": "cart_histories", "visit_leaf": 10, "patient_leaf": 20, "patients_per_leaf": 5},
            "backups": [], "dp": {"enabled": False, "epsilon": None, "delta": None}, "sample_multiplier": 1.0,
            "max_synth_rows": 50_000, "rationale": "",
        }
    )  # fmt: skip
    return RunCard(
        method="cart_histories", plan=plan, treatments=treatments, rows_fitted=rows, rows_made=0, seed=0,
        held_out=HeldOut(share=share, seed=0, group="patient"), fit_seconds=0.0, fit_cpu_seconds=0.0,
        sample_seconds=0.0, peak_bytes=0, versions={},
    )  # fmt: skip


@pytest.fixture(scope="module")
def register() -> Tables:
    tables = make_register(PATIENTS)
    rng = np.random.default_rng(1)
    tables["patients"]["WEIGHT"] = rng.normal(75, 12, PATIENTS).round(1)
    tables["conditions"]["VALUE"] = np.exp(rng.normal(size=len(tables["conditions"]))).round(3)
    return tables


def take(tables: Tables, ids: list[str]) -> Tables:
    """Some patients, under new keys."""
    renamed = {key: f"new-{i}" for i, key in enumerate(ids)}
    people, conditions = tables["patients"], tables["conditions"]
    people = people[people["Id"].isin(ids)]
    people = people.assign(Id=people["Id"].map(renamed))
    conditions = conditions[conditions["PATIENT"].isin(ids)]
    return {"patients": people, "conditions": conditions.assign(PATIENT=conditions["PATIENT"].map(renamed))}


def fitted(tables: Tables, share: float = 0.4) -> list[str]:
    keys = link_tables(tables).tables.keys()
    return list(keys[split_patients(len(keys), share, 0)[0]])


@pytest.fixture(scope="module")
def copied(register: Tables) -> SetEvaluation:
    return evaluate_set(register, take(register, fitted(register)), card=card_for(0.4), compliance="research")


def test_a_copy_of_the_patients_is_refused(copied: SetEvaluation) -> None:
    assert copied.release == "no"
    assert {"overlap", "patient_overlap", "patient_membership_auc"} <= set(copied.failed)
    assert not copied.passes


def test_a_tenth_of_copied_patients_is_refused(register: Tables) -> None:
    others = {name: table.copy() for name, table in make_register(PATIENTS).items()}
    rng = np.random.default_rng(2)
    others["patients"]["WEIGHT"] = rng.normal(75, 12, PATIENTS).round(1)
    others["patients"]["AGE"] = rng.integers(20, 80, PATIENTS)
    others["conditions"]["VALUE"] = np.exp(rng.normal(size=len(others["conditions"]))).round(3)
    strangers, copies = take(others, list(others["patients"]["Id"][:130])), take(register, fitted(register)[:16])
    copies = {name: table.replace("new-", "old-", regex=True) for name, table in copies.items()}
    mixed = {name: pd.concat([table, copies[name]]) for name, table in strangers.items()}
    judged = evaluate_set(register, mixed, card=card_for(0.4), compliance="research")
    assert judged.release == "no"


def test_patients_whom_nobody_fitted_are_not_accused(register: Tables) -> None:
    """Half of the fitted patients count as fitted, the others stand for an honest synthetic set."""
    ids = list(np.random.default_rng(5).permutation(register["patients"]["Id"]))
    real, strangers = take(register, ids[:160]), take(register, ids[160:])
    judged = evaluate_set(real, strangers, card=card_for(0.5), compliance="research")
    accused = {v.name for v in judged.verdicts if v.group == "disclosure" and v.outcome == "fail"}
    # Real values of few stand in real rows, which no protection took them out of.
    assert accused <= {"values_of_few"}


def test_rows_dealt_to_patients_at_random_fail_what_a_patients_rows_say_together() -> None:
    table = make_visits(240)
    rng = np.random.default_rng(0)
    dealt = table.copy()
    moving = ["day", "marker", "albumin", "stage"]
    dealt[moving] = table[moving].iloc[rng.permutation(len(table))].to_numpy()
    judged = evaluate(table, dealt.astype(table.dtypes.to_dict()), holdout=None, patient_id="patient_id", depth="quick",
        train=table[table["patient_id"] < 1120], compliance="research")  # fmt: skip
    assert {"history_gap", "history_lag_one", "history_intraclass", "history_after_end"} <= set(judged.failed)


def test_a_copied_history_is_refused_by_patient() -> None:
    table = make_visits(240)
    train = table[table["patient_id"] < 1120]
    judged = evaluate(table, train, train=train, patient_id="patient_id", depth="quick", compliance="research")
    assert judged.release == "no"
    assert {"patient_overlap", "patient_membership_auc"} <= set(judged.failed)
    page = judged.to_html()
    assert "patient membership auc" in page
    assert "patients: AUC of a patient copy" in page


def test_the_page_and_the_record_begin_with_the_answer(copied: SetEvaluation) -> None:
    record = set_record(copied)
    assert record["release"] == "no"
    assert json.loads(copied.to_json())["verdicts"]
    page = copied.to_html()
    assert "must not be released" in page
    assert "Histories of conditions, by patient" in page
    assert "<script" not in page


def test_rows_after_a_death_and_lost_and_repeated_keys_are_counted(register: Tables) -> None:
    real = {name: table.copy() for name, table in register.items()}
    last = real["conditions"].groupby("PATIENT")["START"].max()
    deaths = real["patients"]["Id"].map(last).where(np.arange(PATIENTS) % 3 == 0)
    real["patients"]["DEATHDATE"] = deaths
    made = take(real, fitted(real))
    days = made["patients"]["DEATHDATE"]
    made["patients"]["DEATHDATE"] = days.where(days.isna(), "2015-06-01")
    made["conditions"].iloc[0, 0] = "nobody"
    made["patients"].iloc[1, 0] = made["patients"].iloc[0, 0]
    judged = evaluate_set(real, made, card=card_for(0.4), compliance="research")
    assert judged.orphans["conditions"] >= 1
    assert judged.repeated_keys == {"patients": 1}
    assert judged.after_death_real == {"conditions": 0.0}
    assert judged.after_death["conditions"] > 0.1
    assert {"after_death", "keys"} <= set(judged.failed)


def test_without_a_run_card_nothing_is_shown_to_be_safe(register: Tables) -> None:
    judged = evaluate_set(register, take(register, list(register["patients"]["Id"][:100])), compliance="research")
    assert judged.release in ("not shown", "no")
    assert judged.patients is None


def test_other_tables_are_refused(register: Tables) -> None:
    with pytest.raises(TableError, match="different tables"):
        evaluate_set(register, {"patients": register["patients"]})


def test_several_rows_a_person_are_no_leak_by_themselves() -> None:
    """Where nothing was fitted, no attack tells persons of many rows apart, whoever is held against which reference."""
    rng = np.random.default_rng(0)

    def rows(persons: int) -> tuple[pd.DataFrame, np.ndarray]:
        owners = np.repeat(np.arange(persons), 8)
        own = rng.normal(size=(persons, 4))[owners]
        return pd.DataFrame(np.hstack([own, rng.normal(size=(len(owners), 2))])), owners

    (first, inside), (second, outside), (made, _) = rows(150), rows(150), rows(150)
    membership = measure_membership(measure_distances(first, second, made, inside, outside), 0)
    for attack in membership.attacks:
        assert attack.auc.low < 0.5, attack.name
        assert attack.auc.value < 0.56, attack.name


@pytest.mark.parametrize(("siblings", "counted"), [(12, 0), (2, 1)])
def test_a_parent_code_of_many_is_no_value_of_few(siblings: int, counted: int) -> None:
    """``V45`` of one person in the output stands for all codes below it, where enough persons have them."""
    real = pd.DataFrame(
        {"code": ["V45", *(f"V45.{i % 6}{i // 6}" for i in range(siblings)), *["401.9"] * 40, *["250.0"] * 40]}
    )
    synthetic = pd.DataFrame({"code": ["V45"] * 5 + ["401.9"] * 40})
    assert count_values_of_few(real, synthetic, np.arange(len(real)), 11).count == counted
