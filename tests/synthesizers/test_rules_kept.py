"""Rules that the real table bears out hold in what is made, and no value of few comes back through them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.evidence.table_rules import rules_asked
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.table.rules import (
    Determines,
    ImpliesLevel,
    ImpliesMissing,
    NotAbove,
    ProposedRule,
    Rule,
    SumsTo,
    Within,
)
from clinical_model_selector.synthesizers.protection.protect_table import protect_table
from clinical_model_selector.synthesizers.rules.keeper import RuledTable, RulesAsked, keeper_for
from clinical_model_selector.synthesizers.rules.trial import try_rules
from clinical_model_selector.synthesizers.rules.violations import broken_rows
from hypothesis import given, settings
from hypothesis import strategies as st

RULES: tuple[Rule, ...] = (
    Determines(determinant="code", dependent="chapter"),
    # The same order twice, as concepts and the table propose it.
    NotAbove(lower="admitted", upper="discharged", strict=True),
    NotAbove(lower="admitted", upper="discharged"),
    NotAbove(lower="diastolic", upper="systolic"),
    SumsTo(parts=("motor", "verbal"), total="score"),
    ImpliesMissing(condition="sex", level="m", missing="pregnancies"),
    ImpliesLevel(condition="arm", level="control", column="dose", value="0"),
    Within(column="systolic", least=40, most=300),
)


def cohort(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    # Some codes have few holders, and so have their chapters.
    code = rng.choice(["J18", "I21", "S72", "E11", "Q99"], rows, p=[0.4, 0.3, 0.17, 0.12, 0.01])
    chapters = {"J18": "lung", "I21": "heart", "S72": "bone", "E11": "metabolic", "Q99": "genes"}
    sex = rng.choice(["m", "f"], rows)
    arm = rng.choice(["control", "drug"], rows)
    admitted = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    diastolic = rng.normal(80, 10, rows).round()
    motor, verbal = rng.integers(1, 40, rows), rng.integers(1, 60, rows)
    return pd.DataFrame(
        {
            "code": code,
            "chapter": pd.Series(code).map(chapters),
            "sex": sex,
            "pregnancies": np.where(sex == "f", rng.poisson(1.5, rows), np.nan),
            "arm": arm,
            "dose": np.where(arm == "control", 0, rng.choice([0, 5, 10], rows)),
            "admitted": admitted,
            "discharged": admitted + pd.to_timedelta(rng.integers(1, 30, rows), unit="D"),
            "diastolic": diastolic,
            "systolic": (diastolic + rng.gamma(4, 8, rows)).round(),
            "motor": motor,
            "verbal": verbal,
            "score": motor + verbal,
        }
    )


def shuffled(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """What a model that knows nothing of the other columns would draw."""
    return pd.DataFrame({name: table[name].iloc[rng.permutation(len(table))].to_numpy() for name in table.columns})


def keep(real: pd.DataFrame, k: int, seed: int = 0) -> pd.DataFrame:
    protected = protect_table(real, k=k, seed=seed).table if k > 1 else real
    asked = RulesAsked(tuple(ProposedRule(rule=rule, origin="user") for rule in RULES))
    keeper, fitted = keeper_for(asked, RuledTable(real, protected, k=k, seed=seed))
    assert keeper.refused == ()
    return keeper.rebuild(shuffled(fitted, np.random.default_rng(seed)), seed).table


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000), k=st.sampled_from([1, 5, 11]))
def test_every_rule_holds_even_in_independent_columns(seed: int, k: int) -> None:
    real = cohort(seed=seed)
    made = keep(real, k, seed)
    assert list(made.columns) == list(real.columns)
    for rule in RULES:
        assert not broken_rows(rule, made, real).any(), str(rule)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 1000))
def test_no_level_and_no_extreme_of_few_comes_back(seed: int) -> None:
    k = 11
    real, made = cohort(seed=seed), keep(cohort(seed=seed), k, seed)
    for name in ("code", "chapter"):
        counts = real[name].value_counts()
        assert not set(counts[counts < k].index) & set(made[name])
    for name in ("systolic", "diastolic", "score", "motor", "verbal"):
        ordered = np.sort(real[name])
        assert made[name].min() >= ordered[k - 1]
        assert made[name].max() <= ordered[-k]


def test_what_is_looked_up_or_added_up_is_not_fitted() -> None:
    real = cohort()
    asked = RulesAsked(tuple(ProposedRule(rule=rule, origin="user") for rule in RULES))
    keeper, fitted = keeper_for(asked, RuledTable(real, real))
    assert set(real.columns) - set(fitted.columns) == {"chapter", "score"}
    # The later date is the days since the earlier one.
    assert fitted["discharged"].between(1, 29).all()
    kept = keeper.rebuild(fitted, 0)
    pd.testing.assert_frame_equal(kept.table, real, check_dtype=False)
    assert {rule.how for rule in kept.rules} == {"looked up", "difference", "sum", "repaired"}
    assert kept.cells_changed == 0


def test_columns_that_are_missing_together_are_missing_no_oftener_than_before() -> None:
    rng = np.random.default_rng(0)
    gone = rng.random(400) < 0.25
    real = pd.DataFrame({name: np.where(gone, np.nan, rng.normal(size=400).round(2)) for name in "abcdef"})
    rules = [ImpliesMissing(condition=a, missing=b) for a in "abcdef" for b in "abcdef" if a != b]
    asked = RulesAsked(tuple(ProposedRule(rule=rule, origin="user") for rule in rules))
    keeper, fitted = keeper_for(asked, RuledTable(real, real))
    made = keeper.rebuild(shuffled(fitted, rng), 0).table
    assert (made.isna().sum(axis=1).isin([0, 6])).all()
    assert made["f"].isna().mean() == pytest.approx(0.25, abs=0.05)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (NotAbove(lower="systolic", upper="diastolic"), "the table breaks it"),
        (Determines(determinant="sex", dependent="arm"), "the table breaks it"),
        (NotAbove(lower="systolic", upper="weight"), "column weight is not modelled"),
        (NotAbove(lower="sex", upper="systolic"), "column sex holds no numbers"),
        (NotAbove(lower="admitted", upper="systolic"), "compares a date with a number"),
        (NotAbove(lower="systolic", upper="systolic"), "names a column twice"),
        (ImpliesLevel(condition="code", level="Q99", column="chapter", value="genes"), "fewer than 20 persons"),
    ],
)
def test_rules_that_the_table_does_not_bear_out_are_refused_with_the_reason(rule: Rule, reason: str) -> None:
    (tried,) = try_rules([ProposedRule(rule=rule, origin="model")], cohort(), None, 11)
    assert tried.refused is not None
    assert reason in tried.refused


def test_under_differential_privacy_only_the_users_rules_are_kept_and_nothing_is_looked_at() -> None:
    real = cohort()
    own = NotAbove(lower="diastolic", upper="systolic")
    mined = NotAbove(lower="admitted", upper="discharged")
    asked = RulesAsked(
        (ProposedRule(rule=own, origin="user"), ProposedRule(rule=mined, origin="vocabulary")),
        lambda rows, persons: pytest.fail("the rows were looked at"),
    )
    keeper, fitted = keeper_for(asked, RuledTable(real, real, k=11, private=True))
    assert fitted is real
    kept = keeper.rebuild(shuffled(real, np.random.default_rng(0)), 0)
    assert [rule.rule for rule in kept.rules] == [own]
    assert kept.rules[0].support == 0
    assert kept.rules[0].broken_as_drawn
    assert kept.rules[0].broken == 0


def test_rules_are_read_from_yaml_and_bad_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "- {kind: not_above, lower: diastolic, upper: systolic}\n"
        "- {kind: implies_level, condition: arm, level: control, column: dose, value: 0}\n"
    )
    asked = rules_asked(path)
    assert asked is not None
    assert [item.rule for item in asked.proposed] == [
        NotAbove(lower="diastolic", upper="systolic"),
        ImpliesLevel(condition="arm", level="control", column="dose", value="0"),
    ]
    assert rules_asked("off") is None
    for text in ("- {kind: guess, lower: a, upper: b}", "lower: a", "- [", "- {kind: within, column: a}"):
        path.write_text(text)
        with pytest.raises(SettingsError, match=r"rules\.yaml"):
            rules_asked(path)
