"""Ways to compose a selector, by ways to hand over a table: no cell and no column's name leaves, or it is refused."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd
import pytest
from clinical_model_selector.agents import CHECKPOINT_TYPES, ClinicalModelSelector, selection_tool
from clinical_model_selector.agents.composition import SealedRequest
from clinical_model_selector.profiling import open_table
from clinical_model_selector.schemas.errors import SettingsError, TableError, TableExposed
from clinical_model_selector.schemas.result import SelectionResult
from clinical_model_selector.schemas.settings import Settings
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda, RunnableParallel
from langchain_core.tracers.langchain import LangChainTracer
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from langsmith import Client

TARGET = "TargetCanary"


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Every cell and every name is a marker."""
    columns = {
        f"PlainCanary{index}": [f"CellCanary{row % (index + 2)}x{index}" for row in range(300)] for index in range(6)
    }
    return pd.DataFrame({TARGET: [f"CellCanary{row % 2}" for row in range(300)], **columns})


@pytest.fixture(params=["frame", "path", "handle", "sealed"])
def table(request: pytest.FixtureRequest, frame: pd.DataFrame, tmp_path: Path) -> Any:
    if request.param == "frame":
        return frame
    path = tmp_path / "cohort.csv"
    frame.to_csv(path, index=False)
    handle = open_table(path)
    return {"path": path, "handle": handle, "sealed": selector().seal(handle, target=TARGET)}[request.param]


def selector() -> ClinicalModelSelector:
    return ClinicalModelSelector(Settings(selector_embedded="only"))


class Response:
    """Accepted."""

    status_code = 202
    text = "{}"
    content = b"{}"

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}

    def json(self) -> dict[str, Any]:
        return {}

    def raise_for_status(self) -> None: ...


class Session:
    """Takes what LangSmith's client posts."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.bodies: list[str] = []

    def request(self, method: str, url: str, *_: Any, **options: Any) -> Response:
        body = options.get("data") or b""
        self.bodies.append(body.decode() if isinstance(body, bytes) else str(body))
        return Response()

    def mount(self, *_: Any) -> None: ...

    def close(self) -> None: ...


class Recorder:
    """LangChain's own tracer for LangSmith, and what it sends."""

    def __init__(self) -> None:
        self._session = Session()
        client = Client(
            api_url="http://127.0.0.1:9", api_key="k", session=self._session, auto_batch_tracing=False, info={}
        )  # type: ignore[arg-type]
        self.config: RunnableConfig = {"callbacks": [LangChainTracer(client=client)]}

    @property
    def sent(self) -> str:
        return "".join(self._session.bodies)


def asked(table: Any) -> Any:
    return (
        table if isinstance(table, SealedRequest) else {"table": table, "target": TARGET, "goal": f"predict {TARGET}"}
    )


SAFE: dict[str, Callable[[ClinicalModelSelector, Any, Any], Any]] = {
    "invoke": lambda s, i, c: s.invoke(i, c),
    "ainvoke": lambda s, i, c: asyncio.run(s.ainvoke(i, c)),
    "stream": lambda s, i, c: list(s.stream(i, c)),
    "batch": lambda s, i, c: s.batch([i, i], c),
    "selector | next": lambda s, i, c: (s | (lambda result: result)).invoke(i, c),
    "selector | next, async": lambda s, i, c: asyncio.run((s | RunnableLambda(lambda result: result)).ainvoke(i, c)),
    "selector | next, streamed": lambda s, i, c: list((s | RunnableLambda(lambda result: result)).stream(i, c)),
    "selector | next | next": lambda s, i, c: (s | (lambda r: r) | (lambda r: r)).invoke(i, c),
    "pipe": lambda s, i, c: s.pipe(lambda result: result).invoke(i, c),
    "assign": lambda s, i, c: (s | RunnableLambda(lambda r: {"result": r})).assign(more=lambda d: 1).invoke(i, c),
    "with_retry": lambda s, i, c: s.with_retry(stop_after_attempt=2).invoke(i, c),
    "with_fallbacks": lambda s, i, c: s.with_fallbacks([s]).invoke(i, c),
    "with_retry | next": lambda s, i, c: (s.with_retry() | (lambda r: r)).invoke(i, c),
    "with_config | next": lambda s, i, c: (s.with_config(tags=["a"]) | (lambda r: r)).invoke(i, c),
    "bind | next": lambda s, i, c: (s.bind(tradeoff="privacy") | (lambda r: r)).invoke(i, c),
    "map": lambda s, i, c: s.map().invoke([i, i], c),
    "map | next": lambda s, i, c: (s.map() | (lambda r: r)).invoke([i, i], c),
    "select in a function": lambda s, i, c: RunnableLambda(lambda _: _select(s, i)).invoke("go", c),
    "seal in a parallel": lambda s, i, c: RunnableParallel(a=s, b=lambda _: 1).invoke(_sealed(s, i), c),
    "seal in a graph": lambda s, i, c: graph(s).invoke({"asked": _sealed(s, i)}, c),
}
"""Ways that the docs show."""


