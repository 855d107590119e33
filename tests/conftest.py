"""No test reaches a model or the network: sockets end at this machine, the environment's settings are swept away."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from loopback.formats import OLLAMA_LOOKUPS, OPENROUTER_LOOKUPS, answer_ollama, answer_openrouter
from loopback.server import ScriptedServer
from pytest_socket import socket_allow_hosts

_PREFIXES = ("SERVICE_", "OPENROUTER_", "OLLAMA_", "SELECTOR_", "COMPLIANCE_", "OPENAI_", "LANGSMITH_", "LANGCHAIN_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-servers", action="store_true", help="a test that would be skipped fails instead")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must run, a missing server or library is a failure."""
    report = yield
    required = item.config.getoption("--require-servers")
    if report.skipped and required and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, but --require-servers was given: {report.longrepr[2]}"  # type: ignore[index]
    return report


def pytest_runtest_setup() -> None:
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither this machine's settings nor a .env file of its own decide what a test sees."""
    for name in list(os.environ):
        if name.startswith(_PREFIXES) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture
def openrouter_server() -> Iterator[ScriptedServer]:
    """Speaks OpenRouter's format below ``origin + "/api/v1"``; a valid plan unless scripted otherwise."""
    server = ScriptedServer(answer_openrouter, OPENROUTER_LOOKUPS)
    yield server
    server.close()


@pytest.fixture
def ollama_server() -> Iterator[ScriptedServer]:
    """Speaks Ollama's format at ``origin``; a valid plan unless scripted otherwise."""
    server = ScriptedServer(answer_ollama, OLLAMA_LOOKUPS)
    yield server
    server.close()
