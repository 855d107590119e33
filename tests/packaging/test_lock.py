"""requirements.lock: names and versions alone, and every one that the project needs."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()


def test_lines_are_names_and_versions() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", line)] == []
    assert sorted(set(LINES), key=lambda line: line.split("==")[0]) == LINES


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [item for group in project["optional-dependencies"].values() for item in group]
    needed = {re.split(r"[^a-z0-9-]", item.lower())[0] for item in [*project["dependencies"], *extras]}
    assert needed - {line.split("==")[0] for line in LINES} == {"clinical-model-selector"}


def test_the_image_installs_by_hash_what_is_pinned() -> None:
    text = (ROOT / "requirements.image.lock").read_text(encoding="utf-8").replace(" \\\n    ", " ")
    lines = text.splitlines()
    pattern = r"([a-z0-9-]+)==([0-9][0-9a-z.]*)(?: --hash=sha256:[0-9a-f]{64})+"
    pins = {match[1]: match[2] for line in lines if (match := re.fullmatch(pattern, line))}
    assert len(pins) == len(lines)
    pinned = dict(line.split("==") for line in LINES)
    assert {name: version for name, version in pins.items() if pinned.get(name, version) != version} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [need for name in ("light", "redis", "service") for need in project["optional-dependencies"][name]]
    needed = {re.split(r"[^a-z0-9-]", need.lower())[0] for need in [*project["dependencies"], *extras]}
    assert needed <= set(pins)
    assert {"setuptools"} <= set(pins)
