"""Interpreters that hold a synthesizer's library: this one, or an environment of the library's own.

The libraries do not fit into one environment, so each family has a requirement file under ``requirements/`` and gets a
virtual environment from it, made on demand.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ...schemas.errors import MissingExtra, SettingsError
from ...schemas.methods import CATALOGUE
from .locks import hold
from .parent_death import END_WITH_PARENT

__all__ = ["ENVIRONMENTS", "Environment", "create_environment", "environment_of", "interpreter_for", "is_created"]

_MARKER = "complete"

_REQUIREMENTS = Path(__file__).with_name("requirements")

_LOCKED_FOR = ("linux", "x86_64", "cpython", (3, 11))
"""Platform of the locks: a wheel's hash is one platform's."""

_FIRST = "torch"
"""Installed before the rest: its CPU build, which a plain resolution would replace by gigabytes. It alone has no hash,
for its builds differ by index."""

_REMOVED = ("torchvision", "torchtext", "torchaudio")
"""Uninstalled afterwards: they come along with some libraries, are not needed, and break the import."""


@dataclass(frozen=True, slots=True)
class Environment:
    """One requirement file and the methods that run in its environment."""

    name: str
    methods: tuple[str, ...]

    @property
    def requirements(self) -> Path:
        """The pinned requirement file."""
        return _REQUIREMENTS / f"{self.name}.txt"

    @property
    def lock(self) -> Path | None:
        """Every package with the hash of its wheel, where that is known for this platform."""
        path = _REQUIREMENTS / "locks" / f"{self.name}.txt"
        here = (sys.platform, platform.machine(), sys.implementation.name, sys.version_info[:2])
        return path if here == _LOCKED_FOR and path.exists() else None


def _environments() -> dict[str, Environment]:
    names = dict.fromkeys(entry.environment for entry in CATALOGUE.values() if entry.environment is not None)
    return {
        name: Environment(name, tuple(method for method, entry in CATALOGUE.items() if entry.environment == name))
        for name in names
    }


ENVIRONMENTS: dict[str, Environment] = _environments()
"""Name → environment, for the methods that this package does not implement itself."""


def environment_of(method: str) -> Environment | None:
    """The environment that ``method`` runs in; None where the extra ``light`` suffices."""
    name = CATALOGUE[method].environment
    return None if name is None else ENVIRONMENTS[name]


def is_created(name: str, root: Path) -> bool:
    """Whether the environment called ``name`` is there, our own, whole, and made from today's requirement file."""
    try:
        made = (root / name / _MARKER).read_text() == _digest(ENVIRONMENTS[name])
        return made and all(map(_is_trusted, (root, root / name)))
    except OSError:
        return False


def _is_trusted(folder: Path) -> bool:
    """Programs are run from there: no other user of the machine but root may have made it, or may write to it."""
    if os.name != "posix":
        return True
    status = folder.stat()
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & stat.S_IWOTH


def interpreter_for(method: str, root: Path) -> Path:
    """A Python that can run ``method``.

    Args:
        method: Catalogue id.
        root: Directory of the environments.

    Raises:
        MissingExtra: Nothing installed can run it; the message holds the command that installs it.
    """
    environment = environment_of(method)
    if environment is not None and is_created(environment.name, root):
        return _python(root / environment.name)
    if all(_is_importable(name) for name in CATALOGUE[method].needs):
        return Path(sys.executable)
    if environment is None:
        raise MissingExtra(method, "light")
    raise MissingExtra(
        method, environment.name, command=f"clinical-model-selector environments --create {environment.name}"
    )


def create_environment(name: str, root: Path, *, report: bool = True) -> Path:
    """Make the environment called ``name`` from its requirement file; one that is whole is left as it is.

    Args:
        name: A key of ``ENVIRONMENTS``.
        root: Directory of the environments.
        report: Let pip write to stderr.

    Raises:
        SettingsError: There is no such environment, or it could not be installed.
    """
    environment = ENVIRONMENTS.get(name)
    if environment is None:
        raise SettingsError(f"no environment is called {name}; known are {', '.join(ENVIRONMENTS)}")
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{root} cannot be made: {error.strerror}; set SELECTOR_ENVIRONMENTS") from None
    # Two that want it at once: the second waits, and finds it made.
    with hold(root / f".{name}.lock"):
        if not is_created(name, root):
            _install(environment, root / name, report)
    return _python(root / name)


def _install(environment: Environment, folder: Path, report: bool) -> None:
    # A half-made environment has no marker and is made anew.
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(_python(folder)), "-m", "pip"]
    install = [*pip, "install", "--disable-pip-version-check", "--quiet"]
    steps = [[sys.executable, "-m", "venv", str(folder)]]
    steps += [[*install, pin] for pin in _pins(environment) if pin.split("==")[0] == _FIRST]
    if environment.lock is not None:
        steps.append([*install, "--no-deps", "--requirement", str(environment.lock)])
    else:
        steps.append([*install, "--requirement", str(environment.requirements)])
    steps.append([*pip, "uninstall", "--yes", "--quiet", *_REMOVED])
    for step in steps:
        # Nothing of it goes to stdout, which may be meant for a machine.
        output = 2 if report else subprocess.DEVNULL
        if subprocess.run(step, stdout=output, check=False, preexec_fn=END_WITH_PARENT).returncode:
            raise SettingsError(f"the environment {environment.name} could not be installed; pip's own words are above")
    (folder / _MARKER).write_text(_digest(environment))


def _digest(environment: Environment) -> str:
    return hashlib.sha256(environment.requirements.read_bytes()).hexdigest()


def _pins(environment: Environment) -> list[str]:
    lines = environment.requirements.read_text().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _is_importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False
