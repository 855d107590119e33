"""Linked tables from a mapping to a plan, to a synthetic set, to its figures."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from clinical_model_selector.agents.auto import run_auto
from clinical_model_selector.agents.auto_sets import tune_set
from clinical_model_selector.agents.linked import SetSynthesis, synthesize_set
from clinical_model_selector.agents.selector import ClinicalModelSelector
from clinical_model_selector.agents.tune import tune
from clinical_model_selector.evidence.evaluation_sets import evaluate_set
from clinical_model_selector.schemas.errors import NoFeasibleSynthesizer, TableError
from clinical_model_selector.schemas.settings import Settings
from histories import make_register


def choose(tables: dict[str, Any], **options: Any) -> Any:
    selector = ClinicalModelSelector(Settings(selector_embedded="only"))
    return selector.select(tables, compliance="research", **options)


@pytest.fixture(scope="module")
def register() -> dict[str, pd.DataFrame]:
    return make_register()


@pytest.fixture(scope="module")
def made(register: dict[str, pd.DataFrame]) -> SetSynthesis:
    return synthesize_set(register, choose(register), seed=1, held_out=0.4)


def test_a_set_gets_a_plan_for_histories(register: dict[str, pd.DataFrame]) -> None:
    result = choose(register, keys={"patients": "Id", "conditions": "PATIENT"})
    assert result.plan.choice.method == "cart_histories"
    assert {item.column for item in result.treatments} >= {"patients.GENDER", "conditions.START"}


def test_the_set_comes_back_whole(register: dict[str, pd.DataFrame], made: SetSynthesis) -> None:
    assert {name: list(table) for name, table in made.tables.items()} == {
        name: list(table) for name, table in register.items()
    }
    assert made.card.method == "cart_histories"
    assert made.card.protection is not None
    assert made.card.protection.unit == "patient"
    found = evaluate_set(register, made)
    assert found.patients_synthetic == found.patients_real == 150
    assert found.orphans == {"conditions": 0}
    assert found.repeated_keys == {"patients": 0}
    assert found.rows_per_patient["conditions"] == pytest.approx(1.0, abs=0.1)
    assert found.histories["conditions"].patients_held_out == 60
    assert found.histories["conditions"].figures["gap"] is not None


def test_equal_seeds_give_equal_sets(register: dict[str, pd.DataFrame], made: SetSynthesis) -> None:
    again = synthesize_set(register, choose(register), seed=1, held_out=0.4)
    for name, table in made.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[name])


def test_orphans_are_said(register: dict[str, pd.DataFrame]) -> None:
    conditions = register["conditions"].copy()
    conditions.loc[3, "PATIENT"] = "id-nobody"
    result = choose({**register, "conditions": conditions}, keys={"patients": "Id", "conditions": "PATIENT"})
    assert any("1 of conditions" in text for text in result.warnings)


def test_too_few_patients_are_refused() -> None:
    with pytest.raises(NoFeasibleSynthesizer, match="at least 100 patients, here 60"):
        choose(make_register(60))


@pytest.mark.parametrize(
    ("keys", "said"),
    [({"patients": "nowhere"}, "no column 'nowhere'"), ({"visits": "Id"}, "no table 'visits'")],
)
def test_a_key_that_is_not_there_is_named(keys: dict[str, str], said: str, register: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(TableError, match=said):
        choose(register, keys=keys)


def test_tables_that_share_no_key_are_refused(register: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(TableError, match="no key leads from"):
        choose({"a": register["patients"], "b": pd.DataFrame({"x": range(200), "y": ["z"] * 200})})


def test_the_caution_of_a_set_is_measured_on_patients_nobody_fitted(register: dict[str, pd.DataFrame]) -> None:
    selector = ClinicalModelSelector(Settings(selector_embedded="only"))
    result = tune_set(register, selector=selector, compliance="research")
    assert result.race is not None
    assert len(result.race.entries) == 3
    assert sum(entry.proposed for entry in result.race.entries) == 1
    best = result.race.entries[0]
    assert result.plan.choice.knobs() == best.hyperparameters
    assert best.score is not None
    assert best.score >= max(entry.score or 0.0 for entry in result.race.entries[1:])


def test_functions_of_one_table_say_where_sets_are_made(register: dict[str, pd.DataFrame]) -> None:
    selector = ClinicalModelSelector(Settings(selector_embedded="only"))
    with pytest.raises(TableError, match="run_auto_set"):
        run_auto(register, selector=selector)
    with pytest.raises(TableError, match="tune_set"):
        tune(register, selector=selector)
