"""What one command writes, another takes: saved profiles, plans and metrics; and defaults from a project file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Run


def test_a_saved_profile_gives_the_plan_of_the_table(run: Run, example: Path) -> None:
    assert run("profile", example, "--target", "cens", "--save", "profile.json").code == 0
    fresh = json.loads(run("select", example, "--target", "cens", "--json").out)
    kept = json.loads(run("select", "--profile", "profile.json", "--json").out)
    assert kept["plan"] == fresh["plan"]
    assert kept["treatments"] == fresh["treatments"]
    assert kept["provenance"]["fingerprint"] == fresh["provenance"]["fingerprint"]


def test_replan_heeds_what_was_measured_and_compare_shows_both(run: Run, example: Path, tmp_path: Path) -> None:
    assert run("profile", example, "--target", "cens", "--save", "profile.json").code == 0
    (tmp_path / "first.json").write_text(run("select", "--profile", "profile.json", "--json").out)
    (tmp_path / "metrics.json").write_text('{"failed": true}')
    asked = ("replan", "--profile", "profile.json", "--previous", "first.json", "--metrics", "metrics.json", "--json")
    (tmp_path / "second.json").write_text(run(*asked).out)
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("first.json", "second.json"))
    assert second["plan"]["choice"]["method"] != first["plan"]["choice"]["method"]
    shown = json.loads(run("compare", "first.json", "second.json", "--json", "--html", "page.html").out)
    assert shown["runs"] == ["first.json", "second.json"]
    assert shown["rows"]["choice"] == [first["plan"]["choice"]["method"], second["plan"]["choice"]["method"]]
    assert second["plan"]["choice"]["method"] in (tmp_path / "page.html").read_text()
    assert "side by side" in run("compare", "first.json", "second.json").out


def test_metrics_are_read_from_what_evaluate_prints(run: Run, example: Path, tmp_path: Path) -> None:
    from clinical_model_selector.app.input_files import read_metrics

    (tmp_path / "record.json").write_text(json.dumps({"release": "no", "metrics": {"fidelity": 0.8, "failed": False}}))
    assert read_metrics(tmp_path / "record.json").fidelity == 0.8
    (tmp_path / "auto.json").write_text(
        json.dumps({"rounds": [{"evaluation": {"metrics": {"utility": 0.9}}}], "best": 0, "plan": {}})
    )
    assert read_metrics(tmp_path / "auto.json").utility == 0.9


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "neither table nor profile": (("select",), "--profile"),
    "no saved profile": (("select", "--profile", "gone.json"), "gone.json"),
    "not a saved profile": (("select", "--profile", "odd.json"), "not a saved profile"),
    "a saved profile with a target": (("select", "--profile", "odd.json", "--target", "x"), "profile --save"),
    "no run": (("compare", "gone.json"), "gone.json"),
    "run is a list": (("compare", "list.json"), "list.json"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_reused_is_named(case: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_text('{"rows": "Zyx4711"}')
    (tmp_path / "list.json").write_text("[]")
    arguments, words = WRONG[case]
    ended = run(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err
    assert "Zyx4711" not in ended.err


def test_a_project_file_gives_defaults_and_the_command_line_wins(run: Run, example: Path, tmp_path: Path) -> None:
    (tmp_path / "selector.toml").write_text(
        'allowed = ["cart", "arf", "gaussian_copula"]\n[select]\ntarget = "cens"\nepsilon-max = 0.5\n'
    )
    plan = json.loads(run("select", example, "--json").out)["plan"]
    assert {plan["choice"]["method"], *(backup["method"] for backup in plan["backups"])} == {
        "cart", "arf", "gaussian_copula",
    }  # fmt: skip
    plan = json.loads(run("select", example, "--allowed", "tvae,ctgan,cart", "--json").out)["plan"]
    assert "arf" not in json.dumps(plan)


PROJECTS = {
    "no TOML": ("allowed = [", "TOML"),
    "no such option": ("moon = 1", "moon"),
    "no such command": ("[conjure]\nseed = 1", "conjure"),
    "no such option of the command": ("[select]\nrounds = 2", "rounds"),
    "says where to write": ('[select]\nhtml = "x.html"', "html"),
    "gives another exit code": ('[auto]\nfail_on = "never"', "fail_on"),
    "value that the option refuses": ('tradeoff = "luck"', "tradeoff"),
}


@pytest.mark.parametrize("case", PROJECTS)
def test_a_project_file_that_cannot_be_used_is_refused(case: str, run: Run, example: Path, tmp_path: Path) -> None:
    text, words = PROJECTS[case]
    (tmp_path / "selector.toml").write_text(text)
    ended = run("select", example, "--json")
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


@pytest.mark.parametrize("record", [{"rounds": [1], "best": 0}, {"rounds": [], "best": 3}, {"rounds": 5, "best": 0}])
def test_what_no_command_printed_is_refused(record: dict[str, object], tmp_path: Path) -> None:
    from clinical_model_selector.app.input_files import read_metrics
    from clinical_model_selector.app.render.comparison import compare_runs
    from clinical_model_selector.schemas.errors import SettingsError

    path = tmp_path / "run.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(SettingsError, match="not what"):
        read_metrics(path)
    with pytest.raises(SettingsError, match="not what"):
        compare_runs({"run.json": record})
