"""Chains over loopback servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from clinical_model_selector.chains.selection import SelectionChain, build_selection
from clinical_model_selector.evidence.recommender.ranking import EmbeddedRecommender
from clinical_model_selector.schemas.settings import Settings
from loopback.formats import OLLAMA_LOOKUPS, OPENROUTER_LOOKUPS, answer_ollama, answer_openrouter
from loopback.server import ScriptedServer

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"

BuildChain = Callable[..., SelectionChain]

_MATRIX = "test_fault_matrix.py"


@pytest.fixture
def chain_for(openrouter_server: ScriptedServer, ollama_server: ScriptedServer) -> BuildChain:
    """A chain over both loopback servers; keyword arguments are settings."""

    def build(**settings: Any) -> SelectionChain:
        return build_selection(
            Settings(
                **{
                    "openrouter_api_key": KEY,
                    "openrouter_base": f"{openrouter_server.origin}/api/v1",
                    "ollama_base": ollama_server.origin,
                    "openrouter_method": "json_schema",
                    "selector_deadline_s": 10.0,
                    **settings,
                }
            ),
            EmbeddedRecommender(),
        )

    return build


@pytest.fixture(scope="session")
def shared_openrouter() -> Iterator[ScriptedServer]:
    """One server for the whole matrix."""
    server = ScriptedServer(answer_openrouter, OPENROUTER_LOOKUPS)
    yield server
    server.close()


@pytest.fixture(scope="session")
def shared_ollama() -> Iterator[ScriptedServer]:
    """One server for the whole matrix."""
    server = ScriptedServer(answer_ollama, OLLAMA_LOOKUPS)
    yield server
    server.close()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    cases = [r for r in terminalreporter.stats.get("passed", []) if _MATRIX in r.nodeid]
    if cases:
        terminalreporter.write_line(f"fault matrix: {len(cases)} cases ended as they must")
