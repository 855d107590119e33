from __future__ import annotations

import os
from pathlib import Path

import pytest
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.settings import OLLAMA_DEFAULT_BASES, Settings, load_tracing_variables

FIELDS = {name.upper() for name in Settings.model_fields} | {"OLLAMA_HOST"}


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)


def test_the_documented_defaults() -> None:
    settings = Settings()
    assert settings.openrouter_api_key is None
    assert settings.openrouter_base == "https://openrouter.ai/api/v1"
    assert settings.openrouter_models == ("anthropic/claude-3.5-sonnet",)
    assert (settings.selector_temperature, settings.selector_max_tokens) == (0.3, 2000)
    assert settings.ollama_bases == OLLAMA_DEFAULT_BASES
    assert settings.compliance_level == "hipaa_like"


@pytest.mark.parametrize("key", ["", "   "])
def test_a_blank_key_counts_as_unset(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", key)
    assert Settings().openrouter_api_key is None


def test_dotenv_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENROUTER_API_KEY=sk-or-secret\nOLLAMA_MODEL=qwen3:8b\nUNRELATED=1\n")
    monkeypatch.setenv("OLLAMA_MODEL", "mistral:7b")
    settings = Settings()
    assert settings.openrouter_api_key is not None
    assert settings.openrouter_api_key.get_secret_value() == "sk-or-secret"
    assert settings.ollama_model == "mistral:7b"
    assert "sk-or-secret" not in repr(settings) + str(settings) + settings.model_dump_json()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SELECTOR_TIMEOUT_S", "soon"),
        ("SELECTOR_TEMPERATURE", "3"),
        ("COMPLIANCE_LEVEL", "hippa"),
        ("OPENROUTER_METHOD", "grammar"),
        ("OPENROUTER_BASE", "openrouter.ai"),
        ("OLLAMA_HOST", "host:port"),
        ("SELECTOR_EMBEDDED", "sometimes"),
        ("OLLAMA_NUM_CTX", "8k"),
    ],
)
def test_a_malformed_value_names_its_variable_and_not_itself(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        Settings()
    assert variable in str(caught.value)
    assert f"'{value}'" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("gpu-box", "http://gpu-box:11434"),
        ("gpu-box:1234", "http://gpu-box:1234"),
        ("https://ollama.example/", "https://ollama.example"),
    ],
)
def test_ollama_host_in_ollamas_own_forms(monkeypatch: pytest.MonkeyPatch, host: str, base: str) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert Settings().ollama_bases == (base,)


def test_ollama_base_wins_over_ollama_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "other")
    monkeypatch.setenv("OLLAMA_BASE", "http://mine:1")
    assert Settings().ollama_bases == ("http://mine:1",)


def test_an_updated_copy_is_validated_again() -> None:
    settings = Settings(openrouter_api_key="sk-or-x")
    copy = settings.updated(selector_embedded="only")
    assert copy.selector_embedded == "only"
    assert copy.openrouter_api_key == settings.openrouter_api_key
    with pytest.raises(SettingsError, match="SELECTOR_DEADLINE_S"):
        settings.updated(selector_deadline_s=-1)


def test_tracing_variables_of_dotenv_reach_langsmith(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LANGSMITH_PROJECT=ward\nLANGSMITH_TRACING=false\nOPENROUTER_MODEL=x/y\n")
    monkeypatch.setenv("LANGSMITH_TRACING", "true")
    monkeypatch.delenv("LANGSMITH_PROJECT", raising=False)
    load_tracing_variables()
    assert os.environ["LANGSMITH_PROJECT"] == "ward"
    assert os.environ["LANGSMITH_TRACING"] == "true"
    assert "OPENROUTER_MODEL" not in os.environ
    monkeypatch.delenv("LANGSMITH_PROJECT")
