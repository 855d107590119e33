from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.errors import NoFeasibleSynthesizer, SettingsError, TableError
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.schemas.result import SelectionResult
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.runnables import RunnableLambda
from pydantic import TypeAdapter


def test_one_call_gives_plan_provenance_treatments_and_warnings(
    embedded_selector: ClinicalModelSelector, cohort: Path
) -> None:
    result = embedded_selector.select(str(cohort), target="died", goal="share with partners")
    assert isinstance(result.plan, ModelSelectionPlan)
    assert result.provenance.provider == "embedded"
    assert [a.outcome for a in result.provenance.attempts] == ["ok"]
    assert result.provenance.cost_usd in (0.0, None)
    actions = {t.column: t.action for t in result.treatments}
    assert set(actions) == {"patient_no", "age", "creatinine", "hemoglobin_lab7x", "stage", "died"}
    assert actions["patient_no"] in ("drop", "pseudonymise")
    assert actions["creatinine"] == "keep"
    assert any("recommends differential privacy" in w for w in result.warnings)


def test_every_way_to_pass_a_table_gives_the_same_plan(embedded_selector: ClinicalModelSelector, cohort: Path) -> None:
    frame = pl.read_csv(cohort)
    tables = [str(cohort), cohort, frame, frame.to_pandas(), frame.to_arrow()]
    plans = [embedded_selector.invoke({"table": table, "target": "died"}).plan for table in tables]
    assert all(plan == plans[0] for plan in plans)
    ready = profile_table(cohort, target="died")
    assert embedded_selector.invoke({"profile": ready}).plan == plans[0]
    assert embedded_selector.invoke({"profile": ready.safe}).plan == plans[0]
    assert embedded_selector.invoke({"profile": json.loads(ready.safe.model_dump_json())}).plan == plans[0]


async def test_the_whole_runnable_interface(embedded_selector: ClinicalModelSelector, cohort: Path) -> None:
    asked = {"table": cohort, "target": "died"}
    plan = embedded_selector.invoke(asked).plan
    assert (await embedded_selector.ainvoke(asked)).plan == plan
    assert [r.plan for r in embedded_selector.batch([asked, asked])] == [plan, plan]
    assert [r.plan for r in await embedded_selector.abatch([asked, asked])] == [plan, plan]
    assert [r.plan for r in embedded_selector.stream(asked)] == [plan]
    assert [r.plan async for r in embedded_selector.astream(asked)] == [plan]
    assert embedded_selector.with_config(tags=["ward-7"]).invoke(asked).plan == plan
    piped = (
        RunnableLambda(lambda path: {"table": path}) | embedded_selector | (lambda result: result.plan.choice.method)
    )
    assert piped.invoke(cohort) == plan.choice.method
    assert (await embedded_selector.aselect(cohort, target="died")).plan == plan


async def test_batches_keep_the_good_answers_when_one_fails(
    embedded_selector: ClinicalModelSelector, cohort: Path
) -> None:
    asked = [{"table": cohort}, {"table": cohort, "target": "no_such"}, {"table": cohort}]
    for results in (
        embedded_selector.batch(asked, return_exceptions=True),
        await embedded_selector.abatch(asked, return_exceptions=True),
    ):
        assert [type(r) for r in results] == [SelectionResult, TableError, SelectionResult]


def test_schemas_and_graph_describe_it(embedded_selector: ClinicalModelSelector) -> None:
    fields = embedded_selector.get_input_jsonschema()["properties"]
    assert {"table", "profile", "target", "goal", "tradeoff", "compliance", "allowed"} <= set(fields)
    output = embedded_selector.get_output_jsonschema()
    assert {"plan", "provenance", "treatments", "warnings"} <= set(output["properties"])
    assert "ClinicalModelSelector" in embedded_selector.get_graph().draw_mermaid()


def test_two_event_loops_in_a_row(embedded_selector: ClinicalModelSelector, cohort: Path) -> None:
    plans = [asyncio.run(embedded_selector.aselect(cohort)).plan for _ in range(2)]
    assert plans[0] == plans[1]


def test_replan_passes_over_what_failed(embedded_selector: ClinicalModelSelector, cohort: Path) -> None:
    first = embedded_selector.select(cohort, target="died")
    second = embedded_selector.replan(first, {"failed": True})
    assert second.plan.choice.method != first.plan.choice.method
    assert second.treatments == first.treatments
    third = asyncio.run(embedded_selector.areplan(second, {"fidelity": 0.99, "utility": 0.99, "membership_auc": 0.5}))
    assert third.plan.choice.method == second.plan.choice.method or "met the thresholds" in third.plan.rationale


def test_a_result_from_json_cannot_be_replanned_and_says_so(
    embedded_selector: ClinicalModelSelector, cohort: Path
) -> None:
    loaded = SelectionResult.model_validate_json(embedded_selector.select(cohort).model_dump_json())
    with pytest.raises(SettingsError, match="previous="):
        embedded_selector.replan(loaded, {})
    fresh = embedded_selector.select(cohort, previous={"plan": loaded.plan, "metrics": {"failed": True}})
    assert fresh.plan.choice.method != loaded.plan.choice.method


