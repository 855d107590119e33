"""The command line.

Heavy libraries are imported by the command that needs them, so that help and ``profile`` stay quick.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from ...schemas.errors import SelectorError
from . import benchmark_commands, plan_commands, run_commands, setup_commands
from .exit_codes import error_lines, exit_code, install_quiet_excepthook
from .overwriting import guard_inputs
from .project_file import read_defaults
from .terminal import log_to_stderr, print_error

__all__ = ["app", "main"]

PROGRAM = "clinical-model-selector"

app = typer.Typer(
    name=PROGRAM,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Choose a synthesizer, its hyper-parameters and its privacy settings for a clinical table.",
)


@app.callback(invoke_without_command=True)
def _program(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if show_version:
        typer.echo(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


plan_commands.register(app)
run_commands.register(app)
setup_commands.register(app)
app.add_typer(benchmark_commands.benchmark, name="benchmark")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit.

    Exit codes: 0 done, 1 failed at work, 2 wrong use or bad input, 3 no provider could answer, 4 nothing feasible, 5
    made or judged and not shown to be safe to release.
    """
    install_quiet_excepthook()
    log_to_stderr()
    # Whose settings these are is always said.
    logging.getLogger("clinical_model_selector.settings").setLevel(logging.INFO)
    command = typer.main.get_group(app)
    guard_inputs(command)
    try:
        defaults = read_defaults(command)
        command.main(None if arguments is None else list(arguments), prog_name=PROGRAM, default_map=defaults)
    except SelectorError as error:
        print_error(error_lines(error))
        sys.exit(exit_code(error))
