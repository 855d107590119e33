"""What a trace shows: one root with readable children, and nothing that must not leave, errors included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from loopback.formats import raw, says, status
from loopback.server import ScriptedServer

from .conftest import KEY

LANGSMITH_KEY = "lsv2_pt_0123456789abcdef0123456789abcdef"

INFO = {
    "batch_ingest_config": {
        # Plain JSON bodies, which a test can read.
        "use_multipart_endpoint": False,
        "scale_up_qsize_trigger": 1000,
        "scale_up_nthreads_limit": 1,
        "scale_down_nempty_trigger": 4,
        "size_limit": 100,
        "size_limit_bytes": 20_971_520,
    }
}

PROGRAM = """
import asyncio, sys
from clinical_model_selector.agents import ClinicalModelSelector
from clinical_model_selector.schemas.errors import SelectorError
from langchain_core.tracers.langchain import wait_for_all_tracers
selector = ClinicalModelSelector()
asked = dict(target="TargetCanary", goal="predict TargetCanary for PlainCanary2")
try:
    if sys.argv[2] == "sync":
        selector.select(sys.argv[1], **asked)
    else:
        asyncio.run(selector.aselect(sys.argv[1], **asked))
except SelectorError as error:
    print(type(error).__name__)
wait_for_all_tracers()
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Every cell and every name is a marker."""
    names = ["TargetCanary", *(f"PlainCanary{index}" for index in range(1, 7))]
    rows = [
        [f"CellCanary{row % 2}", *(f"CellCanary{row % (index + 2)}x{index}" for index in range(6))]
        for row in range(300)
    ]
    path = tmp_path / "FileCanary.csv"
    path.write_text("\n".join(",".join(row) for row in [names, *rows]) + "\n")
    return path


@pytest.fixture
def langsmith_server() -> Any:
    server = ScriptedServer(lambda _: raw(b"{}", code=202), {"/info": raw(json.dumps(INFO).encode())})
    yield server
    server.close()


def trace(
    table: Path, run: str, langsmith: ScriptedServer, openrouter: ScriptedServer, ollama: ScriptedServer, **more: str
) -> tuple[list[dict[str, Any]], str]:
    """Runs as they stand in the end, and everything that was posted."""
    environment = {
        **os.environ,
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_ENDPOINT": langsmith.origin,
        "LANGSMITH_API_KEY": LANGSMITH_KEY,
        "OPENROUTER_API_KEY": KEY,
        "OPENROUTER_BASE": f"{openrouter.origin}/api/v1",
        "OPENROUTER_METHOD": "json_schema",
        "OLLAMA_BASE": ollama.origin,
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(table), run], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    runs: dict[str, dict[str, Any]] = {}
    for request in langsmith.requests:
        assert isinstance(request.body, dict), "posted as JSON"
        for part in [*request.body.get("post", []), *request.body.get("patch", [])]:
            runs.setdefault(part["id"], {}).update({k: v for k, v in part.items() if v is not None})
    return list(runs.values()), json.dumps([request.body for request in langsmith.requests])


def tree(runs: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Run's name → its children's, in order."""
    ordered = sorted(runs, key=lambda run: run["start_time"])
    return {
        run["name"]: [child["name"] for child in ordered if child.get("parent_run_id") == run["id"]] for run in ordered
    }


@pytest.mark.parametrize("how", ["sync", "async"])
def test_one_root_with_readable_children(
    table: Path,
    how: str,
    langsmith_server: ScriptedServer,
    openrouter_server: ScriptedServer,
    ollama_server: ScriptedServer,
) -> None:
    openrouter_server.always(says("AnswerCanary"))
    runs, _ = trace(table, how, langsmith_server, openrouter_server, ollama_server)
    assert [run["name"] for run in runs if not run.get("parent_run_id")] == ["ClinicalModelSelector"]
    found = tree(runs)
    assert found["ClinicalModelSelector"] == ["providers"]
    assert found["providers"] == ["openrouter", "ollama"]
    assert found["openrouter"] == ["ask", "repair"]
    assert found["ollama"] == ["ask", "check"]
    by_name = {run["name"]: run for run in runs}
    metadata = by_name["check"]["extra"]["metadata"]
    assert (metadata["provider"], len(metadata["fingerprint"])) == ("ollama", 64)
    assert by_name["repair"]["extra"]["metadata"]["structured_output"] == "json_schema"
    assert {"package_version", "prompt_version", "catalogue_version", "schema_version"} <= set(metadata)
    assert by_name["ClinicalModelSelector"]["tags"] == ["clinical-model-selector"]


CASES = {
    "rejected answers": (says("AnswerCanary"), raw(b'{"error": "out of memory"}', code=500)),
    "wrong key": (status(401, f"no user for {KEY}"), raw(b"%% AnswerCanary", "application/x-ndjson")),
    "refusal": (
        lambda to: to.send(
            200, b'{"choices": [{"message": {"role": "assistant", "content": null, "refusal": "AnswerCanary"}}]}'
        ),
        raw(b'{"error": "model not found"}', code=404),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_no_cell_no_name_no_key_leaves_in_a_trace(
    table: Path,
    case: str,
    langsmith_server: ScriptedServer,
    openrouter_server: ScriptedServer,
    ollama_server: ScriptedServer,
) -> None:
    openrouter, ollama = CASES[case]
    openrouter_server.always(openrouter)
    ollama_server.always(ollama)
    runs, posted = trace(table, "sync", langsmith_server, openrouter_server, ollama_server, SELECTOR_EMBEDDED="never")
    errors = " ".join(str(run.get("error", "")) for run in runs)
    assert "ProvidersUnavailable" in errors
    assert "AnswerCanary" not in errors
    for secret in ("CellCanary", "TargetCanary", "PlainCanary", "FileCanary", KEY, LANGSMITH_KEY):
        assert secret not in posted
