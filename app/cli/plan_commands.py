"""The commands that carry plans out: synthesize, evaluate, auto, environments, benchmark."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ...schemas.errors import SettingsError
from ...schemas.settings import Settings
from .inputs import parse_kinds, split_names
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
from .terminal import print_json, print_view, printable, write_page

__all__ = ["register"]

benchmark = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Measure synthesizers, and selectors by them."
)

Seed = Annotated[int | None, typer.Option("--seed", metavar="N", help="Makes the run repeatable; not for DP methods.")]
Quasi = Annotated[str | None, typer.Option("--quasi-identifiers", metavar="A,B,…", help="Columns for k-anonymity.")]
CreateEnvironments = Annotated[
    bool, typer.Option("--create-environments", help="Install what a method of the plan needs and is missing.")
]
HeldOut = Annotated[
    float, typer.Option("--held-out", min=0.0, max=0.5, metavar="SHARE", help="Share of rows that no fit sees.")
]
Seconds = Annotated[float, typer.Option("--limit-seconds", metavar="S", help="Longest fit, wall-clock.")]
Memory = Annotated[float, typer.Option("--limit-gb", metavar="GB", help="Largest memory of a fit.")]
PublicBounds = Annotated[
    Path | None,
    typer.Option(
        "--public-bounds", metavar="FILE", help="JSON of COLUMN: [low, high] or [levels] that are public knowledge."
    ),
]
Out = Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="Where to write it: .csv, .tsv or .parquet.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(synthesize)
    app.command()(evaluate)
    app.command()(auto)
    app.command()(environments)
    app.add_typer(benchmark, name="benchmark")


def synthesize(
    table: Table,
    plan: Annotated[Path, typer.Option("--plan", metavar="FILE", help="A plan, or what select --json printed.")],
    output: Out,
    table_name: TableName = None,
    patient_id: PatientId = None,
    seed: Seed = None,
    held_out: HeldOut = 0.2,
    limit_seconds: Seconds = 3600.0,
    limit_gb: Memory = 8.0,
    public_bounds: PublicBounds = None,
    create_environments: CreateEnvironments = False,
) -> None:
    """Make the synthetic table that a plan describes, and its run card beside it."""
    _need_light("synthesize")
    from ...agents.synthesize import synthesize as carry_out
    from ...profiling import open_table
    from ...synthesizers.running.files import check_output, write_result
    from ...synthesizers.running.fit_process import FitLimits
    from .input_files import read_bounds, read_plan

    settings = Settings()
    known = read_plan(plan)
    check_output(output)
    if create_environments:
        _create_for(known.plan.methods if hasattr(known, "plan") else known.methods, settings)
    made = carry_out(
        open_table(table, table_name=table_name),
        known,
        patient_id=patient_id,
        seed=seed,
        held_out=held_out,
        limits=FitLimits(limit_seconds, limit_gb * 1e9),
        public=read_bounds(public_bounds),
        settings=settings,
        say=_say,
    )
    write_result(made.table, made.card.model_dump_json(indent=2), output)
    _say(f"wrote {len(made.table)} rows made by {made.card.method}, and the run card beside them")


def evaluate(
    real: Annotated[str, typer.Argument(metavar="REAL", help="The table that the synthetic one was made from.")],
    synthetic: Annotated[str, typer.Argument(metavar="SYNTHETIC", help="The synthetic table.")],
    table_name: TableName = None,
    target: Target = None,
    compliance: Level = None,
    card: Annotated[
        Path | None, typer.Option("--card", metavar="FILE", help="Its run card. [default: beside SYNTHETIC]")
    ] = None,
    quasi: Quasi = None,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Measure fidelity, utility and disclosure risk of SYNTHETIC, and judge them."""
    _need_light("evaluate")
    from ...evidence.evaluation import as_record
    from ...evidence.evaluation import evaluate as measure
    from ...profiling import open_table
    from ...synthesizers.running.files import card_path
    from ..render.evaluation_views import evaluation_page, evaluation_view
    from .input_files import read_card

    beside = card_path(Path(synthetic))
    known = read_card(card) if card is not None else read_card(beside) if beside.exists() else None
    found = measure(
        open_table(real, table_name=table_name),
        open_table(synthetic),
        card=known,
        target=target,
        compliance=compliance or Settings().compliance_level,
        quasi_identifiers=split_names(quasi) or (),
    )
    if html is not None:
        write_page(html, evaluation_page(found))
    if as_json:
        print_json(as_record(found))
    else:
        print_view(evaluation_view(found))


