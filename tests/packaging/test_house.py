"""The house stays one in which a stranger finds the way: rooms of few modules, each said in a sentence, no circles."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
FOLDERS = tuple(SETUPTOOLS["package-dir"].values())

MOST_MODULES = 12
MOST_LINES = 400


def _rooms() -> list[Path]:
    return [room for folder in FOLDERS for room in sorted({path.parent for path in (ROOT / folder).rglob("*.py")})]


def _name(room: Path) -> str:
    return room.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", _rooms(), ids=_name)
def test_a_room_has_few_modules_of_readable_length(room: Path) -> None:
    modules = [path for path in room.glob("*.py") if path.name not in ("__init__.py", "__main__.py")]
    assert len(modules) <= MOST_MODULES
    too_long = {path.name: path.read_text(encoding="utf-8").count("\n") for path in room.glob("*.py")}
    assert {name: lines for name, lines in too_long.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize("room", _rooms(), ids=_name)
def test_a_room_says_what_it_is_for(room: Path) -> None:
    said = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert said
    assert said.split("\n\n")[0].rstrip().endswith(".")


def test_every_room_is_packed() -> None:
    names = {
        ".".join(("clinical_model_selector", *([] if room.name == "package" else room.relative_to(ROOT).parts)))
        for room in _rooms()
    }
    assert names == set(SETUPTOOLS["packages"])


def test_templates_and_static_files_have_folders_of_their_own() -> None:
    homes = {".jinja": "templates", ".css": "static", ".js": "static"}
    astray = [
        _name(path)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in homes and path.parent.name != homes[path.suffix]
    ]
    assert astray == []
