"""Others on the same machine: what they leave in a shared folder neither stops nor hangs us, and is left alone."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from clinical_model_selector.synthesizers.running.held_folders import HeldFolder, sweep_folders
from tables import mixed_table

from .programs import plan_file, run

PREFIX = "selector-fit-"
STRANGER = 54_321


def _locked_by_nobody(folder: Path) -> None:
    (folder / "owner").touch()


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "owner")


def _link(folder: Path) -> None:
    (folder / "owner").symlink_to(folder.parent / "precious")


PLANTED: dict[str, Callable[[Path], None]] = {"a pipe": _pipe, "a link": _link}


@pytest.mark.parametrize("case", PLANTED)
def test_what_was_planted_is_left_alone(tmp_path: Path, case: str) -> None:
    (tmp_path / "precious").touch()
    folder = tmp_path / f"{PREFIX}1-x"
    folder.mkdir()
    PLANTED[case](folder)
    assert sweep_folders(PREFIX, tmp_path) == 0
    assert folder.exists()


def test_a_link_to_a_folder_is_no_folder_of_ours(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    _locked_by_nobody(precious)
    (tmp_path / f"{PREFIX}1-x").symlink_to(precious)
    assert sweep_folders(PREFIX, tmp_path) == 0
    assert (precious / "owner").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("whole", [True, False])
def test_a_folder_of_another_user_is_left_alone(tmp_path: Path, whole: bool) -> None:
    folder = tmp_path / f"{PREFIX}1-x"
    folder.mkdir()
    _locked_by_nobody(folder)
    os.chown(folder / "owner", STRANGER, STRANGER)
    if whole:
        os.chown(folder, STRANGER, STRANGER)
    assert sweep_folders(PREFIX, tmp_path) == 0
    assert folder.exists()


def test_what_nobody_holds_goes_and_what_lives_stays(tmp_path: Path) -> None:
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    _locked_by_nobody(left)
    (left / "rows").write_text("secret")
    empty = tmp_path / f"{PREFIX}empty"
    empty.mkdir()
    with HeldFolder(PREFIX, tmp_path) as held:
        (held.path / "rows").write_text("secret")
        assert sweep_folders(PREFIX, tmp_path) == 1
        assert [path.name for path in tmp_path.iterdir()] == [held.path.name]
        assert held.path.stat().st_mode & 0o777 == 0o700
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("planted", ["folder", "partial"])
def test_a_synthesis_beside_planted_pipes_ends(tmp_path: Path, planted: str) -> None:
    mixed_table(120).to_csv(tmp_path / "table.csv", index=False)
    plan_file(tmp_path, ("gaussian_copula", "cart", "arf"))
    (tmp_path / "tmp").mkdir()
    if planted == "folder":
        (tmp_path / "tmp" / f"{PREFIX}99-x").mkdir()
        os.mkfifo(tmp_path / "tmp" / f"{PREFIX}99-x" / "owner")
    else:
        os.mkfifo(tmp_path / ".out.csv.0000.partial")
    ended = run(tmp_path, "synthesize", "table.csv", "--plan", "plan.json", "-o", "out.csv", timeout=90)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out.csv").exists()


def test_a_lock_that_lives_is_respected(tmp_path: Path) -> None:
    folder = tmp_path / f"{PREFIX}live"
    folder.mkdir()
    with (folder / "owner").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert sweep_folders(PREFIX, tmp_path) == 0
    assert sweep_folders(PREFIX, tmp_path) == 1
