from __future__ import annotations

import hashlib
import re
import sys
import tempfile
import textwrap
from pathlib import Path

import psutil
import pytest
from clinical_model_selector.schemas.errors import MissingExtra, SettingsError
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.synthesizers.catalogue import CATALOGUE
from clinical_model_selector.synthesizers.encoding.table_encoding import Encoding
from clinical_model_selector.synthesizers.running import environments
from clinical_model_selector.synthesizers.running.environments import (
    ENVIRONMENTS,
    create_environment,
    environment_of,
    interpreter_for,
    is_created,
)
from clinical_model_selector.synthesizers.running.fit_process import FitFailed, FitLimits, FitRun, run_fit
from tables import mixed_table


def run(method: str, root: Path, limits: FitLimits | None = None) -> FitRun:
    table = mixed_table(80)
    config = HYPERPARAMETERS[method].with_defaults()
    return run_fit(table, Encoding.of(table), config, rows=30, seed=1, environments=root, limits=limits)


def fake_environment(root: Path, script: str) -> Path:
    """An environment of arf whose Python does what ``script`` says with the worker's arguments."""
    binary = root / "arf" / "bin" / "python"
    binary.parent.mkdir(parents=True)
    binary.write_text(f"#!{sys.executable}\n{textwrap.dedent(script)}")
    binary.chmod(0o755)
    (root / "arf" / "complete").write_text(hashlib.sha256(ENVIRONMENTS["arf"].requirements.read_bytes()).hexdigest())
    return root


@pytest.mark.parametrize("method", ["gaussian_copula", "cart"])
def test_own_methods_run_in_a_worker(method: str, tmp_path: Path) -> None:
    done = run(method, tmp_path)
    assert done.table.shape == (30, 7)
    assert done.fit_seconds > 0
    assert done.peak_bytes > 1e7
    assert "python" in done.versions


def test_a_fit_over_its_time_is_killed_with_its_children(tmp_path: Path) -> None:
    marker = tmp_path / "child"
    root = fake_environment(
        tmp_path / "envs",
        f"""
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(marker)!r}, "w").write(str(child.pid))
        time.sleep(60)
        """,
    )
    with pytest.raises(FitFailed, match="limit of 2 seconds") as caught:
        run("arf", root, FitLimits(seconds=2))
    assert caught.value.kind == "time"
    child = int(marker.read_text())
    gone = [p for p in psutil.process_iter() if p.pid == child and p.status() != psutil.STATUS_ZOMBIE]
    assert not gone


def test_a_fit_over_its_memory_is_killed(tmp_path: Path) -> None:
    root = fake_environment(tmp_path, "import time; block = bytearray(300_000_000); time.sleep(60)")
    with pytest.raises(FitFailed, match=r"limit of 0\.1 GB"):
        run("arf", root, FitLimits(seconds=60, memory_bytes=1e8))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "signal SIGSEGV"),
        ("raise SystemExit(7)", "exit status 7"),
        ("print('north'); raise ValueError('a cell: north')", "exit status 1"),
    ],
)
def test_a_crash_is_told_without_the_librarys_words(tmp_path: Path, script: str, said: str) -> None:
    with pytest.raises(FitFailed, match=said) as caught:
        run("arf", fake_environment(tmp_path, script))
    assert "north" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the value is wrong on purpose
def test_a_librarys_error_is_told_by_its_class(tmp_path: Path) -> None:
    table = mixed_table(80)
    config = HYPERPARAMETERS["cart"].model_construct(method="cart", min_samples_leaf="south")
    with pytest.raises(FitFailed) as caught:
        run_fit(table, Encoding.of(table), config, rows=5, seed=0, environments=tmp_path)
    assert caught.value.kind == "error"
    assert "south" not in str(caught.value)


def test_no_job_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    orphan = tmp_path / "selector-fit-999999999-x"
    orphan.mkdir()
    run("cart", tmp_path / "envs")
    assert not list(tmp_path.glob("selector-fit-*"))


def test_every_entry_of_the_catalogue_has_a_home() -> None:
    for method, entry in CATALOGUE.items():
        assert (environment_of(method) is None) == entry.implementation.startswith("own")
    assert all(environment.requirements.is_file() for environment in ENVIRONMENTS.values())


def test_requirement_files_hold_names_and_exact_versions_alone() -> None:
    for environment in ENVIRONMENTS.values():
        for line in environment.requirements.read_text().splitlines():
            name, _, pin = line.partition("==")
            assert name
            assert pin.replace(".", "").isalnum()


LOCKED = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.+!_-]+) --hash=sha256:[0-9a-f]{64}")
OPTION = re.compile(r"--require-hashes|--only-binary :all:|--no-binary [A-Za-z0-9._-]+")


LOCKS = Path(environments.__file__).parent / "requirements" / "locks"


@pytest.mark.parametrize("name", sorted(path.stem for path in LOCKS.glob("*.txt")))
def test_a_lock_holds_names_versions_and_hashes_alone_and_every_pin(name: str) -> None:
    pins = ENVIRONMENTS[name].requirements
    lines = (LOCKS / pins.name).read_text().splitlines()
    assert lines[:2] == ["--require-hashes", "--only-binary :all:"]
    locked = {match[1].lower().replace("_", "-"): match[2] for match in map(LOCKED.fullmatch, lines) if match}
    assert len(locked) + sum(OPTION.fullmatch(line) is not None for line in lines) == len(lines)
    for line in pins.read_text().splitlines():
        package, _, version = line.partition("==")
        # torch has no hash, torchvision is removed after an installation.
        assert package in ("torch", "torchvision") or locked[package.lower()] == version
    assert "torch" not in locked


def test_a_missing_library_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match="clinical-model-selector environments --create mbi"):
        interpreter_for("dp_mst", tmp_path)


def test_a_half_made_environment_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "mbi" / "bin").mkdir(parents=True)
    assert not is_created("mbi", tmp_path)
    with pytest.raises(MissingExtra):
        interpreter_for("dp_mst", tmp_path)


@pytest.mark.parametrize("marker", ["0" * 64, ""])
def test_an_environment_made_from_other_requirements_does_not_count(tmp_path: Path, marker: str) -> None:
    root = fake_environment(tmp_path, "")
    assert is_created("arf", root)
    (root / "arf" / "complete").write_text(marker)
    assert not is_created("arf", root)


def test_an_interpreter_that_cannot_start_is_a_failed_fit(tmp_path: Path) -> None:
    root = fake_environment(tmp_path, "")
    (root / "arf" / "bin" / "python").write_text("#!/nowhere/python")
    with pytest.raises(FitFailed, match="cannot be started"):
        run("arf", root)


def test_an_unknown_environment_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no environment is called x"):
        create_environment("x", tmp_path)
