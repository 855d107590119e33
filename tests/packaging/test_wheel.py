"""The wheel as a user gets it: installed into an environment of its own, run from another folder."""

import json
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["setuptools"]["package-dir"]
FOLDERS = PACKAGES.values()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Built from a copy: setuptools leaves build/ behind, and reuses what an earlier build left there.
    source = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source / file)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", source / "dist", source]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = (source / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the executables of an environment that holds the wheel; its dependencies are borrowed from this one."""
    home = tmp_path_factory.mktemp("environment")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(home)
    python = home / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(command, check=True, capture_output=True)
    # A path in a .pth file is searched, but the .pth files behind it are not read: the editable install stays out.
    site = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    borrowed = [entry for entry in sys.path if entry.endswith("site-packages")]
    (site / "borrowed.pth").write_text("".join(f"{entry}\n" for entry in borrowed), encoding="utf-8")
    return home / "bin"


def test_wheel_claims_no_name_but_its_own(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"clinical_model_selector"}


def test_wheel_holds_every_file_of_the_code_folders(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    written = {
        f"{package.replace('.', '/')}/{path.relative_to(ROOT / folder).as_posix()}"
        for package, folder in PACKAGES.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == written
    assert "clinical_model_selector/py.typed" in packed


def test_installed_wheel_plans_from_another_folder(environment: Path, tmp_path: Path) -> None:
    program, page = environment / "clinical-model-selector", tmp_path / "page.html"
    table = shutil.copy(ROOT / "examples" / "gbsg2.csv", tmp_path)
    run = subprocess.run(
        [program, "select", table, "--target", "cens", "--json", "--html", page],
        cwd=tmp_path,
        env={"SELECTOR_EMBEDDED": "only"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert json.loads(run.stdout)["provenance"]["provider"] == "embedded"
    assert "<!doctype html>" in page.read_text(encoding="utf-8")


def test_installed_wheel_is_the_one_that_runs(environment: Path, tmp_path: Path) -> None:
    code = "import clinical_model_selector.app.cli.main as cli; print(cli.__file__)"
    run = subprocess.run([environment / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(run.stdout.strip()).is_relative_to(environment.parent)
