"""``select(measure=True)``: cheap synthesizers are fitted to the table once, and that moves the expectations."""

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.schemas.settings import Settings

ALLOWED = ("gaussian_copula", "cart")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    age = rng.integers(30, 80, 300)
    marker = np.round(age / 10 + rng.normal(0, 1, 300), 1)
    return pd.DataFrame({"age": age, "marker": marker, "died": np.where(rng.random(300) < age / 100, "yes", "no")})


@pytest.fixture(scope="module")
def selector() -> ClinicalModelSelector:
    return ClinicalModelSelector(Settings(selector_embedded="only"))


def test_cheap_ones_are_measured_once_and_their_figures_rounded(
    table: pd.DataFrame, selector: ClinicalModelSelector
) -> None:
    result = selector.select(table, target="died", allowed=ALLOWED, measure=True)
    landmarks = result._question.landmarks
    assert {mark.method for mark in landmarks} == set(ALLOWED)
    for mark in landmarks:
        for value in (mark.fidelity, mark.utility, mark.risk):
            assert value is None or value == round(value, 2)
    assert "fitted to it once" in result.plan.rationale
    assert not any("nothing was measured" in warning for warning in result.warnings)


def test_nothing_is_measured_unless_it_is_asked_for(table: pd.DataFrame, selector: ClinicalModelSelector) -> None:
    assert selector.select(table, target="died")._question.landmarks == ()


@pytest.mark.parametrize(
    ("request_fields", "reason"),
    [({"require_dp": True}, "fits would spend epsilon"), ({"allowed": ("tvae",)}, "cheap")],
)
def test_what_cannot_be_measured_is_said(
    request_fields: dict[str, object], reason: str, table: pd.DataFrame, selector: ClinicalModelSelector
) -> None:
    large = pd.concat([table] * 12, ignore_index=True)
    result = selector.select(large, target="died", measure=True, **request_fields)
    assert result._question.landmarks == ()
    assert any(reason in warning for warning in result.warnings)


def test_the_setting_asks_for_every_table_and_a_profile_alone_cannot_be_measured(table: pd.DataFrame) -> None:
    selector = ClinicalModelSelector(Settings(selector_embedded="only", selector_measure=True))
    from clinical_model_selector import profile_table

    result = selector.select(profile=profile_table(table, target="died"))
    assert any("it takes the table itself" in warning for warning in result.warnings)
    assert selector.select(table, measure=False)._question.landmarks == ()
