"""An option of a selection is declared once: a field added to the model shows everywhere, with no other edit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from clinical_model_selector.schemas.options import SelectionOptions

ROOT = Path(__file__).parents[2]
ROOMS = ("package", "schemas", "profiling", "synthesizers", "evidence", "chains", "agents", "app")

FIELD = '''
    moon_phase: Literal["waxing", "waning"] | None = None
    """Phase of the moon at the fit."""
'''

SHOWN = '''
import sys
sys.path.insert(0, sys.argv[1])
import importlib.machinery, importlib.util, pathlib

root = pathlib.Path(sys.argv[1])
folders = {name: str(root / name) for name in sys.argv[2:]}


class Rooms:
    """Finds the copy's rooms as the installed package has them."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        package, _, room = name.partition(".")
        if package != "clinical_model_selector" or "." in room:
            return None
        folder = folders["package"] if not room else folders.get(room)
        if folder is None:
            return None
        return importlib.util.spec_from_file_location(
            name, folder + "/__init__.py", submodule_search_locations=[folder]
        )


sys.meta_path.insert(0, Rooms)

from click.testing import CliRunner
from clinical_model_selector.agents.resolve_request import resolve
from clinical_model_selector.agents.selector import ClinicalModelSelector
from clinical_model_selector.app.cli.main import app
from clinical_model_selector.app.service.routes import create_app
from clinical_model_selector.app.web.form_fields import form_fields
from clinical_model_selector.schemas.options import SelectionOptions
from clinical_model_selector.schemas.profile import SafeProfile
from clinical_model_selector.schemas.request import SelectionRequest
from clinical_model_selector.schemas.settings import Settings
import json, typer.main

settings = Settings(selector_embedded="only", selector_cache="off")
selector = ClinicalModelSelector(settings)
command = typer.main.get_command(app)
for name in ("select", "auto"):
    text = CliRunner().invoke(command, [name, "--help"]).output
    assert "--moon-phase" in text and "Phase of the moon" in text, name
(field,) = [field for field in form_fields(SelectionOptions, {}) if field.name == "moon_phase"]
assert field.choices == ("", "waxing", "waning")
described = json.dumps(create_app(selector).openapi()["paths"]["/v1/plans"])
assert described.count("moon_phase") >= 2, described
profile = SafeProfile.model_validate_json(pathlib.Path(root / "profile.json").read_text())
results = [selector.select(profile=profile, moon_phase=phase) for phase in ("waxing", "waning", "waning")]
prints = [result.provenance.fingerprint for result in results]
assert prints[0] != prints[1] and prints[1] == prints[2], prints
question = resolve(SelectionRequest(profile=profile, moon_phase="waxing"), settings).question
assert question.constraints.moon_phase == "waxing"
'''


def _copy(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_a_made_up_option_is_named_in_one_file(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    module = copy / "schemas" / "options.py"
    text = module.read_text(encoding="utf-8")
    module.write_text(text.replace("    tradeoff: Tradeoff", f"{FIELD.lstrip(chr(10))}    tradeoff: Tradeoff", 1))
    naming = [path for room in ROOMS for path in (copy / room).rglob("*.py") if "moon_phase" in path.read_text()]
    assert naming == [module]
    from builders import profile

    (copy / "profile.json").write_text(profile().model_dump_json())
    command = [sys.executable, "-c", SHOWN, str(copy), *ROOMS]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={"PATH": ""}, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("name", SelectionOptions.model_fields)
def test_every_option_says_what_it_is(name: str) -> None:
    described = SelectionOptions.model_fields[name].description
    assert described
    assert re.match(r"[A-Z]", described)
    assert SelectionOptions.model_fields[name].default is not ...
