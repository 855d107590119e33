"""Rules from concepts and from a model's plan: read, tried on the table, and the invented ones refused and named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector import synthesize
from clinical_model_selector.evidence.table_rules import rules_asked, rules_of_concepts
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.column_treatment import Treatment
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.table.rule_sentence import RULE_GRAMMAR, parse_rule
from clinical_model_selector.schemas.table.rules import NotAbove, Rule, SumsTo, Within


def treatment(column: str, concept: str | None, unit: str | None = None, number: int = 1) -> Treatment:
    return Treatment(
        alias=f"c{number}", column=column, action="keep", concept=concept, unit=unit, rule="Keep as it is."
    )


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            [("dbp", "diastolic_blood_pressure", "mm[Hg]"), ("sbp", "systolic_blood_pressure", "mm[Hg]")],
            {NotAbove(lower="dbp", upper="sbp")},
        ),
        (
            [
                ("dbp_1", "diastolic_blood_pressure", "mm[Hg]"),
                ("dbp_2", "diastolic_blood_pressure", "mm[Hg]"),
                ("sbp_1", "systolic_blood_pressure", "mm[Hg]"),
                ("sbp_2", "systolic_blood_pressure", "mm[Hg]"),
            ],
            {NotAbove(lower="dbp_1", upper="sbp_1"), NotAbove(lower="dbp_2", upper="sbp_2")},
        ),
        ([("dbp", "diastolic_blood_pressure", "mm[Hg]"), ("sbp", "systolic_blood_pressure", "kPa")], set()),
        (
            [("admitted", "admission_date", None), ("left", "discharge_date", None)],
            {NotAbove(lower="admitted", upper="left")},
        ),
        (
            [
                ("e", "gcs_eye", None),
                ("v", "gcs_verbal", None),
                ("m", "gcs_motor", None),
                ("g", "glasgow_coma_scale", None),
            ],
            {SumsTo(parts=("e", "v", "m"), total="g")},
        ),
        ([("age", None, None)], set()),
    ],
)
def test_concepts_propose_what_should_hold(
    columns: list[tuple[str, str | None, str | None]], expected: set[Rule]
) -> None:
    proposed = rules_of_concepts([treatment(*item, number=at) for at, item in enumerate(columns, 1)])
    assert {rule for rule in proposed if not isinstance(rule, Within)} == expected


def test_a_models_sentences_are_read_and_what_is_none_is_named() -> None:
    aliases = [treatment(f"col{at}", None, number=at) for at in range(1, 9)]
    plan = plan_with([*RULE_GRAMMAR[:8], "c1 <= c99", "the patient is well"])
    asked = rules_asked("keep", plan, aliases)
    assert asked is not None
    by_model = [item.rule for item in asked.proposed if item.origin == "model"]
    names = {item.alias: str(item.column) for item in aliases}
    assert by_model == [rule for sentence in RULE_GRAMMAR for rule in parse_rule(sentence, names)]
    assert [(item.rule, item.origin) for item in asked.unread] == [
        ("c1 <= c99", "model"),
        ("the patient is well", "model"),
    ]


def plan_with(rules: list[str]) -> ModelSelectionPlan:
    return ModelSelectionPlan.model_validate(
        {
            "choice": HYPERPARAMETERS["cart"].defaults(), "backups": [],
            "dp": {"enabled": False, "epsilon": None, "delta": None}, "sample_multiplier": 1.0,
            "max_synth_rows": 50_000, "rationale": "", "rules": rules,
        }
    )  # fmt: skip


def test_a_models_invented_rule_is_refused_with_the_columns_name_and_a_true_one_is_kept() -> None:
    rng = np.random.default_rng(0)
    diastolic = rng.normal(80, 9, 300).round()
    table = pd.DataFrame(
        {
            "sex": rng.choice(["m", "f"], 300),
            "diastolic": diastolic,
            "systolic": (diastolic + rng.gamma(4, 9, 300)).round(),
            "weight": rng.normal(75, 12, 300).round(1),
        }
    )
    table["pregnant"] = np.where(table["sex"] == "f", rng.choice(["yes", "no"], 300), "no")
    alias = {column.name: column.safe.alias for column in profile_table(table).columns}
    plan = plan_with(
        [
            f"{alias['diastolic']} <= {alias['systolic']}",
            f"{alias['systolic']} <= {alias['weight']}",
            f"{alias['pregnant']} = no where {alias['sex']} = m",
            f"{alias['pregnant']} = yes where {alias['sex']} = f",
        ]
    )
    made = synthesize(table, plan, seed=1)
    report = made.card.rules
    assert report is not None
    kept = {str(item.rule): item for item in report.kept if item.origin == "model"}
    assert set(kept) == {"diastolic ≤ systolic", "pregnant has a certain level where sex has one"}
    refused = {item.rule: item.reason for item in report.refused}
    assert "the table breaks it" in refused["systolic ≤ weight"]
    assert "pregnant has a certain level where sex has one" in refused
    assert (made.table["diastolic"] <= made.table["systolic"]).all()
    assert not ((made.table["sex"] == "m") & (made.table["pregnant"] == "yes")).any()
    # Switched off, nothing is told of rules.
    assert synthesize(table, plan, seed=1, rules="off").card.rules is None
