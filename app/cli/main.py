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
from ...schemas.settings import Settings
from .exit_codes import NOBODY_ANSWERS, error_lines, exit_code, install_quiet_excepthook
from .inputs import read_profile, split_names
from .options import (
    Allowed,
    Columns,
    DeploymentOption,
    EpsilonMax,
    EvidencePolicyOption,
    Goal,
    Html,
    Json,
    Kinds,
    Level,
    MaxFitSeconds,
    Model,
    PatientId,
    Provider,
    RequireDP,
    Table,
    TableName,
    Target,
    TradeoffOption,
)
from .plan_commands import register
from .terminal import print_error, print_json, print_view, write_page

__all__ = ["app", "main"]

PROGRAM = "clinical-model-selector"

app = typer.Typer(
    name=PROGRAM,
    add_completion=False,
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


@app.command()
def select(
    table: Table,
    target: Target = None,
    patient_id: PatientId = None,
    kind: Kinds = None,
    columns: Columns = None,
    table_name: TableName = None,
    goal: Goal = None,
    tradeoff: TradeoffOption = "balanced",
    compliance: Level = None,
    allowed: Allowed = None,
    require_dp: RequireDP = False,
    epsilon_max: EpsilonMax = None,
    deployment: DeploymentOption = "internal",
    max_fit_seconds: MaxFitSeconds = None,
    evidence_policy: EvidencePolicyOption = None,
    provider: Provider = "auto",
    model: Model = None,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Choose a synthesizer for TABLE."""
    from ...agents import ClinicalModelSelector
    from ..render.views import result_view

    selector = ClinicalModelSelector()
    profile = read_profile(table, target, patient_id, kind or (), columns, table_name)
    result = selector.select(
        profile=profile,
        goal=goal,
        tradeoff=tradeoff,
        compliance=compliance,
        allowed=split_names(allowed),
        require_dp=require_dp,
        epsilon_max=epsilon_max,
        deployment=deployment,
        max_fit_seconds=max_fit_seconds,
        evidence_policy=evidence_policy,
        provider=provider,
        model=model,
    )
    if html is not None:
        from ..render.pages import result_page

        write_page(html, result_page(result))
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_view(result_view(result))


@app.command()
def profile(
    table: Table,
    target: Target = None,
    patient_id: PatientId = None,
    kind: Kinds = None,
    columns: Columns = None,
    table_name: TableName = None,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Profile TABLE; asks nobody.

    Shows what is known of each column; --json adds the text of the table that a provider would read.
    """
    from ...profiling import describe_for_prompt, estimate_tokens
    from ..render.views import profile_record, profile_view

    known = read_profile(table, target, patient_id, kind or (), columns, table_name)
    prompt = describe_for_prompt(known.safe)
    tokens = estimate_tokens(prompt)
    if html is not None:
        from ..render.pages import profile_page

        write_page(html, profile_page(known, prompt, tokens))
    if as_json:
        print_json(profile_record(known, prompt, tokens))
    else:
        print_view(profile_view(known, tokens))


@app.command()
def synthesizers(as_json: Json = False) -> None:
    """List the synthesizers.

    Those that can be chosen with their facts, then those that cannot with the reason.
    """
    from ..render.views import catalogue_record, catalogue_view

    if as_json:
        print_json(catalogue_record())
    else:
        print_view(catalogue_view())


@app.command()
def serve(
    host: Annotated[str, typer.Option("--host", metavar="H", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="P", help="Port to listen on.", min=0, max=65535)] = 8000,
    new_key: Annotated[
        str | None, typer.Option("--new-key", metavar="NAME", help="Make a key for a caller, and do nothing else.")
    ] = None,
) -> None:
    """Serve the API, and a page at /.

    Listens to this machine alone; any other address needs keys (SERVICE_KEYS).
    """
    from ..service.server import print_new_key, run_service

    if new_key is not None:
        print_new_key(new_key)
    else:
        run_service(host, port)


@app.command()
def models(as_json: Json = False) -> None:
    """List OpenRouter's models that can answer, with their prices."""
    from ...chains.providers.openrouter_models import list_models
    from ..render.provider_views import models_record, models_view

    found = list_models(Settings())
    if as_json:
        print_json(models_record(found))
    else:
        print_view(models_view(found))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Find out who would answer, and what to mend.

    Ends with exit code 3 where no provider can answer.
    """
    from ...chains.doctor import can_answer, run_doctor
    from ..render.provider_views import findings_record, findings_view

    findings = run_doctor(Settings())
    if as_json:
        print_json(findings_record(findings))
    else:
        print_view(findings_view(findings))
    if not can_answer(findings):
        raise typer.Exit(NOBODY_ANSWERS)


register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit.

    Exit codes: 0 done, 1 failed at work, 2 wrong use or bad input, 3 no provider could answer, 4 nothing feasible.
    """
    install_quiet_excepthook()
    logging.basicConfig(level=logging.WARNING, format="warning: %(message)s", stream=sys.stderr)
    command = typer.main.get_command(app)
    try:
        command.main(None if arguments is None else list(arguments), prog_name=PROGRAM)
    except SelectorError as error:
        print_error(error_lines(error))
        sys.exit(exit_code(error))
