from __future__ import annotations

from typing import get_args

import pytest
from clinical_model_selector.schemas.methods import BACKEND_IDS, HYPERPARAMETERS, Default, Method
from clinical_model_selector.synthesizers.adapters import load_adapter
from clinical_model_selector.synthesizers.catalogue import CATALOGUE, NOT_OFFERED, resolve_method
from pydantic import ValidationError


def test_catalogue_schema_and_type_name_the_same_methods() -> None:
    assert tuple(CATALOGUE) == tuple(HYPERPARAMETERS) == get_args(Method)
    assert set(BACKEND_IDS.values()) == {"gc", "ctgan", "tvae", "ddpm", "dp-ctgan"}


@pytest.mark.parametrize("method", CATALOGUE)
def test_every_entry_has_its_adapter(method: str) -> None:
    adapter = load_adapter(CATALOGUE[method].adapter)
    assert adapter.__name__ == "Synthesizer"
    assert {"fit", "sample"} <= set(dir(adapter))


@pytest.mark.parametrize("method", CATALOGUE)
def test_facts_hang_together(method: str) -> None:
    entry = CATALOGUE[method]
    assert (entry.dp is not None) == bool(entry.hyperparameters.epsilon_fields)
    assert entry.min_rows <= entry.advised_rows
    assert entry.min_steps <= entry.target_steps
    assert entry.source_available_only == entry.licence.startswith("BSL")
    assert entry.reference
    assert entry.libraries


@pytest.mark.parametrize("method", CATALOGUE)
def test_every_hyperparameter_has_one_default_inside_its_range(method: str) -> None:
    model = CATALOGUE[method].hyperparameters
    for name, field in model.model_fields.items():
        if name != "method":
            assert sum(isinstance(item, Default) for item in field.metadata) == 1, name
            assert field.is_required(), name
    assert model.with_defaults().method == method


@pytest.mark.parametrize("method", CATALOGUE)
def test_a_value_outside_its_range_is_refused(method: str) -> None:
    model = CATALOGUE[method].hyperparameters
    for name, schema in model.model_json_schema()["properties"].items():
        for bound, step in (("maximum", 1), ("minimum", -1)):
            if bound in schema:
                with pytest.raises(ValidationError):
                    model.with_defaults(**{name: schema[bound] + step})


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("gc", "gaussian_copula"),
        ("ddpm", "tabddpm"),
        ("dp-ctgan", "dpctgan"),
        (" cart ", "cart"),
        ("pategan", "pategan"),
        ("gan", None),
    ],
)
def test_backend_ids_and_our_own_are_understood(name: str, method: str | None) -> None:
    assert resolve_method(name) == method


def test_what_is_not_offered_says_why_and_is_not_in_the_catalogue() -> None:
    assert not set(NOT_OFFERED) & set(CATALOGUE)
    assert all(len(reason) > 20 for reason in NOT_OFFERED.values())
