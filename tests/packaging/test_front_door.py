"""What `from clinical_model_selector import …` gives, as a user gets it with the required dependencies alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import clinical_model_selector
import pytest
from packaging.requirements import Requirement

from .test_wheel import wheel  # noqa: F401  (a fixture)

ROOT = Path(__file__).parents[2]

HEAVY = ("duckdb", "jinja2", "langchain", "langchain_core", "numpy", "openai", "pandas", "pyarrow", "pydantic")


def test_names_are_sorted_and_there() -> None:
    names = clinical_model_selector.__all__
    assert names == sorted(names)
    assert {name for name in names if not hasattr(clinical_model_selector, name)} == set()
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = clinical_model_selector.no_such_name


def test_every_error_of_the_tree_is_at_the_front_door() -> None:
    from clinical_model_selector.schemas import errors

    assert set(errors.__all__) <= set(clinical_model_selector.__all__)


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, clinical_model_selector; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ended = subprocess.run([sys.executable, "-X", "importtime", "-c", code], capture_output=True, text=True, check=True)
    assert set(ended.stdout.split()) & set(HEAVY) == set()
    assert not re.search(r"\| +(pandas|pyarrow|langchain)", ended.stderr)


def _required(name: str, extras: frozenset[str], seen: set[str]) -> Iterator[Distribution]:
    """The distributions that ``name`` needs here, extras of ours left out."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return
    seen.add(key)
    held = distribution(name)
    if key != "clinical-model-selector":
        yield held
    for line in held.requires or ():
        needed = Requirement(line)
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
            yield from _required(needed.name, frozenset(needed.extras), seen)


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: F811
    """The Python of an environment that holds the wheel and links to what it requires, without any extra."""
    home = tmp_path_factory.mktemp("bare")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(home)
    python = home / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(command, check=True, capture_output=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    for held in _required("clinical-model-selector", frozenset(), set()):
        for top in {file.parts[0] for file in held.files or () if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / top).exists():
                (site / top).symlink_to(held.locate_file(top))
    return python


CALLS = """
import json, sys
import clinical_model_selector as door
loaded = {name: getattr(door, name) for name in door.__all__}
said = {}
for name in ("evaluate", "evaluate_set", "run_auto", "run_auto_set", "sample", "synthesize", "synthesize_set", "tune",
             "tune_set"):
    try:
        loaded[name](None, None)
    except door.MissingExtra as error:
        said[name] = str(error)
result = door.ClinicalModelSelector(door.Settings(selector_embedded="only")).select(sys.argv[1], target="cens")
print(json.dumps({"said": said, "version": door.__version__, "html": "<section" in result._repr_html_(),
                  "pandas": "pandas" in sys.modules}))
"""


def test_every_name_can_be_had_with_the_required_dependencies_alone(bare: Path, tmp_path: Path) -> None:
    command = [bare, "-c", CALLS, ROOT / "examples" / "gbsg2.csv"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert set(found["said"]) == {
        "evaluate",
        "evaluate_set",
        "run_auto",
        "run_auto_set",
        "sample",
        "synthesize",
        "synthesize_set",
        "tune",
        "tune_set",
    }
    assert all("pip install 'clinical-model-selector[light]'" in text for text in found["said"].values())
    assert found["html"]
    assert not found["pandas"]


COMMANDS: dict[str, tuple[int, str]] = {
    "environments": (0, ""),
    "synthesizers": (0, ""),
    "select {table} --target cens": (0, ""),
    "evaluate {table} {table}": (1, "[light]"),
    "synthesize {table} --plan plan.json -o out.csv": (1, "[light]"),
    "sample model -o out.csv": (1, "[light]"),
    "serve": (1, "[service]"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_works_or_names_its_extra_in_one_line(bare: Path, tmp_path: Path, command: str) -> None:
    code, words = COMMANDS[command]
    (tmp_path / "plan.json").write_text("{}")
    arguments = command.format(table=ROOT / "examples" / "gbsg2.csv").split()
    program = bare.parent / "clinical-model-selector"
    environment = {"SELECTOR_EMBEDDED": "only", "HOME": str(tmp_path)}
    ended = subprocess.run(
        [program, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert ended.stderr.count("\n") == (1 if words else 0)
