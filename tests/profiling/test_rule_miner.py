"""Rules are found where they hold, by person, and not where chance keeps them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from clinical_model_selector.profiling.rule_miner import mine_rules
from clinical_model_selector.schemas.table.rules import Determines, ImpliesMissing, MinedRule, NotAbove


def table(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = rng.choice(["J18", "I21", "S72", "E11"], rows)
    sex = rng.choice(["m", "f"], rows)
    admitted = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    diastolic = rng.normal(80, 10, rows).round(1)
    pregnancies = np.where(sex == "f", rng.poisson(1.5, rows), np.nan)
    biopsy = rng.random(rows) < 0.4
    return pd.DataFrame(
        {
            "code": code,
            "chapter": pd.Series(code).map({"J18": "lung", "I21": "heart", "S72": "bone", "E11": "metabolic"}),
            "sex": sex,
            "pregnancies": pregnancies,
            "admitted": admitted,
            "discharged": admitted + pd.to_timedelta(rng.integers(1, 30, rows), unit="D"),
            "diastolic": diastolic,
            "systolic": (diastolic + rng.gamma(4, 8, rows)).round(1),
            "grade": np.where(biopsy, rng.choice(["I", "II", "III"], rows), None),
            "margin": np.where(biopsy, rng.normal(size=rows).round(2), np.nan),
            "noise": rng.choice(["x", "y", "z"], rows),
        }
    )


def rules_of(mined: tuple[MinedRule, ...]) -> set[object]:
    return {one.rule for one in mined}


def test_every_kind_is_found() -> None:
    found = rules_of(mine_rules(table()))
    assert {
        Determines(determinant="code", dependent="chapter"),
        Determines(determinant="chapter", dependent="code"),
        NotAbove(lower="admitted", upper="discharged", strict=True),
        NotAbove(lower="diastolic", upper="systolic", strict=True),
        ImpliesMissing(condition="grade", missing="margin"),
        ImpliesMissing(condition="sex", level="m", missing="pregnancies"),
    } <= found
    assert not any("noise" in str(rule) for rule in found)


def test_what_chance_keeps_too_is_no_rule() -> None:
    rng = np.random.default_rng(0)
    apart = pd.DataFrame({"small": rng.normal(0, 1, 300), "large": rng.normal(100, 1, 300), "flag": [0] * 299 + [1]})
    assert mine_rules(apart) == ()


def test_a_single_exception_ends_a_rule_unless_some_are_allowed() -> None:
    broken = table()
    broken.loc[0, "systolic"] = broken.loc[0, "diastolic"] - 5
    rule = NotAbove(lower="diastolic", upper="systolic", strict=True)
    assert rule not in rules_of(mine_rules(broken))
    allowed = {one.rule: one for one in mine_rules(broken, least_confidence=0.95)}
    assert 0.95 <= allowed[rule].confidence < 1


def test_support_is_counted_in_persons() -> None:
    rows = table(60)
    assert mine_rules(rows)
    assert mine_rules(rows, persons=pd.Series(np.arange(60) // 6)) == ()


def test_rules_that_say_more_come_first_and_survive_json() -> None:
    found = mine_rules(table())
    assert [one.by_chance for one in found] == sorted((one.by_chance for one in found), reverse=True)
    assert [MinedRule.model_validate_json(one.model_dump_json()) for one in found] == list(found)


def test_no_level_is_told_in_a_rules_words() -> None:
    rule = ImpliesMissing(condition="diagnosis", level="rare disease", missing="dose")
    assert "rare disease" not in str(rule)