BAD_REQUESTS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no table": ({"table": None}, SettingsError, "either a table or a ready profile"),
    "unknown field": ({"tabel": 1}, SettingsError, "tabel"),
    "unknown compliance": ({"compliance": "hippa"}, SettingsError, "compliance"),
    "unknown trade-off": ({"tradeoff": "quality"}, SettingsError, "tradeoff"),
    "unknown method": ({"allowed": ["cart", "xgan"]}, SettingsError, "unknown synthesizer xgan"),
    "empty allowed": ({"allowed": []}, SettingsError, "allowed is empty"),
    "negative epsilon": ({"epsilon_max": -1}, SettingsError, "epsilon_max"),
    "target": ({"target": "nope"}, TableError, "nope"),
    "patient": ({"patient_id": "nope"}, TableError, "nope"),
    "only what is not offered": ({"allowed": ["pategan"]}, NoFeasibleSynthesizer, "discards the caller's delta"),
    "nothing feasible": (
        {"allowed": ["ctgan", "tvae"], "deployment": "saas"},
        NoFeasibleSynthesizer,
        "No synthesizer is feasible. ctgan: BSL-1.1",
    ),
}


@pytest.mark.parametrize("case", BAD_REQUESTS)
def test_what_cannot_be_asked_is_named(embedded_selector: ClinicalModelSelector, cohort: Path, case: str) -> None:
    fields, error, message = BAD_REQUESTS[case]
    with pytest.raises(error) as caught:
        embedded_selector.invoke({"table": cohort, **fields})
    assert message in str(caught.value)


def test_backend_ids_are_allowed_and_what_is_not_offered_is_a_warning(
    embedded_selector: ClinicalModelSelector, cohort: Path
) -> None:
    result = embedded_selector.select(cohort, allowed=["gc", "ctgan", "tvae", "ddpm", "pategan"])
    assert set(result.plan.methods) <= {"gaussian_copula", "ctgan", "tvae", "tabddpm"}
    assert any(w.startswith("pategan is not offered") for w in result.warnings)


@pytest.mark.parametrize(
    ("fields", "epsilon"),
    [
        ({"require_dp": True}, 1.0),
        ({"require_dp": True, "epsilon_max": 0.3}, 0.3),
        ({"compliance": "clinical_strict"}, 0.5),
    ],
)
def test_a_private_plan_spends_at_most_what_is_allowed(
    embedded_selector: ClinicalModelSelector, cohort: Path, fields: dict[str, Any], epsilon: float
) -> None:
    plan = embedded_selector.select(cohort, **fields).plan
    assert plan.dp.enabled
    assert plan.dp.epsilon is not None
    assert plan.dp.delta is not None
    assert plan.choice.total_epsilon <= plan.dp.epsilon <= epsilon
    assert plan.dp.delta <= 1e-5
    assert all(backup.is_dp for backup in plan.backups)


class Recorder(BaseCallbackHandler):
    """Everything that a tracer would be shown."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.roots: list[str | None] = []

    def on_chain_start(self, serialized: Any, inputs: Any, *, parent_run_id: Any = None, **kwargs: Any) -> None:
        self.seen.append(repr((inputs, kwargs)))
        if parent_run_id is None:
            self.roots.append(kwargs.get("name"))

    def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
        self.seen.append(repr(outputs))

    def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
        self.seen.append(repr(error))


def test_canaries_leave_in_no_way(
    embedded_selector: ClinicalModelSelector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    columns = [f"NameCanary{i}x" for i in range(6)]
    rows = [[f"CellCanary{r:03d}c{c}" for c in range(6)] for r in range(120)]
    path = tmp_path / "FileCanary.csv"
    path.write_text("\n".join(",".join(row) for row in [columns, *rows]))
    recorder = Recorder()
    caplog.set_level(logging.DEBUG)
    said = ""
    try:
        result = embedded_selector.select(path, goal=f"predict {columns[2]}", config={"callbacks": [recorder]})
    except NoFeasibleSynthesizer as error:
        said = str(error)
    else:
        safe = result.model_copy(update={"treatments": ()})
        said = safe.model_dump_json() + repr(safe)
    trail = said + caplog.text + "".join(recorder.seen)
    assert "CellCanary" not in trail
    assert "NameCanary" not in trail.replace("\n", "")
    assert "FileCanary" not in trail


def test_one_root_run_named_after_the_selector(embedded_selector: ClinicalModelSelector, cohort: Path) -> None:
    recorder = Recorder()
    embedded_selector.select(cohort, target="died", config={"callbacks": [recorder]})
    assert recorder.roots == ["ClinicalModelSelector"]
    trail = "".join(recorder.seen)
    for name in ("hemoglobin_lab7x", "lab7x", "patient_no", "cohort.csv"):
        assert name not in trail


def test_the_request_type_is_its_input_schema(embedded_selector: ClinicalModelSelector) -> None:
    assert TypeAdapter(embedded_selector.InputType).json_schema()["title"] == "SelectionRequest"


def test_usage_adds_selections_up(embedded_selector: ClinicalModelSelector, cohort: Path) -> None:
    embedded_selector.batch([{"table": cohort}] * 3)
    usage = embedded_selector.usage()
    assert (usage.selections, usage.failed, usage.answered_by) == (3, 0, {"embedded": 3})
    assert (usage.cost_usd, usage.unknown_costs) == (0.0, 0)
