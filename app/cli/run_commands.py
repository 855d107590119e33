"""The commands that carry plans out and judge what came of it: synthesize, evaluate, auto."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ...schemas.base import count_of
from ...schemas.errors import SettingsError
from ...schemas.options import SelectionOptions
from ..linked_files import auto_linked, check_folder, evaluate_linked, is_set, keys_of, sources_of, write_set
from .exit_codes import NOT_RELEASED
from .inputs import create_for, need_light, open_given, split_names, told_kinds
from .options import (
    Html,
    Json,
    Level,
    LinkOptions,
    Memory,
    PatientId,
    ReadingOptions,
    Seconds,
    Table,
    TableOptions,
    Target,
    expand_options,
)
from .progress import tell_steps
from .synthesis_output import tell_rules, write_synthesis
from .terminal import print_json, print_view, say, write_page

__all__ = ["register"]

Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Makes the run repeatable; not for DP methods.")]
Quasi = Annotated[
    str | None,
    typer.Option("--quasi-identifiers", metavar="A,B,…", help="Columns that outsiders know. [default: the profile's]"),
]
FailOn = Annotated[
    Literal["not-shown", "no", "never"],
    typer.Option("--fail-on", help="Exit with 5 where release is no, also where it is not shown, or never."),
]
CreateEnvironments = Annotated[
    bool, typer.Option("--create-environments", help="Install what a method of the plan needs and is missing.")
]
HeldOut = Annotated[
    float, typer.Option("--held-out", min=0.0, max=0.5, metavar="SHARE", help="Share of rows that no fit sees.")
]
PublicBounds = Annotated[
    Path | None,
    typer.Option(
        "--public-bounds", metavar="FILE", help="JSON of COLUMN: [low, high] or [levels] that are public knowledge."
    ),
]
MinPersons = Annotated[
    int | None,
    typer.Option("--min-persons", min=2, metavar="K", help="Persons who must hold a value. [default: the level's]"),
]
NoProtection = Annotated[
    bool, typer.Option("--no-protection", help="Let values of few persons into the fit; at the level research only.")
]
SpreadsheetSafe = Annotated[
    bool, typer.Option("--spreadsheet-safe", help="Put an apostrophe before texts that a spreadsheet would run.")
]
Rules = Annotated[
    str,
    typer.Option(
        "--rules",
        metavar="FILE|off",
        help="YAML of rules between columns besides those that the table bears out, or off.",
    ),
]
Rows = Annotated[
    int | None, typer.Option("--rows", metavar="N", min=1, help="How many. [default: as the real table, by the plan]")
]
Force = Annotated[bool, typer.Option("--force", help="Write over what is there.")]
Out = Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Where to write it: .csv, .tsv or .parquet.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(synthesize)
    app.command()(sample)
    app.command()(evaluate)
    app.command()(auto)


@expand_options
def synthesize(
    table: Table,
    reading: ReadingOptions,
    linked: LinkOptions,
    plan: Annotated[Path, typer.Option("--plan", metavar="FILE", help="A plan, or what select --json printed.")],
    output: Out,
    patient_id: PatientId = None,
    seed: Seed = None,
    held_out: HeldOut = 0.2,
    limit_seconds: Seconds = 3600.0,
    limit_gb: Memory = 8.0,
    public_bounds: PublicBounds = None,
    target: Target = None,
    compliance: Level = None,
    min_persons: MinPersons = None,
    no_protection: NoProtection = False,
    rules: Rules = "keep",
    rows: Rows = None,
    save_model: Annotated[
        Path | None,
        typer.Option("--save-model", metavar="DIR", help="Keep the fitted model for sample; as sensitive as TABLE."),
    ] = None,
    force: Force = False,
    spreadsheet_safe: SpreadsheetSafe = False,
    create_environments: CreateEnvironments = False,
) -> None:
    """Make the synthetic table that a plan describes, and its run card beside it; with --events a folder of tables."""
    need_light("synthesize")
    from ...agents.synthesize import protection_by
    from ...agents.synthesize import synthesize as carry_out
    from ...schemas.settings import Settings
    from ...synthesizers.running.files import check_output
    from ...synthesizers.running.fit_process import FitLimits
    from ..input_files import read_bounds, read_plan

    settings = Settings()
    changed = {"selector_min_persons": min_persons, "selector_value_protection": "off" if no_protection else None}
    settings = settings.updated(**{name: value for name, value in changed.items() if value is not None})
    known = read_plan(plan)
    protection = protection_by(settings, compliance or getattr(known, "compliance", None))
    if is_set(table, linked):
        from ...agents.linked import synthesize_set

        if save_model is not None:
            raise SettingsError("--save-model: models of linked tables cannot be kept")
        files = sources_of(table, linked, reading.table_name)
        check_folder(output, files, force=force)
        write_set(
            synthesize_set(
                files, known, keys=keys_of(list(files), linked), protection=protection, seed=seed,
                held_out=held_out, limits=FitLimits(limit_seconds, limit_gb * 1e9), settings=settings, say=tell_steps(),
            ),
            output,
        )  # fmt: skip
        return
    check_output(output, force=force)
    if create_environments:
        create_for(known.plan.methods if hasattr(known, "plan") else known.methods, settings)
    made = carry_out(
        open_given(table, reading),
        known,
        patient_id=patient_id,
        target=target,
        protection=protection,
        seed=seed,
        held_out=held_out,
        limits=FitLimits(limit_seconds, limit_gb * 1e9),
        public=read_bounds(public_bounds),
        settings=settings,
        rows=rows,
        save_model=save_model,
        force=force,
        rules=rules,
        say=tell_steps(),
    )
    write_synthesis(made, output, spreadsheet_safe)
    say(f"wrote {count_of(len(made.table), 'row')} made by {made.card.method}, and the run card beside them")
    tell_rules(made)


def sample(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What synthesize --save-model wrote.")],
    output: Out,
    rows: Rows = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Makes the draw repeatable.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="COLUMN=VALUE", help="Only rows that have this value; repeatable."),
    ] = None,
    balance: Annotated[
        str | None, typer.Option("--balance", metavar="COLUMN", help="Equally many rows of each of its levels.")
    ] = None,
    force: Force = False,
    spreadsheet_safe: SpreadsheetSafe = False,
    limit_seconds: Seconds = 600.0,
    limit_gb: Memory = 8.0,
) -> None:
    """Make further rows of a model that was kept, and their run card beside them."""
    need_light("sample")
    from ...agents.synthesize import sample as draw
    from ...synthesizers.running.files import check_output
    from ...synthesizers.running.fit_process import FitLimits

    conditions = dict(pair.partition("=")[::2] for pair in where or ())
    if "" in conditions or not all("=" in pair for pair in where or ()):
        raise SettingsError("--where: must be COLUMN=VALUE")
    check_output(output, force=force)
    limits = FitLimits(limit_seconds, limit_gb * 1e9)
    made = draw(folder, rows=rows, seed=seed, where=conditions, balance=balance, limits=limits, say=tell_steps())
    write_synthesis(made, output, spreadsheet_safe)
    say(f"wrote {count_of(len(made.table), 'row')} made by {made.card.method}, and the run card beside them")


@expand_options
def evaluate(
    real: Annotated[str, typer.Argument(metavar="REAL", help="The table that the synthetic one was made from.")],
    synthetic: Annotated[
        str, typer.Argument(metavar="SYNTHETIC", help="The synthetic table; with --events the folder of tables.")
    ],
    reading: ReadingOptions,
    linked: LinkOptions,
    target: Target = None,
    patient_id: PatientId = None,
    compliance: Level = None,
    card: Annotated[
        Path | None, typer.Option("--card", metavar="FILE", help="Its run card. [default: beside SYNTHETIC]")
    ] = None,
    holdout: Annotated[
        str | None, typer.Option("--holdout", metavar="FILE", help="Real rows that the fit never saw.")
    ] = None,
    train: Annotated[
        str | None, typer.Option("--train", metavar="FILE", help="Real rows that the fit saw, where not all of REAL.")
    ] = None,
    quasi: Quasi = None,
    sensitive: Annotated[
        str | None,
        typer.Option("--sensitive", metavar="A,B,…", help="Columns nobody may infer. [default: all but those known]"),
    ] = None,
    fail_on: FailOn = "not-shown",
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Say whether SYNTHETIC may be released, what it is good for and what is lost.

    Exit code 5 where the answer is no or not shown.
    """
    need_light("evaluate")
    if is_set(real, linked):
        from ...evidence.evaluation_sets import set_record
        from ..render.history_views import set_evaluation_view

        judged = evaluate_linked(real, Path(synthetic), linked, compliance, tell_steps(), reading.table_name)
        if html is not None:
            write_page(html, judged.to_html())
        if as_json:
            print_json(set_record(judged))
        else:
            print_view(set_evaluation_view(judged))
        _exit_by_release(judged.release, fail_on)
        return
    from ...evidence.evaluation import as_record
    from ...evidence.evaluation import evaluate as measure
    from ...synthesizers.running.files import card_path
    from ..input_files import read_card
    from ..render.evaluation_views import evaluation_page, evaluation_view

    beside = card_path(Path(synthetic))
    known = read_card(card) if card is not None else read_card(beside) if beside.exists() else None
    evaluation = measure(
        open_given(real, reading),
        open_given(synthetic, ReadingOptions()),
        card=known,
        holdout=holdout,
        train=train,
        target=target,
        patient_id=patient_id,
        compliance=compliance,
        quasi_identifiers=split_names(quasi),
        sensitive=split_names(sensitive),
        say=tell_steps(),
    )
    if html is not None:
        write_page(html, evaluation_page(evaluation))
    if as_json:
        print_json(as_record(evaluation))
    else:
        print_view(evaluation_view(evaluation))
    _exit_by_release(evaluation.release, fail_on)


