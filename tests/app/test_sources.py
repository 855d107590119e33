"""The same command with other settings names another source, over real sockets."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from loopback.formats import status
from loopback.server import ScriptedServer

from .conftest import Run

KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


def test_openrouter_answers_where_its_key_is_set(run: Run, example: Path, openrouter_server: ScriptedServer) -> None:
    settings = {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE": openrouter_server.origin + "/api/v1"}
    ended = run("select", example, "--target", "cens", "--json", **settings, SELECTOR_EMBEDDED="auto")
    assert (ended.code, ended.err) == (0, "")
    provenance = json.loads(ended.out)["provenance"]
    assert (provenance["provider"], provenance["fallback_reason"]) == ("openrouter", None)
    assert provenance["cost_usd"] == pytest.approx(0.00825)
    assert KEY not in ended.out


def test_model_option_reaches_the_provider(run: Run, example: Path, openrouter_server: ScriptedServer) -> None:
    settings = {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE": openrouter_server.origin + "/api/v1"}
    ended = run("select", example, "--model", "openai/gpt-4o", "--json", **settings, SELECTOR_EMBEDDED="never")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["provenance"]["model"] == "openai/gpt-4o"


def test_ollama_answers_where_the_key_is_rejected_and_the_attempt_is_listed(
    example: Path, tmp_path: Path, openrouter_server: ScriptedServer, ollama_server: ScriptedServer
) -> None:
    openrouter_server.always(status(401, "No auth credentials found"))
    settings = {
        "OPENROUTER_API_KEY": KEY,
        "OPENROUTER_BASE": openrouter_server.origin + "/api/v1",
        "OLLAMA_BASE": ollama_server.origin,
        "COLUMNS": "200",
    }
    program = [sys.executable, "-c", "from clinical_model_selector.app.cli.main import main; main()"]
    command = [*program, "select", str(example), "--target", "cens"]
    ended = subprocess.run(command, cwd=tmp_path, env=settings, capture_output=True, text=True, check=True)
    shown = " ".join(ended.stdout.split())
    for part in ("answered by ollama (llama3.1:8b)", "authentication (401)", "No auth credentials found"):
        assert part in shown
    logged = ended.stderr.splitlines()
    assert [
        line for line in logged if not re.match(r"(warning|error): openrouter \(anthropic/claude-3.5-sonnet\)", line)
    ] == []
    for part in ("401", "No auth credentials found", "ollama"):
        assert part in logged[-1]
    assert KEY not in ended.stdout + ended.stderr


def test_nothing_is_printed_but_the_error_where_everyone_fails(
    run: Run, example: Path, openrouter_server: ScriptedServer
) -> None:
    openrouter_server.always(status(402, "Insufficient credits"))
    settings = {
        "OPENROUTER_API_KEY": KEY,
        "OPENROUTER_BASE": openrouter_server.origin + "/api/v1",
        "OLLAMA_BASE": "http://127.0.0.1:9",
        "SELECTOR_EMBEDDED": "never",
    }
    ended = run("select", example, "--json", **settings)
    assert (ended.code, ended.out) == (3, "")
    assert "Insufficient credits" in ended.err
    assert "ollama" in ended.err
    assert KEY not in ended.err
