"""Pin the newest versions of everything the package and its extras need, and what the image installs with its hashes.

Neither file holds an address: ``requirements.lock`` has ``name==version`` lines, ``requirements.image.lock`` has hashes
too, of the wheels for Linux on x86_64 and on arm64. ``--image`` makes the latter alone, of the versions of the former.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
IMAGE_EXTRAS = "light,redis,service"
PLATFORMS = ("x86_64", "aarch64")


def main() -> None:
    """Resolve the project with all its extras, and write what would be installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if "--image" not in sys.argv:
        extras = ",".join(project["optional-dependencies"])
        report = resolve([f"{ROOT}[{extras}]"])
        write_pins({name_of(item): version_of(item) for item in report if name_of(item) != project["name"]})
    lock_image(project)


def write_pins(pins: dict[str, str]) -> None:
    """``requirements.lock``."""
    lines = [f"{name}=={version}\n" for name, version in sorted(pins.items())]
    (ROOT / "requirements.lock").write_text("".join(lines), encoding="utf-8")


def lock_image(project: dict[str, Any]) -> None:
    """``requirements.image.lock``: all that the image holds besides this package, and what builds it."""
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(need for name in IMAGE_EXTRAS.split(",") for need in extras[name])]
    wanted += ["setuptools>=80", "wheel"]
    write_hashes(wanted, ROOT / "requirements.image.lock", ["--constraint", str(ROOT / "requirements.lock")])


def write_hashes(wanted: Iterable[str], path: Path, options: list[str]) -> None:
    """A file for ``pip install --require-hashes``; the same versions on every platform."""
    hashes: dict[str, set[str]] = {}
    for platform in PLATFORMS:
        for item in resolve(list(wanted), [*options, *for_platform(platform)]):
            pin = f"{name_of(item)}=={version_of(item)}"
            hashes.setdefault(pin, set()).add(item["download_info"]["archive_info"]["hashes"]["sha256"])
    lines = []
    for pin, digests in sorted(hashes.items()):
        lines.append(" \\\n".join([pin, *(f"    --hash=sha256:{digest}" for digest in sorted(digests))]) + "\n")
    path.write_text("".join(lines), encoding="utf-8")


def for_platform(machine: str) -> list[str]:
    """Options that choose wheels for Linux on ``machine``, whatever this is."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in (28, 27, 26, 24, 17, 12, 5)] + [f"manylinux2014_{machine}"]
    chosen = [part for tag in tags for part in ("--platform", tag)]
    return [*chosen, "--python-version", "3.11", "--implementation", "cp", "--only-binary", ":all:"]


def resolve(wanted: list[str], options: Iterable[str] = ()) -> list[dict[str, Any]]:
    """What pip would install."""
    with tempfile.TemporaryDirectory() as target:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--report", "-", *options, *(["--target", target] if options else [])]
        report = subprocess.run([*command, *wanted], check=True, stdout=subprocess.PIPE)
    items: list[dict[str, Any]] = json.loads(report.stdout)["install"]
    return items


def name_of(item: dict[str, Any]) -> str:
    """Normalised."""
    return re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()


def version_of(item: dict[str, Any]) -> str:
    """Without a local part such as ``+cpu``."""
    return str(item["metadata"]["version"]).partition("+")[0]


if __name__ == "__main__":
    main()
