"""kill -9, full disks and neighbours: what has an output's name is whole, and nothing of the real rows stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.synthesizers.running.run_card import RunCard
from tables import mixed_table

ROWS = 150
KILLS = 8

# As a user's shell would start it, with a limit on the size of any file where a number is given.
_PROGRAM = """
import resource, sys
limit = int(sys.argv.pop(1))
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
from clinical_model_selector.app.cli.main import main
main(sys.argv[1:])
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    mixed_table(240).to_csv(tmp_path / "real.csv", index=False)
    configs = [HYPERPARAMETERS[m].with_defaults().model_dump() for m in ("cart", "gaussian_copula", "arf")]
    plan = {
        "choice": configs[0], "backups": configs[1:], "dp": {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0, "max_synth_rows": ROWS, "rationale": "",
    }  # fmt: skip
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    return tmp_path


def start(place: Path, output: str, limit: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(limit), "synthesize", "real.csv", "--plan", "plan.json", "-o", output,
         "--seed", "1", "--force"],
        cwd=place,
        env={**os.environ, "TMPDIR": str(place / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    said = process.communicate(timeout=120)[1]
    return process.returncode, said.decode()


def workers(place: Path) -> list[psutil.Process]:
    """Processes that name the temporary directory in their command."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and any(str(place / "tmp") in part for part in process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_until_gone(place: Path) -> None:
    deadline = time.monotonic() + 60
    while workers(place):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.05)


def read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)


def test_killed_at_any_moment(place: Path) -> None:
    output = "made.csv"
    began = time.monotonic()
    assert finish(start(place, output))[0] == 0
    whole = time.monotonic() - began
    path, card = place / output, place / f"{output}.card.json"
    expected = path.read_bytes()
    for number in range(KILLS):
        for one in (path, card):
            one.unlink(missing_ok=True)
        process = start(place, output)
        # Over the whole of a run, more of them towards its end, where files are written.
        time.sleep(whole * (1 - (1 - number / (KILLS - 1)) ** 2))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        wait_until_gone(place)
        left = [one for one in (place / "tmp").rglob("*") if one.is_file() and one.name != "owner"]
        assert left == [], "coded rows stayed behind"
        if path.exists():
            assert len(read(path)) == ROWS
            assert RunCard.model_validate_json(card.read_text()).rows_made == ROWS
    assert finish(start(place, output))[0] == 0
    assert path.read_bytes() == expected
    assert sorted(one.name for one in place.iterdir() if "made" in one.name) == [output, card.name]
    assert list((place / "tmp").iterdir()) == []


def test_killed_together_with_its_worker(place: Path) -> None:
    process = start(place, "made.csv")
    deadline = time.monotonic() + 60
    while not list((place / "tmp").glob("*/real.parquet")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    victims = [psutil.Process(process.pid), *workers(place)]
    for victim in victims:
        victim.suspend()
    for victim in victims:
        victim.kill()
    process.communicate()
    assert list((place / "tmp").iterdir()) != []
    assert finish(start(place, "made.csv"))[0] == 0
    assert list((place / "tmp").iterdir()) == []


@pytest.mark.parametrize("limit", [2_000, 7_500, 15_000])
def test_no_room_is_said_and_nothing_is_left(place: Path, limit: int) -> None:
    """First the job cannot be written, then the worker's output, then the table."""
    plan = json.loads((place / "plan.json").read_text())
    (place / "plan.json").write_text(json.dumps({**plan, "sample_multiplier": 3.0, "max_synth_rows": 720}))
    code, said = finish(start(place, "made.csv", limit))
    assert code in (1, 2)
    assert "Traceback" not in said
    assert "directory" in said or "cannot be written" in said
    assert sorted(one.name for one in place.iterdir()) == ["plan.json", "real.csv", "tmp"]
    assert list((place / "tmp").iterdir()) == []


def test_neighbours_do_not_disturb_each_other(place: Path) -> None:
    several = [start(place, output) for output in ("made.csv", "made.csv", "other.parquet")]
    assert [finish(one)[0] for one in several] == [0, 0, 0]
    assert len(read(place / "made.csv")) == len(read(place / "other.parquet")) == ROWS
    assert list((place / "tmp").iterdir()) == []
    assert not list(place.glob(".*"))
