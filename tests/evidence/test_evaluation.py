"""``evaluate`` on tables as they come: without a card, with odd targets, with columns that hold nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.app.render.evaluation_views import evaluation_page
from clinical_model_selector.evidence.benchmark.controls import make_control
from clinical_model_selector.evidence.evaluation import Evaluation, as_record, evaluate
from clinical_model_selector.schemas.column_treatment import Treatment
from clinical_model_selector.schemas.errors import TableError
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.synthesizers.running.run_plan import Synthesis, carry_out
from pydantic_core import to_json
from tables import mixed_table

PLAN = ModelSelectionPlan(
    choice=HYPERPARAMETERS["gaussian_copula"].with_defaults(),
    backups=[HYPERPARAMETERS[name].with_defaults() for name in ("cart", "arf")],
    dp=DPSettings(enabled=False, epsilon=None, delta=None),
    sample_multiplier=1.0,
    max_synth_rows=5000,
    rationale="",
)


def carry(table: pd.DataFrame, **how: Any) -> Synthesis:
    treatments = [
        Treatment(alias=f"c{n}", column=name, action="pseudonymise" if name == "who" else "keep", rule="", **(
            {"missing_codes": (-9.0,)} if name == "coded" else {}
        ))
        for n, name in enumerate(table, start=1)
    ]  # fmt: skip
    return carry_out(table, PLAN, treatments, environments=Path("none"), seed=1, held_out=0.3, **how)


def judge(table: pd.DataFrame, target: str | None) -> Evaluation:
    made = carry(table)
    found = evaluate(table, made.table, card=made.card, target=target, depth="quick")
    to_json(as_record(found))
    assert evaluation_page(found)
    return found


def _base(rows: int = 200) -> pd.DataFrame:
    return mixed_table(rows)


TARGETS: dict[str, tuple[Any, str | None]] = {
    "text": (lambda t: np.where(t["marker"] > 5, "höher", "normal"), "classification"),
    "ordinal": (lambda t: pd.cut(t["age"], 5, labels=["I", "II", "III", "IV", "V"]), "classification"),
    "event after a time": (lambda t: (t["outcome"] == "dead").astype(int), "classification"),
    "number": (lambda t: t["age"] * 2.5, "regression"),
    "number with gaps": (lambda t: (t["age"] * 2.5).where(t["visits"] > 0), "regression"),
    "date": (lambda t: pd.Timestamp("2020-01-01") + pd.to_timedelta(t["age"], unit="D"), "regression"),
    "one class": (lambda t: ["yes"] * len(t), None),
    "nothing known": (lambda t: [None] * len(t), None),
    "all different": (lambda t: [f"v{i}" for i in range(len(t))], None),
    "one case": (lambda t: ["yes", *["no"] * (len(t) - 1)], None),
}


@pytest.mark.parametrize("case", TARGETS)
def test_targets_of_every_kind(case: str) -> None:
    make, task = TARGETS[case]
    table = _base().assign(goal=lambda t: make(t))
    found = judge(table, "goal")
    assert (found.utility.task if found.utility else None) == task
    assert {v.name for v in found.verdicts} >= {"tstr_ratio", "membership_auc", "ks_mean"}


TABLES: dict[str, Any] = {
    "a column of missing cells": lambda: _base().assign(none=np.nan, nothing=None),
    "constants": lambda: _base().assign(one=1, word="a"),
    "numbers alone": lambda: _base()[["age", "marker"]],
    "words alone": lambda: _base()[["ward", "smoker"]],
    "one column": lambda: _base()[["age"]],
    "few rows": lambda: _base(64),
    "wide": lambda: pd.DataFrame(np.random.default_rng(0).normal(size=(120, 170))).add_prefix("x"),
    "many rows a person": lambda: _base().assign(who=np.arange(200) // 5),
    "codes for missing": lambda: _base().assign(coded=lambda t: t["age"].where(t["visits"] > 0, -9)),
    "long labels": lambda: _base().assign(label=lambda t: "<b>" + t["ward"].fillna("x") * 20),
}


@pytest.mark.parametrize("case", TABLES)
def test_tables_of_every_shape(case: str) -> None:
    found = judge(TABLES[case](), None)
    assert 0 <= found.fidelity.shapes <= 1
    assert len(found.marginals) == found.columns
    assert "<b>north" not in evaluation_page(found)


def test_codes_for_missing_count_as_missing_on_both_sides() -> None:
    table = TABLES["codes for missing"]()
    made = carry(table)
    assert (made.table["coded"] == -9).any()
    assert made.table["coded"].dtype == table["coded"].dtype
    assert made.table["coded"].replace(-9, 50).min() >= table["age"].min()
    found = evaluate(table, made.table, card=made.card, depth="quick")
    shown = next(one for one in found.marginals if one.name == "coded")
    assert "missing" in shown.labels


def test_without_a_card_identifiers_are_not_shown_and_disclosure_is_not_judged() -> None:
    table = _base().assign(patient_name=[f"Jane Doe{i % 15}" for i in range(200)])
    found = evaluate(table, table, depth="quick")
    assert found.disclosure is None
    assert found.utility is None
    assert {one.name for one in found.marginals} == set(_base())
    assert "Jane" not in evaluation_page(found)
    assert any("no run card" in note for note in found.notes)


def test_without_a_card_a_table_too_small_to_profile_has_no_plots() -> None:
    table = _base(8)
    assert evaluate(table, table, depth="quick").marginals == ()


def test_a_table_read_back_from_text_is_judged_alike(tmp_path: Path) -> None:
    table = _base().assign(seen=lambda t: pd.Timestamp("2020-01-01") + pd.to_timedelta(t["age"], unit="D"))
    made = carry(table)
    made.table.to_csv(tmp_path / "made.csv", index=False)
    back = evaluate(table, pd.read_csv(tmp_path / "made.csv"), card=made.card, depth="quick")
    assert back.fidelity == evaluate(table, made.table, card=made.card, depth="quick").fidelity


@pytest.mark.parametrize("fault", ["another table", "no column in common", "no rows", "target"])
def test_what_cannot_be_compared_is_refused(fault: str) -> None:
    table = _base()
    made = carry(table)
    real = table.head(150) if fault == "another table" else table
    synthetic = {
        "no column in common": made.table.add_prefix("x"),
        "no rows": made.table.head(0),
    }.get(fault, made.table)
    with pytest.raises(TableError):
        evaluate(real, synthetic, card=made.card, target="zzz" if fault == "target" else None)


@pytest.fixture(scope="module")
def trial() -> Evaluation:
    """A full evaluation of a survival table with gaps and a rule, made elsewhere."""
    real = pd.read_csv(Path(__file__).parents[2] / "examples" / "gbsg2.csv")
    real = real.sample(frac=1, random_state=0).reset_index(drop=True)
    real["late"] = real["time"] + 30
    real.loc[real["menostat"] == "Pre", "estrec"] = np.nan
    train, holdout = real.head(480), real.tail(206)
    made = make_control("independent", train.reset_index(drop=True), 480, 0)
    return evaluate(real, made, train=train, holdout=holdout, target="cens")


def test_every_part_of_a_full_evaluation_is_measured_and_shown(trial: Evaluation) -> None:
    assert trial.survival is not None
    assert (trial.survival.time, trial.survival.event) == ("time", "cens")
    assert trial.plausibility is not None
    assert trial.plausibility.broken_rows > 0.2
    assert trial.plausibility.held_out_rows == 0
    assert trial.joint is not None
    assert trial.inference is not None
    assert trial.missingness is not None
    assert trial.subgroups
    assert trial.global_utility
    assert trial.score is not None
    assert trial.score.fidelity < 0.2
    page = trial.to_html()
    for heading in ("May I share it?", "Survival", "Rules that hold", "Subgroups", "Pairs of columns", "Missing cells"):
        assert heading in page
    assert "not shown" in trial._repr_html_() or "must not" in trial._repr_html_()


def test_the_json_is_rounded_and_says_the_answer_first(trial: Evaluation) -> None:
    record = json.loads(trial.to_json())
    assert list(record)[:2] == ["release", "reason"]
    assert record["survival"]["restricted_mean_real"] == float(f"{trial.survival.restricted_mean_real:.4g}")  # type: ignore[union-attr]


def test_unrelated_tables_are_refused() -> None:
    table = _base()
    with pytest.raises(TableError, match="share 1 of"):
        evaluate(table, table[["age"]].assign(**{f"z{i}": 1 for i in range(6)}))
    other = pd.DataFrame({name: [f"q{i}" for i in range(50)] for name in table})
    with pytest.raises(TableError, match="no value or range in common"):
        evaluate(table, other)


def test_rows_of_a_person_in_the_fit_are_not_held_out() -> None:
    real = mixed_table(400).assign(patient_id=np.arange(400) // 4)
    train, holdout = real.head(300), pd.concat([real.head(8), real.tail(100)])
    found = evaluate(real, mixed_table(200, 5), train=train, holdout=holdout, patient_id="patient_id", depth="quick")
    assert found.persons == 100
    assert found.rows_held_out == 100
    assert any("belong to persons of the fit" in note for note in found.notes)


@pytest.mark.parametrize("kind", ["path", "polars", "arrow"])
def test_frames_of_every_kind_are_judged_alike(kind: str, tmp_path: Path) -> None:
    import polars
    import pyarrow

    real, made = _base()[["age", "stage", "outcome"]].astype({"stage": str}), mixed_table(150, 3)
    made = made[["age", "stage", "outcome"]].astype({"stage": str})
    if kind == "path":
        real.to_csv(tmp_path / "real.csv", index=False)
        made.to_csv(tmp_path / "made.csv", index=False)
        tables: tuple[object, object] = (tmp_path / "real.csv", tmp_path / "made.csv")
    elif kind == "polars":
        tables = (polars.from_pandas(real), polars.from_pandas(made))
    else:
        tables = (pyarrow.Table.from_pandas(real), pyarrow.Table.from_pandas(made))
    assert evaluate(*tables, depth="quick").fidelity == evaluate(real, made, depth="quick").fidelity


def test_what_synthesize_returns_brings_its_card_along() -> None:
    table = _base()
    made = carry(table)
    assert evaluate(table, made, depth="quick").method == made.card.method


def test_the_loneliest_are_audited_where_a_run_card_tells_how() -> None:
    table = mixed_table(300)
    found = evaluate(table, carry(table))
    assert found.audit is not None
    assert found.audit.persons == 6
    assert {verdict.name for verdict in found.verdicts} >= {"leave_one_out", "overlap", "values_of_few"}
