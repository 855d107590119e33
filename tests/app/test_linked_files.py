"""``--events``: linked tables from files to a folder of synthetic ones."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from clinical_model_selector.app.cli.options import LinkOptions
from clinical_model_selector.app.linked_files import is_set, keys_of, sources_of
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
        (["conditions.PATIENT=patients.Id"], {"patients": "Id", "conditions": "PATIENT"}),
        (["PATIENT=Id", "drugs.who=Id"], {"patients": "Id", "conditions": "PATIENT", "drugs": "who"}),
    ],
)
def test_a_key_is_said_once_or_table_by_table(pairs: list[str], keys: dict[str, str]) -> None:
    names = list(sources_of("patients.csv", LinkOptions(events=["conditions.csv.gz", "drugs.csv"])))
    assert keys_of(names, LinkOptions(key=pairs)) == keys


def test_wrong_pairs_and_equal_names_are_refused() -> None:
    with pytest.raises(SettingsError, match="not COLUMN=NAME"):
        keys_of(["patients", "a"], LinkOptions(key=["Id"]))
    with pytest.raises(SettingsError, match="two tables are called 'a'"):
        sources_of("a.csv", LinkOptions(events=["other/a.csv"]))


def test_a_folder_is_a_set(files: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    folder = files[0].parent
    (folder / "notes.txt").write_text("no table")
    assert is_set(str(folder), LinkOptions())
    assert list(sources_of(str(folder), LinkOptions())) == ["conditions", "patients"]
    planned = run("select", folder, "--compliance", "research", "--provider", "embedded", "--json")
    assert planned.code == 0, planned.err
    assert SelectionResult.model_validate_json(planned.out).plan.choice.method == "cart_histories"
    with pytest.raises(SettingsError, match="leave --events out"):
        sources_of(str(folder), LinkOptions(events=["a.csv"]))
    (tmp_path / "single").mkdir()
    with pytest.raises(SettingsError, match="fewer than two tables"):
        sources_of(str(tmp_path / "single"), LinkOptions())


def test_tables_of_one_database_are_a_set(files: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "register.db")
    for path in files:
        pd.read_csv(path).to_sql(path.stem, database, index=False)
    database.close()
    address = f"sqlite:///{tmp_path / 'register.db'}"
    planned = run(
        "select", address, "--table", "patients", "--events", "conditions", "--compliance", "research", "--provider",
        "embedded", "--json",
    )  # fmt: skip
    assert planned.code == 0, planned.err
    assert SelectionResult.model_validate_json(planned.out).plan.choice.method == "cart_histories"
    with pytest.raises(SettingsError, match="--table"):
        sources_of(address, LinkOptions(events=["conditions"]))


def test_auto_makes_judges_and_writes_a_set(files: tuple[Path, Path], run: Run, tmp_path: Path) -> None:
    patients, conditions = files
    out = tmp_path / "made"
    ended = run(
        "auto", patients, "--events", conditions, "-o", out, "--held-out", "0.4", "--seed", "1", "--rounds", "1",
        "--compliance", "research", "--provider", "embedded", "--json",
    )  # fmt: skip
    assert ended.code == 5, ended.err
    record = json.loads(ended.out)
    assert record["rounds"][record["best"]]["evaluation"]["orphans"] == {"conditions": 0}
    assert {path.name for path in out.iterdir()} == {"patients.csv", "conditions.csv", "run-card.json"}
    refused = run("auto", patients, "--events", conditions, "-o", out)
    assert refused.code == 2
    assert "--force" in refused.err
