"""No test reaches a model or the network: sockets end at this machine, the environment's settings are swept away."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from loopback.formats import MODELS, answer_ollama, answer_openrouter, raw
from loopback.server import ScriptedServer
from pytest_socket import socket_allow_hosts

_PREFIXES = ("SERVICE_", "OPENROUTER_", "OLLAMA_", "SELECTOR_", "COMPLIANCE_", "OPENAI_", "LANGSMITH_", "LANGCHAIN_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


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
    server = ScriptedServer(answer_openrouter, {"/models": raw(json.dumps({"data": MODELS}).encode())})
    yield server
    server.close()


@pytest.fixture
def ollama_server() -> Iterator[ScriptedServer]:
    """Speaks Ollama's format at ``origin``; a valid plan unless scripted otherwise."""
    server = ScriptedServer(answer_ollama)
    yield server
    server.close()
