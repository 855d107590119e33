"""Settings and surroundings that break an HTTP client: an attempt that says so, and somebody else answers."""

from __future__ import annotations

from typing import Any

import pytest
from builders import question
from clinical_model_selector.chains.doctor import run_doctor
from clinical_model_selector.chains.providers.http import SOCKS_NEEDED
from clinical_model_selector.chains.providers.openrouter import header_value
from clinical_model_selector.chains.providers.private_loop import get_private_loop
from clinical_model_selector.schemas.settings import Settings
from loopback.server import ScriptedServer

from .conftest import KEY, BuildChain

QUESTION = question()

SURROUNDINGS: dict[str, tuple[dict[str, str], str]] = {
    # environment → what the attempt says
    "a SOCKS proxy without its library": ({"ALL_PROXY": "socks5://127.0.0.1:9"}, SOCKS_NEEDED),
    "a proxy that is no address": ({"HTTPS_PROXY": "nonsense://x"}, "a proxy variable"),
    "certificates that are not there": ({"SSL_CERT_FILE": "/no/such/file.pem"}, "SSL_CERT_FILE"),
}


@pytest.fixture
def fresh_clients() -> Any:
    """Clients for https read the environment when they are made."""
    resources = get_private_loop().resources
    kept = resources.pop(True, None)
    yield
    resources.pop(True, None)
    if kept is not None:
        resources[True] = kept


@pytest.mark.parametrize("case", SURROUNDINGS)
def test_surroundings_that_break_the_client_are_said_and_the_next_answers(
    case: str, chain_for: BuildChain, monkeypatch: pytest.MonkeyPatch, fresh_clients: None
) -> None:
    environment, told = SURROUNDINGS[case]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    # Proxies and certificates are for https alone; the loopback Ollama needs neither.
    base = "https://127.0.0.1:9/api/v1"
    provenance = chain_for(openrouter_base=base).invoke(QUESTION).provenance
    assert provenance.provider == "ollama"
    assert (provenance.attempts[0].outcome, provenance.attempts[0].cost_usd) == ("connection", 0.0)
    assert told in provenance.attempts[0].message
    findings = run_doctor(Settings(openrouter_api_key=KEY, openrouter_base=base, ollama_base="http://127.0.0.1:9"))
    key = next(finding for finding in findings if finding.subject == "OpenRouter key")
    assert told in key.detail
    assert "variable" in (key.fix or "")


@pytest.mark.parametrize("around", ['"{}"', "'{}'", " {}\n", "\u00a0{}", "\ufeff{}", "{}\u200b", "\u201c{}\u201d"])
def test_what_copying_leaves_around_a_key_is_taken_off(
    around: str, chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    chain_for(openrouter_api_key=around.format(KEY)).invoke(QUESTION)
    assert openrouter_server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("inside", ["\u00a0", "\u200b", "é", " ", "\n"])
def test_a_key_that_cannot_be_sent_is_said_and_the_next_answers(
    inside: str, chain_for: BuildChain, openrouter_server: ScriptedServer
) -> None:
    key = f"{KEY[:10]}{inside}{KEY[10:]}"
    provenance = chain_for(openrouter_api_key=key).invoke(QUESTION).provenance
    assert provenance.provider == "ollama"
    told = f"OPENROUTER_API_KEY holds a character that no key has (U+{ord(inside):04X}, number 11)"
    assert (provenance.attempts[0].outcome, provenance.attempts[0].message) == ("authentication", told)
    assert not openrouter_server.requests
    finding = run_doctor(Settings(openrouter_api_key=key, ollama_base="http://127.0.0.1:9"))[0]
    assert (finding.state, finding.detail) == ("failure", told)
    assert KEY[10:] not in repr(finding)


def test_headers_that_are_no_ascii_are_percent_encoded(
    chain_for: BuildChain, openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    settings = {"openrouter_title": "Größe\nX", "openrouter_referer": "https://straße.example"}
    assert chain_for(**settings).invoke(QUESTION).provenance.provider == "openrouter"
    headers = openrouter_server.requests[0].headers
    assert (headers["x-title"], headers["http-referer"]) == ("Gr%C3%B6%C3%9Fe%0AX", "https://stra%C3%9Fe.example")
    assert header_value("My App (test)") == "My App (test)"
    base = f"{openrouter_server.origin}/api/v1"
    findings = run_doctor(
        Settings(openrouter_api_key=KEY, openrouter_base=base, ollama_base=ollama_server.origin, **settings)
    )
    assert {f.subject for f in findings if f.state == "warning"} >= {"OPENROUTER_TITLE", "OPENROUTER_REFERER"}
