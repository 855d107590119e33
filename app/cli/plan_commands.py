"""The commands that look at a table and plan: select, profile, synthesizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ...schemas.options import SelectionOptions
from .inputs import need_light, read_profile
from .options import (
    Columns,
    Html,
    Json,
    Kinds,
    Memory,
    PatientId,
    Seconds,
    Static,
    Table,
    TableName,
    Target,
    Time,
    expand_options,
)
from .progress import Progress
from .terminal import print_json, print_view, write_page

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(select)
    app.command()(tune)
    app.command()(profile)
    app.command()(synthesizers)


@expand_options
def select(
    table: Table,
    options: SelectionOptions,
    target: Target = None,
    patient_id: PatientId = None,
    time: Time = None,
    static: Static = None,
    kind: Kinds = None,
    columns: Columns = None,
    table_name: TableName = None,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Choose a synthesizer for TABLE."""
    from ...agents import ClinicalModelSelector
    from ..render.views import result_view

    selector = ClinicalModelSelector()
    profile = read_profile(table, target, patient_id, kind or (), columns, table_name, time, static or ())
    result = selector.select(profile=profile, **dict(options))
    if html is not None:
        from ..render.pages import result_page

        write_page(html, result_page(result))
    if as_json:
        print_json(json.loads(result.to_json(names=True)))
    else:
        print_view(result_view(result))


@expand_options
def tune(
    table: Table,
    options: SelectionOptions,
    target: Target = None,
    patient_id: PatientId = None,
    time: Time = None,
    static: Static = None,
    kind: Kinds = None,
    columns: Columns = None,
    table_name: TableName = None,
    max_seconds: Annotated[
        float, typer.Option("--max-seconds", metavar="S", min=1.0, help="CPU seconds for all fits and scores.")
    ] = 120.0,
    start: Annotated[
        Path | None, typer.Option("--start", metavar="FILE", help="What select --json printed, to start from.")
    ] = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", metavar="DIR", help="Keep each fit's figures there, and go on from them.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Fits at a time.")] = 1,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Decides how the table is split.")] = 0,
    limit_seconds: Seconds = 600.0,
    limit_gb: Memory = 8.0,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Choose a synthesizer for TABLE by fitting the candidates to it.

    Ctrl-C ends the race and keeps the best so far.
    """
    need_light("tune")
    from ...agents import ClinicalModelSelector
    from ...agents.tune import tune as run_tune
    from ...profiling import open_table
    from ...synthesizers.running.fit_process import FitLimits
    from ..render.views import result_view
    from .input_files import read_result

    profile = read_profile(table, target, patient_id, kind or (), columns, table_name, time, static or ())
    with Progress(work="tuning") as progress:
        result = run_tune(
            open_table(table, table_name=table_name),
            selector=ClinicalModelSelector(),
            start=read_result(start) if start is not None else None,
            max_seconds=max_seconds,
            seed=seed,
            limits=FitLimits(limit_seconds, limit_gb * 1e9),
            jobs=jobs,
            folder=runs,
            watch=lambda stage, share: progress(share, stage),
            profile=profile,
            **dict(options),
        )
    if html is not None:
        from ..render.pages import result_page

        write_page(html, result_page(result))
    if as_json:
        print_json(json.loads(result.to_json(names=True)))
    else:
        print_view(result_view(result))


def profile(
    table: Table,
    target: Target = None,
    patient_id: PatientId = None,
    time: Time = None,
    static: Static = None,
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

    known = read_profile(table, target, patient_id, kind or (), columns, table_name, time, static or ())
    prompt = describe_for_prompt(known.safe)
    tokens = estimate_tokens(prompt)
    if html is not None:
        from ..render.pages import profile_page

        write_page(html, profile_page(known, prompt, tokens))
    if as_json:
        print_json(profile_record(known, prompt, tokens))
    else:
        print_view(profile_view(known, tokens))


def synthesizers(as_json: Json = False) -> None:
    """List the synthesizers.

    Those that can be chosen with their facts, then those that cannot with the reason.
    """
    from ..render.views import catalogue_record, catalogue_view

    if as_json:
        print_json(catalogue_record())
    else:
        print_view(catalogue_view())