def auto(
    table: Table,
    output: Out,
    target: Target = None,
    patient_id: PatientId = None,
    table_name: TableName = None,
    kind: Kinds = None,
    columns: Columns = None,
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
    rounds: Annotated[int, typer.Option("--rounds", min=1, max=10, help="At most so many.")] = 3,
    seed: Seed = None,
    held_out: HeldOut = 0.2,
    limit_seconds: Seconds = 600.0,
    limit_gb: Memory = 8.0,
    public_bounds: PublicBounds = None,
    quasi: Quasi = None,
    create_environments: CreateEnvironments = False,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Select, synthesize, evaluate, and plan anew until nothing fails; keep the best."""
    _need_light("auto")
    from ...agents import ClinicalModelSelector
    from ...agents.auto import run_auto
    from ...profiling import open_table
    from ...profiling.kinds_file import load_columns_file
    from ...synthesizers.running.files import check_output, write_result
    from ...synthesizers.running.fit_process import FitLimits
    from ..render.evaluation_views import auto_page, auto_record, auto_view
    from .input_files import read_bounds

    check_output(output)
    selector = ClinicalModelSelector()
    best, all_rounds = run_auto(
        open_table(table, table_name=table_name),
        selector=selector,
        rounds=rounds,
        seed=seed,
        held_out=held_out,
        limits=FitLimits(limit_seconds, limit_gb * 1e9),
        public=read_bounds(public_bounds),
        quasi_identifiers=split_names(quasi) or (),
        say=_say,
        before=(lambda plan: _create_for(plan.methods, selector.settings)) if create_environments else None,
        target=target,
        patient_id=patient_id,
        kinds={**(load_columns_file(columns) if columns else {}), **parse_kinds(kind or ())},
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
    write_result(best.synthesis.table, best.synthesis.card.model_dump_json(indent=2), output)
    _say(f"wrote {len(best.synthesis.table)} rows of round {best.number}, and the run card beside them")
    if html is not None:
        write_page(html, auto_page(best, all_rounds))
    if as_json:
        print_json(auto_record(best, all_rounds))
    else:
        print_view(auto_view(best, all_rounds))


def environments(
    create: Annotated[str | None, typer.Option("--create", metavar="NAME", help="Install this one, or all.")] = None,
    as_json: Json = False,
) -> None:
    """List the synthesizers' environments, or install one."""
    from ...synthesizers.running.environments import ENVIRONMENTS, create_environment, is_created

    root = Path(Settings().selector_environments).expanduser()
    for name in ENVIRONMENTS if create == "all" else [create] if create else []:
        _say(f"installing the environment {name}")
        create_environment(name, root)
    record = [
        {"name": one.name, "methods": list(one.methods), "created": is_created(one.name, root)}
        for one in ENVIRONMENTS.values()
    ]
    if as_json:
        print_json(record)
    else:
        from ..render.evaluation_views import environments_view

        print_view(environments_view(record))


@benchmark.command("run")
def benchmark_run(
    tables: Annotated[Path, typer.Argument(metavar="TABLES", help="TOML file that lists the tables.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where their files are.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where each cell's result goes.")],
    methods: Annotated[
        str | None, typer.Option("--methods", metavar="A,B,…", help="Synthesizers and controls. [default: all]")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds 0, 1, ….")] = 3,
    jobs: Annotated[int, typer.Option("--jobs", help="Cells at a time; -1 is one per core.")] = 1,
    backend: Annotated[
        str, typer.Option("--backend", help="joblib's: loky, threading, sequential, dask or ray.")
    ] = "loky",
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="ADDRESS", help="Dask scheduler, for --backend dask.")
    ] = None,
    limit_seconds: Seconds = 600.0,
    limit_gb: Memory = 8.0,
    collect: Annotated[
        Path | None, typer.Option("--collect", metavar="FILE", help="Then gather all results in this Parquet file.")
    ] = None,
) -> None:
    """Measure every cell (table, method, seed) that has no result yet."""
    _need_light("benchmark run")
    from ...evidence.benchmark.controls import CONTROLS
    from ...evidence.benchmark.results import collect_results
    from ...evidence.benchmark.run import is_done, list_cells, read_tables, run_benchmark
    from ...synthesizers.catalogue import CATALOGUE
    from ...synthesizers.running.fit_process import FitLimits

    known = read_tables(tables, data)
    chosen = split_names(methods) or (*CONTROLS, *CATALOGUE)
    unknown = [name for name in chosen if name not in CATALOGUE and name not in CONTROLS]
    if unknown:
        raise SettingsError(f"--methods: unknown {', '.join(unknown)}; known are {', '.join((*CONTROLS, *CATALOGUE))}")
    cells = list_cells([table.name for table in known], chosen, seeds)
    if scheduler is not None:
        import distributed

        # joblib finds the client that was made last.
        distributed.Client(scheduler)  # type: ignore[no-untyped-call]
    _say(f"{len(cells)} cells, of which {sum(is_done(output, cell) for cell in cells)} are done")
    done = run_benchmark(
        known,
        cells,
        output.resolve(),
        Path(Settings().selector_environments).expanduser(),
        limits=FitLimits(limit_seconds, limit_gb * 1e9),
        jobs=jobs,
        backend=backend,
    )
    _say(f"measured {done} cells")
    if collect is not None:
        collect_results(output, collect)


@benchmark.command("report")
def benchmark_report(
    measurements: Annotated[
        Path | None, typer.Option("--measurements", metavar="FILE", help="Parquet file. [default: the one shipped]")
    ] = None,
    provider: Annotated[
        str, typer.Option("--provider", help="Who selects: embedded, openrouter or ollama.")
    ] = "embedded",
    as_json: Json = False,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the plot too.")] = None,
) -> None:
    """Regret of a selector over tables and scenarios, the judged table left out of what it knows."""
    _need_light("benchmark report")
    from ...evidence.benchmark.regret import report_regret
    from ...evidence.benchmark.results import load_measurements
    from ..render.evaluation_views import regret_page, regret_view
    from .benchmark_selectors import make_selector

    found = report_regret(load_measurements(measurements), make_selector(provider))
    if html is not None:
        write_page(html, regret_page(found))
    if as_json:
        print_json(found)
    else:
        print_view(regret_view(found))


def _need_light(command: str) -> None:
    """Say early and plainly that the extra is missing."""
    from importlib.util import find_spec

    from ...schemas.errors import MissingExtra

    if not all(find_spec(name) for name in ("pandas", "scipy", "sklearn", "psutil", "joblib")):
        raise MissingExtra(command, "light")


def _create_for(methods: Any, settings: Settings) -> None:
    from ...synthesizers.running.environments import create_environment, environment_of

    for name in {one.name for one in map(environment_of, methods) if one is not None}:
        _say(f"installing the environment {name}")
        create_environment(name, Path(settings.selector_environments).expanduser())


def _say(text: str) -> None:
    sys.stderr.write(printable(text) + "\n")
