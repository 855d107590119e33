"""``--events``: linked tables from files to a folder of synthetic ones."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from clinical_model_selector.app.cli.options import LinkOptions
from clinical_model_selector.app.linked_files import files_of, keys_of
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.result import SelectionResult
from histories import make_register

from .conftest import Run


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    for name, table in make_register().items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path / "patients.csv", tmp_path / "conditions.csv"


def test_select_synthesize_and_evaluate_take_events(files: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    patients, conditions = files
    linked = ["--events", str(conditions), "--key", "PATIENT=Id"]
    planned = run("select", patients, *linked, "--compliance", "research", "--provider", "embedded", "--json")
    assert planned.code == 0, planned.err
    plan = tmp_path / "plan.json"
    plan.write_text(planned.out)
    assert SelectionResult.model_validate_json(planned.out).plan.choice.method == "cart_histories"
    out = tmp_path / "made"
    ended = run("synthesize", patients, *linked, "--plan", plan, "-o", out, "--held-out", "0.4", "--seed", "1")
    assert ended.code == 0, ended.err
    made = pd.read_csv(out / "conditions.csv")
    assert set(made["PATIENT"]) <= set(pd.read_csv(out / "patients.csv")["Id"])
    page = tmp_path / "page.html"
    judged = run("evaluate", patients, out, *linked, "--compliance", "research", "--json", "--html", page)
    record = json.loads(judged.out)
    # 60 held-out patients are too few for a yes.
    assert record["release"] in ("no", "not shown")
    assert judged.code == 5, judged.err
    assert "Histories of conditions, by patient" in page.read_text()
    assert record["orphans"] == {"conditions": 0}
    assert record["histories"]["conditions"]["figures"]["gap"] is not None
    shown = run("evaluate", patients, out, *linked, "--fail-on", "never")
    assert shown.code == 0, shown.err
    assert "conditions, by patient" in shown.out
    assert "release" in shown.out


@pytest.mark.parametrize(
    ("pairs", "keys"),
    [
        ([], {}),
        (["PATIENT=Id"], {"patients": "Id", "conditions": "PATIENT", "drugs": "PATIENT"}),
        (["PATIENT=Id", "drugs.who=Id"], {"patients": "Id", "conditions": "PATIENT", "drugs": "who"}),
    ],
)
def test_a_key_is_said_once_or_table_by_table(pairs: list[str], keys: dict[str, str]) -> None:
    assert keys_of("patients.csv", LinkOptions(events=["conditions.csv.gz", "drugs.csv"], key=pairs)) == keys


def test_wrong_pairs_and_equal_names_are_refused() -> None:
    with pytest.raises(SettingsError, match="not COLUMN=NAME"):
        keys_of("patients.csv", LinkOptions(events=["a.csv"], key=["Id"]))
    with pytest.raises(SettingsError, match="two tables are called 'a'"):
        files_of("a.csv", LinkOptions(events=["other/a.csv"]))
