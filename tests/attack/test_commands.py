"""What a command is given it neither destroys nor makes up, and nothing of it is a crash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .programs import plan_file, run

EXAMPLE = Path(__file__).parents[2] / "examples" / "gbsg2.csv"

OVER = {
    "a page over the table": ("profile", "t.csv", "--html", "t.csv"),
    "a profile over the table": ("profile", "t.csv", "--save", "./t.csv"),
    "a result over the table": ("synthesize", "t.csv", "--plan", "plan.json", "-o", "t.csv"),
    "a result over a link to the table": ("synthesize", "t.csv", "--plan", "plan.json", "-o", "link.csv"),
    "a card over the plan": ("synthesize", "t.csv", "--plan", "o.csv.card.json", "-o", "o.csv"),
    "a report over the synthetic table": ("evaluate", "t.csv", "s.csv", "--html", "s.csv"),
    "a page over the result": ("auto", "t.csv", "-o", "new.csv", "--html", "new.csv"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    for name in ("t.csv", "s.csv"):
        shutil.copy(EXAMPLE, folder / name)
    plan_file(folder, ("gaussian_copula", "cart", "tvae"))
    shutil.copy(folder / "plan.json", folder / "o.csv.card.json")
    (folder / "link.csv").hardlink_to(folder / "t.csv")
    return folder


@pytest.mark.parametrize("case", OVER)
def test_no_command_writes_over_what_it_reads(place: Path, case: str) -> None:
    before = {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()}
    ended = run(place, *OVER[case], variables={"SELECTOR_EMBEDDED": "only"})
    assert ended.returncode == 2, ended.stderr
    assert "write over it" in ended.stderr or "named twice" in ended.stderr
    assert {path.name: path.read_bytes() for path in place.iterdir() if path.is_file()} == before


@pytest.mark.parametrize(
    "address", ["sqlite:///new.db", "postgresql://u:hunter2@host:port/db", "sqlite:///folder/none.db", "sqlite://"]
)
def test_an_address_that_leads_nowhere_is_said_and_makes_nothing(tmp_path: Path, address: str) -> None:
    pytest.importorskip("sqlalchemy")
    ended = run(tmp_path, "profile", address, "--table", "t")
    assert ended.returncode == 2, ended.stderr
    assert "bug" not in ended.stderr
    assert "hunter2" not in ended.stderr
    assert not (tmp_path / "new.db").exists()


def test_linked_tables_are_not_written_over_what_is_read_or_there(tmp_path: Path) -> None:
    from clinical_model_selector.app.linked_files import check_folder
    from clinical_model_selector.schemas.errors import SettingsError

    files = {name: str(tmp_path / f"{name}.csv") for name in ("patients", "visits")}
    for file in files.values():
        Path(file).write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="is read by this command"):
        check_folder(tmp_path, files, force=True)
    other = tmp_path / "out"
    check_folder(other, files, force=False)
    other.mkdir()
    (other / "visits.csv").write_text("older", encoding="utf-8")
    with pytest.raises(SettingsError, match="--force writes over it"):
        check_folder(other, files, force=False)
    check_folder(other, files, force=True)


@pytest.mark.parametrize("table", ["site*.csv", "sqlite:///{folder}/site1.csv", "sqlite:///site1.csv"])
def test_what_a_pattern_or_an_address_reads_is_not_written_over(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from clinical_model_selector.app.cli.main import _check
    from clinical_model_selector.schemas.errors import SettingsError

    monkeypatch.chdir(tmp_path)
    (tmp_path / "site1.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="is read by this command"):
        _check({"table": table.format(folder=tmp_path), "html": Path("site1.csv")})


def test_a_project_file_names_columns_files_of_its_own_folder_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from clinical_model_selector.app.cli.project_file import read_defaults
    from clinical_model_selector.schemas.errors import SettingsError

    monkeypatch.chdir(tmp_path)
    command = SimpleNamespace(commands={"profile": SimpleNamespace(params=[SimpleNamespace(name="columns")])})
    for place in ("/etc/shadow", "../secret.yaml"):
        (tmp_path / "selector.toml").write_text(f'columns = "{place}"\n', encoding="utf-8")
        with pytest.raises(SettingsError, match="name a file in the folder"):
            read_defaults(command)
    (tmp_path / "selector.toml").write_text('columns = "kinds.yaml"\n', encoding="utf-8")
    assert read_defaults(command) == {"profile": {"columns": "kinds.yaml"}}
