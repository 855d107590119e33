"""What the pages say is what the code does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from .command_help import PAGE, with_help

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
BLOCKS = {page: re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL) for page in PAGES}


@pytest.mark.parametrize("page", [page for page, blocks in BLOCKS.items() if blocks], ids=lambda page: page.stem)
def test_every_python_block_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELECTOR_EMBEDDED", "only")
    namespace: dict[str, Any] = {}
    for number, block in enumerate(BLOCKS[page], start=1):
        # As a reader runs it: without this module's own __future__.
        exec(compile(block, f"{page.name}, block {number}", "exec", dont_inherit=True), namespace)
    assert len(namespace) > 1


def test_the_commands_help_is_todays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_help(page), "run: python tests/docs/command_help.py"


def test_there_are_nine_pages_at_most() -> None:
    assert 1 <= len(PAGES) <= 9


def test_pages_load_nothing_from_elsewhere_and_links_lead_somewhere(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "mkdocs",
        "build",
        "--strict",
        "--quiet",
        "--site-dir",
        str(tmp_path),
    ]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={"NO_MKDOCS_2_WARNING": "true"})
    assert built.returncode == 0, built.stderr
    script, style = r'<(?:script|img|iframe)[^>]* src="(https?:[^"]+)"', r'stylesheet[^>]*href="(https?:[^"]+)"'
    for page in tmp_path.rglob("*.html"):
        loaded = re.findall(f"{script}|{style}", page.read_text(encoding="utf-8"))
        assert loaded == []


def test_compose_shows_only_to_this_machine_and_keeps_jobs() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    assert {"api", "jobs", "ollama", "redis", "worker"} <= set(services)
    assert {"noeviction", "--appendonly"} <= set(services["jobs"]["command"])
    assert services["api"]["environment"] == services["worker"]["environment"]
    for service in services.values():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_image_is_small_not_root_and_watched() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] not in ("root", "0")
    assert any(line.startswith("HEALTHCHECK ") for line in lines)
    assert [line.split()[1] for line in lines if line.startswith("FROM ")] == ["python:3.11-slim", "python:3.11-slim"]
    for line in lines:
        for source in re.findall(r"^COPY (?!--from)(.*) \S+$", line):
            for name in source.split():
                assert (ROOT / name).exists(), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    copied = {line.split()[1] for line in lines if line.startswith("COPY ")}
    assert set(project["tool"]["setuptools"]["package-dir"].values()) <= copied
