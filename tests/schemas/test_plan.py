from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from clinical_model_selector.schemas.methods import BACKEND_IDS, HYPERPARAMETERS
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from hypothesis import given
from hypothesis import strategies as st
from openai.lib._pydantic import to_strict_json_schema
from pydantic import ValidationError


def config(method: str, **changes: Any) -> dict[str, Any]:
    return {**HYPERPARAMETERS[method].defaults(), **changes}


def plan_dict(**changes: Any) -> dict[str, Any]:
    plan: dict[str, Any] = {
        "choice": config("cart"),
        "backups": [config("gaussian_copula"), config("arf")],
        "dp": {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0,
        "max_synth_rows": 1000,
        "rationale": "because",
    }
    return {**plan, **changes}


DP_ON = {"enabled": True, "epsilon": 1.0, "delta": 1e-5}

BROKEN: dict[str, tuple[dict[str, Any], tuple[str | int, ...], str]] = {
    "unknown method": ({"choice": {"method": "gan"}}, ("choice",), "does not match"),
    "range": ({"choice": config("cart", min_samples_leaf=51)}, ("choice", "cart", "min_samples_leaf"), "less than"),
    "float range": ({"choice": config("ctgan", generator_lr=1.0)}, ("choice", "ctgan", "generator_lr"), "less than"),
    "pac": ({"choice": config("ctgan", batch_size=64)}, ("choice", "ctgan"), "divisible by pac"),
    "odd batch": ({"choice": config("ctgan", batch_size=25, pac=5)}, ("choice", "ctgan"), "even"),
    "extra knob": ({"choice": config("cart", depth=3)}, ("choice", "cart", "depth"), "Extra inputs"),
    "missing knob": ({"choice": {"method": "cart"}}, ("choice", "cart", "min_samples_leaf"), "required"),
    "four backups": (
        {"backups": [config(m) for m in ("arf", "tvae", "argn", "ctgan")]},
        ("backups",),
        "at most 3",
    ),
    "twice the same": ({"backups": [config("cart"), config("arf")]}, (), "all be different"),
    "extra field": ({"notes": "x"}, ("notes",), "Extra inputs"),
    "multiplier": ({"sample_multiplier": 3.5}, ("sample_multiplier",), "less than"),
    "rows": ({"max_synth_rows": 50_001}, ("max_synth_rows",), "less than"),
    "long rationale": ({"rationale": "x" * 601}, ("rationale",), "at most 600"),
    "dp without budget": ({"dp": {"enabled": True, "epsilon": None, "delta": None}}, ("dp",), "must be numbers"),
    "budget without dp": ({"dp": {**DP_ON, "enabled": False}}, ("dp",), "must be null"),
    "dp on for a method without": ({"dp": DP_ON}, (), "exactly when"),
    "dp off for a method with": ({"choice": config("dp_mst")}, (), "exactly when"),
    "budget too small": (
        {"choice": config("dp_mst", epsilon=1.0, proc_epsilon=0.1), "dp": DP_ON},
        (),
        "epsilon + proc_epsilon",
    ),
    "delta too small": ({"choice": config("dp_mst", delta=1e-4), "dp": DP_ON}, (), "dp.delta"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_breaks_a_rule_is_named_by_location_and_never_by_its_input(case: str) -> None:
    changes, loc, message = BROKEN[case]
    with pytest.raises(ValidationError) as caught:
        ModelSelectionPlan.model_validate(plan_dict(**changes))
    errors = caught.value.errors()
    assert any(tuple(e["loc"]) == loc and message in e["msg"] for e in errors), errors
    assert "input_value" not in str(caught.value)


@pytest.mark.parametrize("method", HYPERPARAMETERS)
def test_every_method_is_valid_at_its_defaults_and_stands_in_the_union(method: str) -> None:
    model = HYPERPARAMETERS[method]
    instance = model.with_defaults()
    others = [m for m in ("cart", "arf", "gaussian_copula") if m != method][:2]
    dp = {"enabled": False, "epsilon": None, "delta": None}
    if instance.is_dp:
        dp = {"enabled": True, "epsilon": instance.total_epsilon, "delta": instance.total_delta}
    plan = ModelSelectionPlan.model_validate(
        plan_dict(choice=instance.model_dump(), backups=[config(m) for m in others], dp=dp)
    )
    assert plan.choice == instance
    assert plan.methods[0] == method


@pytest.mark.parametrize("method", [m for m, model in HYPERPARAMETERS.items() if model.epsilon_fields])
def test_total_epsilon_adds_every_part_up(method: str) -> None:
    model = HYPERPARAMETERS[method]
    parts = dict.fromkeys(model.epsilon_fields, 0.25)
    assert model.with_defaults(**parts).total_epsilon == pytest.approx(0.25 * len(parts))
    assert len(parts) == 2


def schema_nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from schema_nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from schema_nodes(value)


def test_schema_is_portable_to_strict_modes_and_grammars() -> None:
    schema = ModelSelectionPlan.model_json_schema()
    strict = to_strict_json_schema(ModelSelectionPlan)
    assert strict["required"] == list(ModelSelectionPlan.model_fields)
    for node in schema_nodes(schema):
        assert not {"oneOf", "discriminator", "pattern", "default", "allOf"} & node.keys(), node
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert set(node["required"]) == set(node["properties"])
        if node.get("type") == "string":
            assert {"maxLength", "enum", "const"} & node.keys(), node
        if node.get("type") == "array":
            assert "maxItems" in node, node
        if node.get("type") == "integer":
            assert {"minimum", "maximum"} <= node.keys(), node


def test_strict_conversion_changes_nothing_but_what_it_drops() -> None:
    # Equal apart from descriptions means that OpenAI's strict mode sees the very rules we validate by.
    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: bare(v) for k, v in node.items() if k not in ("description", "title")}
        return [bare(v) for v in node] if isinstance(node, list) else node

    assert bare(to_strict_json_schema(ModelSelectionPlan)) == bare(ModelSelectionPlan.model_json_schema())


def test_backend_shape_uses_the_backends_ids() -> None:
    plan = ModelSelectionPlan.model_validate(
        plan_dict(choice=config("gaussian_copula"), backups=[config("tabddpm"), config("dpctgan")])
    )
    backend = plan.to_backend_dict()
    assert set(backend) == {"choice", "hyperparams", "dp", "backup", "rationale"}
    assert backend["choice"] == {"method": "gc"}
    assert backend["hyperparams"]["gc"] == {"marginal": "empirical", "shrinkage": 0.05}
    assert backend["hyperparams"]["sample_multiplier"] == 1.0
    assert [b["method"] for b in backend["backup"]] == ["ddpm", "dp-ctgan"]
    assert json.loads(json.dumps(backend)) == backend


methods = st.builds(lambda names, count: names[:count], st.permutations(list(HYPERPARAMETERS)), st.integers(1, 4))


@given(methods=methods, multiplier=st.floats(0.1, 3.0), rows=st.integers(1, 50_000), text=st.text(max_size=600))
def test_round_trip_through_the_backends_dict(methods: list[str], multiplier: float, rows: int, text: str) -> None:
    choice = HYPERPARAMETERS[methods[0]].with_defaults()
    dp = {"enabled": choice.is_dp, "epsilon": choice.total_epsilon or None, "delta": choice.total_delta or None}
    plan = ModelSelectionPlan.model_validate(
        plan_dict(
            choice=choice.model_dump(),
            backups=[config(m) for m in methods[1:]],
            dp=dp,
            sample_multiplier=multiplier,
            max_synth_rows=rows,
            rationale=text,
        )
    )
    assert ModelSelectionPlan.from_backend_dict(json.loads(json.dumps(plan.to_backend_dict()))) == plan
    assert ModelSelectionPlan.model_validate_json(plan.model_dump_json()) == plan


def test_backend_dict_with_gaps_takes_defaults() -> None:
    plan = ModelSelectionPlan.from_backend_dict(
        {
            "choice": {"method": "ddpm"},
            "hyperparams": {"sample_multiplier": 1, "max_synth_rows": 500, "ddpm": {"n_iter": 3000}},
            "dp": {"enabled": False},
            "backup": [{"method": "gc"}, {"method": "ctgan", "hyperparams": {"epochs": 400}}],
        }
    )
    assert plan.choice.knobs() == {**HYPERPARAMETERS["tabddpm"].with_defaults().knobs(), "n_iter": 3000}
    assert plan.backups[1].knobs()["epochs"] == 400
    assert plan.methods == ("tabddpm", "gaussian_copula", "ctgan")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({}, "backend's shape"),
        ({"choice": {"method": "xgan"}, "hyperparams": {}, "dp": {}, "backup": []}, "unknown method id"),
        ({"choice": "gc", "hyperparams": {}, "dp": {}, "backup": []}, "backend's shape"),
    ],
)
def test_a_dict_that_is_no_backend_plan_is_refused(broken: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelSelectionPlan.from_backend_dict(broken)


def test_backend_ids_are_one_to_one() -> None:
    assert len(set(BACKEND_IDS.values())) == len(BACKEND_IDS)
    assert set(BACKEND_IDS) <= set(HYPERPARAMETERS)
