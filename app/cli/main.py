"""The command line.

Heavy libraries are imported by the command that needs them, so that help and ``profile`` stay quick.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from glob import glob
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from ...schemas.errors import SelectorError, SettingsError
from . import benchmark_commands, plan_commands, run_commands, setup_commands
from .exit_codes import error_lines, exit_code, install_quiet_excepthook
from .progress import end_steps
from .project_file import read_defaults
from .terminal import log_to_stderr, print_error

__all__ = ["app", "main"]

PROGRAM = "clinical-model-selector"

_OUTPUTS = ("output", "html", "save", "save_model", "collect")
"""Parameters that name what a command writes."""

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
    command = typer.main.get_command(app)
    _guard_inputs(command)
    try:
        defaults = read_defaults(command)
        command.main(None if arguments is None else list(arguments), prog_name=PROGRAM, default_map=defaults)
    except SelectorError as error:
        print_error(error_lines(error))
        sys.exit(exit_code(error))
    finally:
        end_steps()


def _guard_inputs(command: Any) -> None:
    """Have every command, before it does anything, refuse to write a file that it was given to read.

    Args:
        command: What Typer made: a command, or a group of them.
    """
    parts = getattr(command, "commands", None)
    if parts is not None:
        for part in parts.values():
            _guard_inputs(part)
        return
    invoke = command.invoke

    def guarded(context: Any) -> Any:
        _check(context.params)
        return invoke(context)

    command.invoke = guarded


def _check(parameters: Mapping[str, Any]) -> None:
    written = [Path(str(parameters[name])) for name in _OUTPUTS if parameters.get(name) is not None]
    # A run card is written beside its table.
    written += [path.with_name(f"{path.name}.card.json") for path in written if path.name]
    read = [path for name, value in parameters.items() if name not in _OUTPUTS for path in _paths(value)]
    for number, path in enumerate(written):
        if any(_is_same(path, other) for other in read):
            raise SettingsError(f"{path} is read by this command, which would write over it")
        if any(path.absolute() == other.absolute() for other in written[:number]):
            raise SettingsError(f"{path} is named twice as what is to be written")


def _paths(value: Any) -> Iterable[Path]:
    """Every file that a parameter may mean: a path, a pattern's matches, the file of an SQLite address."""
    items = value if isinstance(value, list | tuple) else [value]
    texts = [str(item) for item in items if isinstance(item, str | Path) and item != ""]
    matches = [Path(match) for text in texts for match in (glob(text) if "*" in text or "?" in text else ())]
    files = [Path(text.split("://", 1)[1].split("?")[0].removeprefix("/")) for text in texts if "://" in text]
    rooted = [Path("/", file) for file in files]
    return [*map(Path, texts), *matches, *files, *rooted]


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.is_file() and other.is_file() and path.samefile(other)
    except (OSError, ValueError):
        return False
