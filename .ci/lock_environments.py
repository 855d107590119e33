"""Write the locks of the synthesizers' environments: every package that is installed there, with the hash of its wheel.

    python .ci/lock_environments.py ROOT

ROOT holds the environments as ``clinical-model-selector environments --create all`` makes them. A lock holds names,
versions and hashes, no addresses, and lets pip take wheels alone, exceptions named; it is for the platform that it was
made on. torch has no hash: its builds differ by index.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "synthesizers" / "running" / "requirements"
UNHASHED = ("torch",)


def main(root: Path) -> None:
    """Ask pip in each environment what it would install, and keep the hashes."""
    for pins in sorted(FOLDER.glob("*.txt")):
        python = root / pins.stem / "bin" / "python"
        if not python.exists():
            continue
        frozen = subprocess.run([python, "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
        wanted = [line for line in frozen.splitlines() if "==" in line and line.split("==")[0] not in UNHASHED]
        with tempfile.TemporaryDirectory() as folder:
            listed, report = Path(folder) / "listed.txt", Path(folder) / "report.json"
            listed.write_text("\n".join(wanted) + "\n")
            command = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
            command += ["--report", str(report), "--requirement", str(listed)]
            subprocess.run([python, "-m", "pip", *command], check=True)
            items = json.loads(report.read_text())["install"]
        lines, sources = [], []
        for item in items:
            name, version = item["metadata"]["name"], item["metadata"]["version"]
            lines.append(f"{name}=={version} --hash=sha256:{item['download_info']['archive_info']['hashes']['sha256']}")
            if not item["download_info"]["url"].endswith(".whl"):
                sources.append(name)
        head = "--require-hashes\n--only-binary :all:\n" + "".join(f"--no-binary {name}\n" for name in sorted(sources))
        (FOLDER / "locks" / pins.name).write_text(head + "\n".join(sorted(lines, key=str.lower)) + "\n")
        print(pins.stem, len(lines), "packages, without wheel:", sources)


if __name__ == "__main__":
    main(Path(sys.argv[1]).expanduser())