def _select(s: ClinicalModelSelector, i: Any) -> SelectionResult:
    return s.select(i) if isinstance(i, SealedRequest) else s.select(**i)


def _sealed(s: ClinicalModelSelector, i: Any) -> SealedRequest:
    return i if isinstance(i, SealedRequest) else s.seal(**i)


class State(TypedDict, total=False):
    asked: Any
    result: Any


def graph(s: ClinicalModelSelector, **how: Any) -> Any:
    built = StateGraph(State)
    built.add_node("choose", lambda state: {"result": s.invoke(state["asked"])})
    built.add_edge(START, "choose")
    built.add_edge("choose", END)
    return built.compile(**how)


@pytest.mark.parametrize("way", SAFE)
def test_nothing_raw_is_sent(way: str, table: Any) -> None:
    recorder = Recorder()
    result = SAFE[way](selector(), asked(table), recorder.config)
    assert result is not None
    assert "ClinicalModelSelector" in recorder.sent
    assert "Canary" not in recorder.sent


REFUSED: dict[str, Callable[[ClinicalModelSelector, Any, Any], Any]] = {
    "function | selector": lambda s, i, c: (RunnableLambda(lambda given: given) | s).invoke(i, c),
    "in a parallel": lambda s, i, c: RunnableParallel(a=s, b=lambda _: 1).invoke(i, c),
    "in a graph": lambda s, i, c: graph(s).invoke({"asked": i}, c),
    "invoke in a function": lambda s, i, c: RunnableLambda(lambda given: s.invoke(given)).invoke(i, c),
    "ainvoke in a function": lambda s, i, c: asyncio.run(RunnableLambda(s.ainvoke).ainvoke(i, c)),
    "composed in a function": lambda s, i, c: RunnableLambda(lambda g: (s | (lambda r: r)).invoke(g)).invoke(i, c),
}
"""Ways in which the outer run has logged its input before the selector is reached."""


@pytest.mark.parametrize("way", REFUSED)
def test_a_raw_table_in_somebody_elses_traced_run_is_refused(way: str, frame: pd.DataFrame) -> None:
    recorder = Recorder()
    with pytest.raises(TableExposed, match=r"traced.*has been handed to the tracer.*selector\.seal"):
        REFUSED[way](selector(), {"table": frame}, recorder.config)
    # What had left before: the outer run's input. The selector adds nothing to it.
    assert "Canary" in recorder.sent
    assert "TableExposed" in recorder.sent


@pytest.mark.parametrize("way", REFUSED)
def test_without_a_tracer_a_raw_table_may_pass_anywhere(way: str, frame: pd.DataFrame) -> None:
    assert REFUSED[way](selector(), {"table": frame}, {}) is not None


def test_a_result_holds_aliases_in_all_that_leaves(frame: pd.DataFrame) -> None:
    result = selector().select(frame, target=TARGET)
    assert {item.column for item in result.treatments} == set(frame.columns)
    for shown in (result.model_dump_json(), repr(result), str(result), json.dumps(result.model_dump(mode="json"))):
        assert "Canary" not in shown
    assert b"Canary" not in pickle.dumps(result)
    loaded = pickle.loads(pickle.dumps(result))
    assert loaded.plan == result.plan
    assert loaded.model_dump() == SelectionResult.model_validate_json(result.to_json()).model_dump()
    assert copy.deepcopy(result) == result
    named = SelectionResult.model_validate_json(result.to_json(names=True))
    assert named.treatments == result.treatments
    # A pickled result can be planned on; a table handle cannot.
    assert selector().replan(loaded, {"failed": True}).plan.choice.method != result.plan.choice.method


def test_handle_and_sealed_request_of_another_process_say_so(frame: pd.DataFrame) -> None:
    handle, sealed = open_table(frame), selector().seal(frame, target=TARGET)
    for opaque in (handle, sealed):
        assert "Canary" not in repr(opaque) + str(opaque) + json.dumps(opaque.model_dump())
        assert b"Canary" not in pickle.dumps(opaque)
        with pytest.raises(TableError, match="loaded from a pickle"):
            selector().invoke(pickle.loads(pickle.dumps(opaque)))
        assert copy.deepcopy(opaque) is opaque


KEY = "sk-or-v1-0123456789abcdef"


