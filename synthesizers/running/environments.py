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
import time
from dataclasses import dataclass
from pathlib import Path

from ...schemas.base import count_of
from ...schemas.errors import MissingExtra, SettingsError
from ...schemas.methods import CATALOGUE
from ..progress import Say, Step, say_nothing
from .locks import hold
from .parent_death import END_WITH_PARENT

__all__ = [
    "ENVIRONMENTS",
    "Environment",
    "InstallProgress",
    "create_environment",
    "environment_of",
    "interpreter_for",
    "is_created",
]

_MARKER = "complete"

_REQUIREMENTS = Path(__file__).with_name("requirements")

_LOCKED_FOR = ("linux", "x86_64", "cpython", (3, 11))
"""Platform of the locks: a wheel's hash is one platform's."""

_FIRST = "torch"
"""Installed before the rest: its CPU build, which a plain resolution would replace by gigabytes. It alone has no hash,
for its builds differ by index."""

_TOLD_EACH = 10
"""Packages between two reports of an installation."""

_INSTALL_SECONDS = {
    "arf": 30,
    "argn": 90,
    "ctgan": 60,
    "mbi": 30,
    "nrgboost": 30,
    "smartnoise": 60,
    "tabddpm": 120,
    "vine": 30,
}
"""Wall-clock seconds; mostly downloads, so they hold for a fast line and are more on a slow one."""

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


def create_environment(name: str, root: Path, *, say: Say | None = None) -> Path:
    """Make the environment called ``name`` from its requirement file; one that is whole is left as it is.

    Args:
        name: A key of ``ENVIRONMENTS``.
        root: Directory of the environments.
        say: Told what is installed, and how many packages are there.

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
            _install(environment, root / name, say or say_nothing)
    return _python(root / name)


def _install(environment: Environment, folder: Path, tell: Say) -> None:
    # A half-made environment has no marker and is made anew.
    shutil.rmtree(folder, ignore_errors=True)
    pip = [str(_python(folder)), "-m", "pip"]
    install = [*pip, "install", "--disable-pip-version-check", "--progress-bar", "off"]
    progress = InstallProgress(environment, tell)
    progress.run([sys.executable, "-m", "venv", str(folder)])
    for pin in _pins(environment):
        if pin.split("==")[0] == _FIRST:
            progress.run([*install, pin])
    if environment.lock is not None:
        progress.run([*install, "--no-deps", "--requirement", str(environment.lock)])
    else:
        progress.run([*install, "--requirement", str(environment.requirements)])
    progress.run([*pip, "uninstall", "--yes", "--quiet", *_REMOVED])
    (folder / _MARKER).write_text(_digest(environment))


class InstallProgress:
    """Runs the steps of an installation and tells how many packages are there, as pip's output has it."""

    def __init__(self, environment: Environment, tell: Say) -> None:
        self._environment, self._tell = environment, tell
        self._began = time.monotonic()
        self._packages = 0
        self._report("")

    def run(self, step: list[str]) -> None:
        """Run one step; what pip complains of goes to stderr, nothing to stdout, which may be meant for a machine.

        Raises:
            SettingsError: It failed.
        """
        with subprocess.Popen(
            step, stdout=subprocess.PIPE, text=True, errors="replace", preexec_fn=END_WITH_PARENT
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("Collecting "):
                    self._packages += 1
                    if self._packages % _TOLD_EACH == 0:
                        self._report(f": {self._packages} packages")
                elif line.startswith("Installing collected packages"):
                    self._report(f": {count_of(self._packages, 'package')}, unpacking")
        if process.returncode:
            name = self._environment.name
            raise SettingsError(f"the environment {name} could not be installed; pip's own words are above")

    def _report(self, state: str) -> None:
        left = _INSTALL_SECONDS[self._environment.name] - (time.monotonic() - self._began)
        text = f"installing the environment {self._environment.name}{state}"
        self._tell(Step(text, left) if left > 0 else text)


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
