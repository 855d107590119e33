"""What LangChain promises of its runnables holds for a selection that asks a provider."""

from __future__ import annotations

import ast
import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from builders import question
from clinical_model_selector.chains.trace_config import PROGRESS_EVENT
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from langchain_core.globals import set_llm_cache
from loopback.formats import says
from loopback.server import ScriptedServer
from loopback.strict_openrouter import start_strict

from .conftest import BuildChain

QUESTION = question()
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("provider", ["openrouter", "ollama"])
@pytest.mark.filterwarnings("ignore:astream_log is deprecated")
async def test_streaming_handlers_change_nothing(chain_for: BuildChain, provider: str) -> None:
    chain = chain_for(selector_cache="off")
    asked = question(provider=provider)
    events = [event async for event in chain.astream_events(asked, version="v2")]
    assert events[-1]["data"]["output"].provenance.provider == provider
    assert {"ask", "check"} <= {event["name"] for event in events}
    assert "on_chat_model_end" in {event["event"] for event in events}
    assert [patch async for patch in chain.astream_log(asked)]


async def test_streaming_handlers_change_nothing_at_a_strict_service(chain_for: BuildChain) -> None:
    server = start_strict()
    try:
        chain = chain_for(openrouter_base=f"{server.origin}/api/v1", openrouter_method="auto")
        events = [event async for event in chain.astream_events(QUESTION, version="v2")]
    finally:
        server.close()
    provenance = events[-1]["data"]["output"].provenance
    assert (provenance.provider, provenance.model) == ("openrouter", "anthropic/claude-sonnet-4.5")
    assert not any(request.body.get("stream") for request in server.requests)


class Progress(BaseCallbackHandler):
    """What is told while a selection is under way."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def on_custom_event(self, name: str, data: Any, **_: Any) -> None:
        assert name == PROGRESS_EVENT
        self.told.append((data["step"], data["provider"]))


@pytest.mark.parametrize("run", ["sync", "async"])
def test_progress_is_told_as_custom_events(chain_for: BuildChain, openrouter_server: ScriptedServer, run: str) -> None:
    openrouter_server.always(says("no plan"))
    chain, progress = chain_for(), Progress()
    config: Any = {"callbacks": [progress]}
    if run == "sync":
        chain.invoke(QUESTION, config)
    else:
        asyncio.run(chain.ainvoke(QUESTION, config))
    assert progress.told == [
        ("asking", "openrouter"), ("asking", "openrouter"), ("asking", "ollama"), ("checking", "ollama"),
    ]  # fmt: skip


class OnItsOwnLoop(AsyncCallbackHandler):
    """Waits on a queue that belongs to the loop of the caller."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str] = asyncio.Queue(maxsize=1)
        self.threads: set[str] = set()

    async def on_chat_model_start(self, *_: Any, **__: Any) -> None:
        self.threads.add(threading.current_thread().name)
        await self.queue.put("asked")
        assert await asyncio.wait_for(self.queue.get(), 5) == "asked"


async def test_an_async_callers_callbacks_run_on_its_own_loop(chain_for: BuildChain) -> None:
    handler = OnItsOwnLoop()
    answered = await chain_for().ainvoke(QUESTION, {"callbacks": [handler]})
    assert answered.provenance.provider == "openrouter"
    assert handler.threads == {threading.current_thread().name}


def test_langchains_global_cache_answers_no_selection(chain_for: BuildChain, openrouter_server: ScriptedServer) -> None:
    set_llm_cache(InMemoryCache())
    try:
        chain = chain_for(selector_cache="off")
        attempts = [chain.invoke(QUESTION).provenance.attempts[0] for _ in range(2)]
    finally:
        set_llm_cache(None)
    assert [attempt.requests for attempt in attempts] == [1, 1]
    assert len(openrouter_server.requests) == 2


THEIRS = ("langchain", "langchain_core", "langchain_openai", "langchain_ollama", "openai", "ollama", "httpx")
ALLOWED = {"_call_with_config", "_acall_with_config", "_question"}
"""What LangChain tells authors of runnables to use; and the question that a result of ours keeps."""

SOURCES = [path for room in ("chains", "agents") for path in sorted((ROOT / room).rglob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_part_of_langchain_openai_or_httpx_is_used(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = set(ALLOWED)
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                own.add(name)
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.AnnAssign(target=ast.Name(id=name)):
                own.add(name)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in THEIRS:
            assert not any(part.startswith("_") for part in node.module.split("."))
            assert not any(alias.name.startswith("_") for alias in node.names)
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            assert node.attr in own, f"{path.name}:{node.lineno}: {node.attr}"