@expand_options
def auto(
    table: Table,
    output: Out,
    options: SelectionOptions,
    look: TableOptions,
    linked: LinkOptions,
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=10, help="At most so many.")] = 3,
    max_seconds: Annotated[
        float, typer.Option("--max-seconds", metavar="S", min=0.0, help="CPU seconds to tune the first plan; 0: not.")
    ] = 120.0,
    seed: Seed = None,
    held_out: HeldOut = 0.2,
    limit_seconds: Seconds = 600.0,
    limit_gb: Memory = 8.0,
    public_bounds: PublicBounds = None,
    quasi: Quasi = None,
    rules: Rules = "keep",
    force: Force = False,
    spreadsheet_safe: SpreadsheetSafe = False,
    create_environments: CreateEnvironments = False,
    fail_on: FailOn = "not-shown",
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Select, synthesize, evaluate, and plan anew until nothing fails; keep the best.

    The table is written all the same; exit code 5 where its release is refused or not shown to be safe. With --events,
    or a folder of tables, a set is made with more caution while its release is refused, and written as a folder.
    """
    need_light("auto")
    if is_set(table, linked):
        if public_bounds is not None or quasi is not None or spreadsheet_safe:
            raise SettingsError("--public-bounds, --quasi-identifiers, --spreadsheet-safe: not for linked tables")
        best_set = auto_linked(
            table,
            linked,
            output,
            rounds=rounds,
            seed=seed,
            held_out=held_out,
            force=force,
            limits=(limit_seconds, limit_gb),
            options=dict(options),
            table_name=look.table_name,
            as_json=as_json,
            html=html,
        )
        _exit_by_release(best_set.evaluation.release, fail_on)
        return
    from ...agents import ClinicalModelSelector
    from ...agents.auto import run_auto
    from ...synthesizers.running.files import check_output
    from ...synthesizers.running.fit_process import FitLimits
    from ..input_files import read_bounds
    from ..render.evaluation_views import auto_page, auto_record, auto_view

    check_output(output, force=force)
    selector = ClinicalModelSelector()
    best, all_rounds = run_auto(
        open_given(table, look),
        selector=selector,
        rounds=rounds,
        max_seconds=max_seconds,
        seed=seed,
        held_out=held_out,
        limits=FitLimits(limit_seconds, limit_gb * 1e9),
        public=read_bounds(public_bounds),
        quasi_identifiers=split_names(quasi),
        rules=rules,
        say=tell_steps(),
        before=(lambda plan: create_for(plan.methods, selector.settings)) if create_environments else None,
        target=look.target,
        patient_id=look.patient_id,
        time=look.time,
        static=tuple(look.static or ()),
        kinds=told_kinds(look),
        **dict(options),
    )
    write_synthesis(best.synthesis, output, spreadsheet_safe)
    say(f"wrote {count_of(len(best.synthesis.table), 'row')} of round {best.number}, and the run card beside them")
    if html is not None:
        write_page(html, auto_page(best, all_rounds))
    if as_json:
        print_json(auto_record(best, all_rounds))
    else:
        print_view(auto_view(best, all_rounds))
    _exit_by_release(best.evaluation.release, fail_on)


def _exit_by_release(release: str, fail_on: str) -> None:
    """0 for yes, 5 for what ``--fail-on`` names and for what is worse."""
    refused = {"never": (), "no": ("no",), "not-shown": ("no", "not shown")}
    if release in refused[fail_on]:
        raise typer.Exit(NOT_RELEASED)
