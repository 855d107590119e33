"""The commands about the set-up: serve, models, doctor, environments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .exit_codes import NOBODY_ANSWERS
from .inputs import need_light
from .options import Json
from .progress import tell_steps
from .terminal import print_json, print_view

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(serve)
    app.command()(worker)
    app.command()(models)
    app.command()(doctor)
    app.command()(environments)


def serve(
    host: Annotated[str, typer.Option("--host", metavar="H", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="P", help="Port to listen on.", min=0, max=65535)] = 8000,
    new_key: Annotated[
        str | None, typer.Option("--new-key", metavar="NAME", help="Make a key for a caller, and do nothing else.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", metavar="FILE", help="File with a key that opens too; made at the first start."),
    ] = None,
) -> None:
    """Serve the API, and a page at /.

    Listens to this machine alone; any other address needs keys (SERVICE_KEYS).
    """
    from ..service.server import print_new_key, run_service

    if new_key is not None:
        print_new_key(new_key)
    else:
        run_service(host, port, key_file)


def worker(
    end_with_stdin: Annotated[
        bool, typer.Option("--end-with-stdin", hidden=True, help="End when the program that started it does.")
    ] = False,
) -> None:
    """Carry out the service's jobs, one at a time, until told to stop.

    Start as many as there is memory for, here or on other machines that share SERVICE_DATA.
    """
    need_light("worker")
    from ..service.server import run_worker_process

    run_worker_process(end_with_stdin)


def models(as_json: Json = False) -> None:
    """List OpenRouter's models that can answer, with their prices."""
    from ...chains.providers.openrouter_models import list_models
    from ...schemas.settings import Settings
    from ..render.provider_views import models_record, models_view

    found = list_models(Settings())
    if as_json:
        print_json(models_record(found))
    else:
        print_view(models_view(found))


def doctor(as_json: Json = False) -> None:
    """Find out who would answer, and what to mend.

    Ends with exit code 3 where no provider can answer.
    """
    from ...chains.doctor import can_answer, run_doctor
    from ...schemas.settings import Settings
    from ..render.provider_views import findings_record, findings_view

    findings = run_doctor(Settings())
    if as_json:
        print_json(findings_record(findings))
    else:
        print_view(findings_view(findings))
    if not can_answer(findings):
        raise typer.Exit(NOBODY_ANSWERS)


def environments(
    create: Annotated[str | None, typer.Option("--create", metavar="NAME", help="Install this one, or all.")] = None,
    as_json: Json = False,
) -> None:
    """List the synthesizers' environments, or install one."""
    from ...schemas.settings import Settings
    from ...synthesizers.running.environments import ENVIRONMENTS, create_environment, is_created

    root = Path(Settings().selector_environments).expanduser()
    for name in ENVIRONMENTS if create == "all" else [create] if create else []:
        create_environment(name, root, say=tell_steps())
    record = [
        {"name": one.name, "methods": list(one.methods), "created": is_created(one.name, root)}
        for one in ENVIRONMENTS.values()
    ]
    if as_json:
        print_json(record)
    else:
        from ..render.provider_views import environments_view

        print_view(environments_view(record))
