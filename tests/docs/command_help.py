"""Writes the commands' help into docs/index.md: ``python tests/docs/command_help.py``."""

from __future__ import annotations

import os
from pathlib import Path

import typer.main
from click.testing import CliRunner
from clinical_model_selector.app.cli.main import PROGRAM, app

PAGE = Path(__file__).parents[2] / "docs" / "index.md"
BEGIN = "<!-- help: begin (written by tests/docs/command_help.py) -->\n"
END = "<!-- help: end -->\n"


def help_blocks() -> str:
    """The help of the program and of each command, as code blocks."""
    command = typer.main.get_command(app)
    names = ["", *sorted(command.commands)]  # type: ignore[attr-defined]
    blocks = []
    for name in names:
        arguments = [*name.split(), "--help"]
        ended = CliRunner().invoke(command, arguments, prog_name=PROGRAM, env={"COLUMNS": "80"}, terminal_width=80)
        assert ended.exit_code == 0, ended.output
        text = "\n".join(line.rstrip() for line in ended.output.strip().splitlines())
        blocks.append(f"```text\n$ {' '.join([PROGRAM, *arguments])}\n{text}\n```\n")
    return "\n".join(blocks)


def with_help(page: str) -> str:
    """The page with the help of today."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{help_blocks()}\n{END}{after}"


if __name__ == "__main__":
    os.environ["COLUMNS"] = "80"
    PAGE.write_text(with_help(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