def test_a_pickled_selector_holds_no_key_and_reads_it_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(openrouter_api_key=KEY, selector_cache="off", selector_temperature=0.7)
    first = ClinicalModelSelector(settings)
    assert KEY.encode() not in pickle.dumps(first)
    assert copy.deepcopy(first).settings == settings
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-of-this-process")
    loaded = pickle.loads(pickle.dumps(first))
    assert loaded.settings.openrouter_key == "sk-of-this-process"
    assert loaded.settings.selector_temperature == 0.7


def test_options_are_keywords_and_unknown_ones_are_refused(frame: pd.DataFrame) -> None:
    s = selector()
    assert s.invoke(frame, tradeoff="speed").plan == s.select(frame, tradeoff="speed").plan
    assert s.bind(allowed=["cart"]).invoke(frame).plan.methods == ("cart",)
    assert (
        s.invoke({"table": frame, "tradeoff": "privacy"}, tradeoff="speed").plan
        == s.select(frame, tradeoff="speed").plan
    )
    for call in (
        lambda: s.invoke(frame, trade_off="speed"),
        lambda: asyncio.run(s.ainvoke(frame, trade_off="speed")),
        lambda: s.bind(trade_off="speed").invoke(frame),
        lambda: s.batch([frame], trade_off="speed"),
    ):
        with pytest.raises(SettingsError, match="trade_off"):
            call()


def test_checkpoints_hold_no_name_and_can_be_loaded(frame: pd.DataFrame) -> None:
    s = selector()
    serde = JsonPlusSerializer(allowed_msgpack_modules=CHECKPOINT_TYPES)
    saver = InMemorySaver(serde=serde)
    app = graph(s, checkpointer=saver)
    config = {"configurable": {"thread_id": "1"}}
    done = app.invoke({"asked": s.seal(frame, target=TARGET)}, config)
    assert "Canary" not in repr(saver.storage) + repr(saver.blobs) + repr(saver.writes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = app.get_state(config).values
    assert kept["result"].plan == done["result"].plan
    assert serde.loads_typed(serde.dumps_typed(open_table(frame))).rows == 300


@pytest.mark.filterwarnings("ignore:astream_log is deprecated")
async def test_every_kind_of_stream(frame: pd.DataFrame) -> None:
    s = selector()
    wanted = s.select(frame, target=TARGET).plan
    asked_for = {"table": frame, "target": TARGET}
    for runnable in (s, s.with_config(tags=["x"]), s | RunnableLambda(lambda result: result)):
        events = [event async for event in runnable.astream_events(asked_for, version="v2")]
        assert events[-1]["data"]["output"].plan == wanted
        assert "ClinicalModelSelector" in {event["name"] for event in events}
        patches = [patch async for patch in runnable.astream_log(asked_for)]
        assert patches
    sealed = s.seal(frame, target=TARGET)
    assert [chunk async for chunk in graph(s).astream({"asked": sealed}, stream_mode="messages")] == []
    last = [chunk async for chunk in graph(s).astream({"asked": sealed}, stream_mode="values")][-1]
    assert last["result"].plan == wanted


class _Model(GenericFakeChatModel):
    """Takes tools and keeps what it is told."""

    def bind_tools(self, tools: Any, **_: Any) -> Any:
        return self


def test_an_agent_chooses_with_the_tool_and_sees_no_name(frame: pd.DataFrame) -> None:
    from langchain.agents import create_agent

    s = selector()
    call = {"name": "choose_synthesizer", "args": {"table": "cohort", "require_dp": True}, "id": "1"}
    model = _Model(messages=iter([AIMessage("", tool_calls=[call]), AIMessage("done")]))
    tool = selection_tool(s, {"cohort": s.seal(frame, target=TARGET)})
    recorder = Recorder()
    state = create_agent(model, [tool]).invoke({"messages": [HumanMessage("choose")]}, recorder.config)
    (answer,) = (message for message in state["messages"] if isinstance(message, ToolMessage))
    assert answer.artifact.plan.dp.enabled
    assert str(answer.content).startswith(f"Choice: {answer.artifact.plan.choice.method} (")
    assert "Canary" not in str(answer.content) + recorder.sent
    assert len(str(answer.content)) < 2500


def test_the_tool_says_what_is_wrong(frame: pd.DataFrame, tmp_path: Path) -> None:
    tool = selection_tool(selector(), {"cohort": frame})
    assert "no such table; known are cohort" in tool.invoke({"table": "other"})
    assert "cohort" not in (tool.description + json.dumps(tool.args))
    path = tmp_path / "cohort.csv"
    frame.to_csv(path, index=False)
    assert "Choice: " in selector().as_tool().invoke({"table": str(path)})
    assert "none.csv" in selector().as_tool().invoke({"table": str(tmp_path / "none.csv")})
