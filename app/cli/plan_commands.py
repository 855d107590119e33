"""The commands that look at a table and plan: select, replan, profile, compare, synthesizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...schemas.errors import SettingsError
from ...schemas.options import SelectionOptions
from ..linked_files import is_set, profile_linked, tune_linked
from .inputs import need_light, open_given, profile_of, read_profile
from .options import (
    Html,
    Json,
    LinkOptions,
    Memory,
    SavedProfile,
    Seconds,
    Table,
    TableOptions,
    TableOrProfile,
    expand_options,
)
from .progress import Progress, shown_selection
from .terminal import print_json, print_view, say, write_page

if TYPE_CHECKING:
    from ...schemas.profile import SafeProfile, TableProfile
    from ...schemas.request import Landmark
    from ...schemas.result import SelectionResult
    from ...schemas.settings import Settings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(select)
    app.command()(replan)
    app.command()(tune)
    app.command()(profile)
    app.command()(compare)
    app.command()(synthesizers)


@expand_options
def select(
    options: SelectionOptions,
    look: TableOptions,
    linked: LinkOptions,
    table: TableOrProfile = None,
    profile: SavedProfile = None,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Choose a synthesizer for TABLE, or for a set of linked tables with --events."""
    from ...agents import ClinicalModelSelector

    selector = ClinicalModelSelector()
    several = table is not None and is_set(table, linked)
    known = profile_linked(table, linked, look.table_name) if several and table else profile_of(table, profile, look)
    landmarks = () if several else _landmarks(table, known, options, look, selector.settings)
    with shown_selection(selector.settings.selector_deadline_s) as config:
        result = selector.select(profile=known, landmarks=landmarks, config=config, **dict(options))
    _show_result(result, as_json, html, table)


def _landmarks(
    table: str | None,
    profile: SafeProfile | TableProfile,
    options: SelectionOptions,
    look: TableOptions,
    settings: Settings,
) -> tuple[Landmark, ...]:
    """What cheap synthesizers have on the table, where the options or the setting ask for that."""
    from ...schemas.profile import TableProfile
    from ...schemas.request import SelectionRequest

    wanted = settings.selector_measure if options.measure is None else options.measure
    if not wanted or table is None or not isinstance(profile, TableProfile):
        return ()
    need_light("select --measure")
    from ...agents.landmarks import measure_landmarks

    say("fitting the cheap synthesizers to this table once")
    asked = SelectionRequest(profile=profile, **dict(options))
    return measure_landmarks(open_given(table, look), profile, asked, settings)


@expand_options
def replan(
    options: SelectionOptions,
    look: TableOptions,
    previous: Annotated[
        Path, typer.Option("--previous", metavar="FILE", help="The last plan: what select --json printed.")
    ],
    metrics: Annotated[
        Path, typer.Option("--metrics", metavar="FILE", help="How it did: what evaluate --json printed, or a run card.")
    ],
    table: TableOrProfile = None,
    profile: SavedProfile = None,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Choose anew for TABLE, given how the last plan did when it was run."""
    from ...agents import ClinicalModelSelector
    from ...schemas.plan import ModelSelectionPlan
    from ...schemas.request import PreviousRound
    from ..input_files import read_metrics, read_plan

    last = read_plan(previous)
    done = PreviousRound(
        plan=last if isinstance(last, ModelSelectionPlan) else last.plan, metrics=read_metrics(metrics)
    )
    selector = ClinicalModelSelector()
    known = profile_of(table, profile, look)
    with shown_selection(selector.settings.selector_deadline_s) as config:
        result = selector.select(profile=known, previous=done, config=config, **dict(options))
    _show_result(result, as_json, html, table)


def _show_result(result: SelectionResult, as_json: bool, html: Path | None, table: str | None) -> None:
    if html is not None:
        from ..render.pages import result_page

        write_page(html, result_page(result, Path(table).name if table and "://" not in table else ""))
    if as_json:
        print_json(json.loads(result.to_json(names=True)))
    else:
        from ..render.views import result_view

        print_view(result_view(result))


@expand_options
def tune(
    table: Table,
    options: SelectionOptions,
    look: TableOptions,
    linked: LinkOptions,
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

    Ctrl-C ends the race and keeps the best so far. With --events, or a folder of tables, levels of caution are measured
    on patients whom a fit did not see.
    """
    need_light("tune")
    if is_set(table, linked):
        if start is not None or runs is not None:
            raise SettingsError("--start, --runs: not for linked tables, whose levels of caution are fitted once each")
        tuned = tune_linked(
            table,
            linked,
            seed=seed,
            limits=(limit_seconds, limit_gb),
            options=dict(options),
            table_name=look.table_name,
        )
        _show_result(tuned, as_json, html, table)
        return
    from ...agents import ClinicalModelSelector
    from ...agents.tune import tune as run_tune
    from ...synthesizers.running.fit_process import FitLimits
    from ..input_files import read_result

    profile = read_profile(table, look)
    with Progress(work="tuning") as progress:
        result = run_tune(
            open_given(table, look),
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
    _show_result(result, as_json, html, table)


@expand_options
def profile(
    table: Table,
    look: TableOptions,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Keep it for select --profile; it holds names and exact counts."),
    ] = None,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Profile TABLE; asks nobody.

    Shows what is known of each column; --json adds the text of the table that a provider would read.
    """
    from ...profiling import describe_for_prompt, estimate_tokens
    from ..render.views import profile_record, profile_view

    known = read_profile(table, look)
    if save is not None:
        write_page(save, known.model_dump_json(indent=2), option="--save")
    prompt = describe_for_prompt(known.safe)
    tokens = estimate_tokens(prompt)
    if html is not None:
        from ..render.pages import profile_page

        write_page(html, profile_page(known, prompt, tokens))
    if as_json:
        print_json(profile_record(known, prompt, tokens))
    else:
        print_view(profile_view(known, tokens))


def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN…", help="What select, evaluate, auto or tune printed with --json.")
    ],
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Set runs side by side: plan, who chose it, figures, release."""
    from ..input_files import read_run
    from ..render.comparison import compare_runs, comparison_page, comparison_view

    comparison = compare_runs({str(path): read_run(path) for path in runs})
    if html is not None:
        write_page(html, comparison_page(comparison))
    if as_json:
        print_json(comparison)
    else:
        print_view(comparison_view(comparison))


def synthesizers(as_json: Json = False) -> None:
    """List the synthesizers.

    Those that can be chosen with their facts, then those that cannot with the reason.
    """
    from ..render.views import catalogue_record, catalogue_view

    if as_json:
        print_json(catalogue_record())
    else:
        print_view(catalogue_view())
