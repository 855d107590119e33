"""What the documents say is what the code does."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from clinical_model_selector.schemas.settings import Settings
from dotenv import dotenv_values
from pydantic_core import PydanticUndefined

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _defaults() -> dict[str, str]:
    """Every setting with its default as it is written in a .env file."""
    found = {}
    for name, field in Settings.model_fields.items():
        assert field.default is not PydanticUndefined
        found[name.upper()] = "" if field.default is None else _written(field.default)
    return found


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_readme_table_lists_every_setting_with_its_default() -> None:
    service = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]+)`)? ?\|", README + service, flags=re.MULTILINE)
    assert dict(rows) == _defaults()


def test_env_example_lists_every_setting_with_its_default() -> None:
    assert dotenv_values(ROOT / ".env.example") == _defaults()


def test_env_example_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _defaults():
        monkeypatch.delenv(name, raising=False)
    assert Settings(_env_file=ROOT / ".env.example") == Settings(_env_file=None)


def test_compose_passes_the_documented_environment() -> None:
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]["selector"]
    assert service["env_file"][0] == ".env.example"
    assert set(service["environment"]) <= set(_defaults())


def test_readme_is_short() -> None:
    assert README.count("\n") <= 150


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
def test_readme_code_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELECTOR_EMBEDDED", "only")
    namespace: dict[str, Any] = {}
    exec(compile(block, "README.md", "exec"), namespace)
    assert namespace["result"].provenance.provider == "embedded"


def test_readme_links_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert links
