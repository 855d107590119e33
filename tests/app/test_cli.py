"""The commands on a real table."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from clinical_model_selector.app.cli.inputs import parse_kinds, split_names
from clinical_model_selector.schemas.plan import ModelSelectionPlan

from .conftest import Run


def test_select_prints_a_plan_that_names_its_source(run: Run, example: Path) -> None:
    ended = run("select", example, "--target", "cens")
    assert (ended.code, ended.err) == (0, "")
    assert "answered by  embedded" in ended.out
    for word in ("choice", "backup 1", "backup 2", "privacy", "why", "horTh"):
        assert word in ended.out
    assert max(map(len, ended.out.splitlines())) <= 80
    assert "\x1b" not in ended.out


def test_select_json_is_plan_provenance_treatments_warnings(run: Run, example: Path) -> None:
    ended = run("select", example, "--target", "cens", "--json")
    assert (ended.code, ended.err) == (0, "")
    record = json.loads(ended.out)
    fields = ["compliance", "evidence", "plan", "provenance", "race", "target", "treatments", "warnings"]
    assert sorted(record) == fields
    ModelSelectionPlan.model_validate(record["plan"])
    assert record["provenance"]["provider"] == "embedded"
    assert [item["column"] for item in record["treatments"]][:2] == ["horTh", "age"]


def test_select_passes_every_option_on(run: Run, example: Path) -> None:
    options = [
        "--tradeoff=privacy", "--compliance=research", "--require-dp", "--epsilon-max=0.8", "--deployment=saas",
        "--max-fit-seconds=3000", "--allowed=dp_mst,dp_aim,argn_dp,dpctgan", "--provider=embedded",
        "--patient-id=age", "--single-rows", "--goal=teaching",
    ]  # fmt: skip
    ended = run("select", example, "--target", "cens", "--json", *options)
    assert ended.code == 0, ended.err
    record = json.loads(ended.out)
    assert record["plan"]["choice"]["method"] in ("dp_mst", "dp_aim", "argn_dp", "dpctgan")
    assert record["plan"]["dp"]["epsilon"] <= 0.8


def test_profile_json_is_exact_here_and_safe_in_the_prompt(run: Run, example: Path) -> None:
    ended = run("profile", example, "--target", "cens", "--json")
    assert (ended.code, ended.err) == (0, "")
    record = json.loads(ended.out)
    assert record["rows"] == 686
    names = [column["name"] for column in record["columns"]]
    assert names == example.read_text().splitlines()[0].split(",")
    assert [column["role"] for column in record["columns"] if column["name"] == "cens"] == ["target"]
    for column in record["columns"]:
        assert {"alias", "kind", "role", "direct_identifier", "missing", "distinct"} <= set(column)
        assert f"\n{column['alias']} {column['kind']}" in record["prompt"]
    # The prompt's own words hold "time" and "age".
    for name in set(names) - {"time", "age"}:
        assert name not in record["prompt"]
    assert 50 < record["prompt_tokens"] < 2000


def test_profile_takes_the_users_word(run: Run, example: Path, tmp_path: Path) -> None:
    ended = run("profile", example, "--kind", "tsize=quasi_identifier", "--json")
    columns = {column["name"]: column for column in json.loads(ended.out)["columns"]}
    assert columns["tsize"]["kind"] == "quasi_identifier"


def test_columns_file_says_the_same_as_the_options(run: Run, example: Path, tmp_path: Path) -> None:
    (tmp_path / "columns.yaml").write_text("tsize: quasi_identifier\n")
    by_file = run("profile", example, "--columns", "columns.yaml", "--json")
    by_options = run("profile", example, "--kind", "tsize=quasi_identifier", "--json")
    assert by_file == by_options
    assert by_file.code == 0


def test_table_of_a_database_gets_the_plan_of_its_file(run: Run, example: Path, tmp_path: Path) -> None:
    header, *rows = csv.reader(example.read_text(encoding="utf-8").splitlines())
    with closing(sqlite3.connect(tmp_path / "trial.db")) as database, database:
        words = ("horTh", "menostat", "tgrade")
        columns = ", ".join(f"{name} {'text' if name in words else 'integer'}" for name in header)
        database.execute(f"create table visits ({columns})")
        database.executemany(f"insert into visits values ({', '.join('?' * len(header))})", rows)
    by_url = run("select", "sqlite:///trial.db", "--table", "visits", "--target", "cens", "--json")
    by_file = run("select", example, "--target", "cens", "--json")
    assert by_url.code == 0, by_url.err
    assert json.loads(by_url.out)["plan"] == json.loads(by_file.out)["plan"]


def test_option_wins_over_the_columns_file(run: Run, example: Path, tmp_path: Path) -> None:
    (tmp_path / "columns.yaml").write_text("tsize: quasi_identifier\npnodes: code\n")
    ended = run("profile", example, "--columns", "columns.yaml", "--kind", "tsize=continuous", "--json")
    columns = {column["name"]: column for column in json.loads(ended.out)["columns"]}
    assert (columns["pnodes"]["kind"], columns["tsize"]["kind"]) == ("code", "continuous")


@pytest.mark.parametrize("command", ["select", "profile"])
def test_page_is_written_beside_the_usual_output(command: str, run: Run, example: Path, tmp_path: Path) -> None:
    plain = run(command, example, "--target", "cens")
    ended = run(command, example, "--target", "cens", "--html", "page.html")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines()[:2] == plain.out.splitlines()[:2]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "horTh" in page


def test_synthesizers(run: Run) -> None:
    assert "gaussian_copula" in run("synthesizers").out
    assert "pategan" in json.loads(run("synthesizers", "--json").out)["not_offered"]


def test_help_lists_the_commands_that_exist(run: Run) -> None:
    ended = run("--help")
    assert ended.code == 0
    commands = ended.out.split("Commands:")[1].split()
    assert [word for word in ("select", "profile", "synthesizers", "models", "doctor") if word not in commands] == []


def test_version(run: Run) -> None:
    assert run("--version").out.startswith("clinical-model-selector ")


@pytest.mark.parametrize(
    ("pairs", "kinds"),
    [
        ([], {}),
        (["age=count"], {"age": "count"}),
        (["a=b=code", "c d=date"], {"a=b": "code", "c d": "date"}),
    ],
)
def test_kinds_are_read_from_pairs(pairs: list[str], kinds: dict[str, str]) -> None:
    assert parse_kinds(pairs) == kinds


@pytest.mark.parametrize(("text", "names"), [(None, None), ("", ()), ("a", ("a",)), (" a, b,,c ", ("a", "b", "c"))])
def test_names_are_split_at_commas(text: str | None, names: tuple[str, ...] | None) -> None:
    assert split_names(text) == names


LIGHT = {"help": ["--help"], "profile": ["profile", "TABLE", "--json"], "synthesizers": ["synthesizers", "--json"]}


@pytest.mark.parametrize("case", LIGHT)
def test_light_commands_import_no_heavy_library(case: str, example: Path, tmp_path: Path) -> None:
    arguments = [str(example) if argument == "TABLE" else argument for argument in LIGHT[case]]
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr))\n"
        "from clinical_model_selector.app.cli.main import main\n"
        f"main({arguments!r})\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = set(ended.stderr.split())
    assert "clinical_model_selector" in loaded
    heavy = {
        "langchain", "langchain_core", "langchain_openai", "langchain_ollama", "openai", "httpx", "jinja2",
        "pandas", "polars", "scipy", "sklearn",
    }  # fmt: skip
    assert loaded & heavy == set()


def test_output_cut_off_by_the_reader_is_no_error(example: Path, tmp_path: Path) -> None:
    program = f"{sys.executable} -c 'from clinical_model_selector.app.cli.main import main; main()'"
    command = f"{program} profile {example} --json | head -c 20"
    ended = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (len(ended.stdout), ended.stderr) == (20, "")


def test_unforeseen_error_is_reported_without_its_message(tmp_path: Path) -> None:
    code = (
        "from clinical_model_selector.app.cli import main as cli, plan_commands\n"
        "def fail(*_): raise KeyError('Zyx4711')\n"
        "plan_commands.read_profile = fail\n"
        "cli.main(['profile', 'table.csv', '--json'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("error: unexpected KeyError in clinical_model_selector.app.cli.plan_commands, line ")
    assert ended.stderr.count("\n") == 1
    assert "Zyx4711" not in ended.stderr
