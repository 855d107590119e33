"""Whole verdicts on controls: copies are refused, who copies nothing is not accused."""

from __future__ import annotations

from pathlib import Path

import pytest
from clinical_model_selector.app.cli.main import main
from clinical_model_selector.evidence.benchmark.controls import COPIES
from clinical_model_selector.evidence.benchmark.judged_controls import (
    JUDGED_CONTROLS,
    judge_controls,
    summarise_controls,
)
from clinical_model_selector.evidence.benchmark.tables import read_tables
from tables import mixed_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("controls")
    mixed_table(240, 4).to_csv(folder / "one.csv", index=False)
    (folder / "tables.toml").write_text('[[table]]\nname = "one"\nfile = "one.csv"\ntarget = "outcome"\n')
    return folder


@pytest.fixture(scope="module")
def summary(folder: Path) -> dict[str, object]:
    tables = read_tables(folder / "tables.toml", folder)
    assert judge_controls(tables, 1, folder / "out") == len(JUDGED_CONTROLS)
    # What is judged stays judged.
    assert judge_controls(tables, 1, folder / "out") == 0
    return summarise_controls(folder / "out")


@pytest.mark.parametrize("name", JUDGED_CONTROLS)
def test_every_control_is_called_right(name: str, summary: dict[str, dict[str, dict[str, object]]]) -> None:
    found = summary["controls"][name]
    assert (found["right"], found["cells"]) == (1, 1), found["wrong"]
    answers = found["answers"]
    assert isinstance(answers, dict)
    assert answers["no"] == (name in COPIES)


def test_the_command_prints_what_is_there(
    folder: Path, summary: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["benchmark", "controls", str(folder / "tables.toml"), "--data", str(folder), "-o", str(folder / "out")]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--seeds", "1"])
    assert not ended.value.code
    shown = capsys.readouterr().out
    assert "lonely copy" in shown
    assert "strongest attack" in shown
