"""``benchmark``: measure synthesizers, and selectors by them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ...schemas.errors import SettingsError
from .inputs import need_light, split_names
from .options import Json, Level, Memory, Seconds
from .terminal import print_json, print_view, say, write_page

__all__ = ["benchmark"]

benchmark = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Measure synthesizers, and selectors by them."
)


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
    quick: Annotated[
        bool, typer.Option("--quick", help="The quick score and its raw figures alone, a tenth of the time.")
    ] = False,
    collect: Annotated[
        Path | None, typer.Option("--collect", metavar="FILE", help="Then gather all results in this Parquet file.")
    ] = None,
    older: Annotated[
        Path | None,
        typer.Option("--older", metavar="FILE", help="Parquet file whose cells, where not measured anew, go in too."),
    ] = None,
) -> None:
    """Measure every cell (table, method, seed) that has no result yet, values of few protected as before any fit."""
    need_light("benchmark run")
    from ...evidence.benchmark.controls import CONTROLS
    from ...evidence.benchmark.results import collect_results
    from ...evidence.benchmark.run import is_done, is_for, list_cells, run_benchmark
    from ...evidence.benchmark.tables import read_tables
    from ...schemas.settings import Settings
    from ...synthesizers.catalogue import CATALOGUE
    from ...synthesizers.running.fit_process import FitLimits

    known = read_tables(tables, data)
    chosen = split_names(methods) or (*CONTROLS, *CATALOGUE)
    unknown = [name for name in chosen if name not in CATALOGUE and name not in CONTROLS]
    if unknown:
        raise SettingsError(f"--methods: unknown {', '.join(unknown)}; known are {', '.join((*CONTROLS, *CATALOGUE))}")
    by_name = {table.name: table for table in known}
    cells = [cell for cell in list_cells(by_name, chosen, seeds) if is_for(cell.method, by_name[cell.table])]
    if scheduler is not None:
        import distributed

        # joblib finds the client that was made last.
        distributed.Client(scheduler)  # type: ignore[no-untyped-call]
    say(f"{len(cells)} cells, of which {sum(is_done(output, cell) for cell in cells)} are done")
    done = run_benchmark(
        known,
        cells,
        output.resolve(),
        Path(Settings().selector_environments).expanduser(),
        limits=FitLimits(limit_seconds, limit_gb * 1e9),
        jobs=jobs,
        backend=backend,
        depth="quick" if quick else "full",
    )
    say(f"measured {done} cells")
    if collect is not None:
        collect_results(output, collect, older)


@benchmark.command("histories")
def benchmark_histories(
    tables: Annotated[Path, typer.Argument(metavar="TABLES", help="TOML file that lists sets of tables.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where their files are.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds 0, 1, ….")] = 3,
    k: Annotated[int, typer.Option("--k", min=2, help="Patients who must hold a value, and stand behind a leaf.")] = 5,
    only: Annotated[str | None, typer.Option("--only", metavar="A,B,…", help="These sets. [default: all]")] = None,
    checks: Annotated[
        bool, typer.Option("--checks", help="Only what must hold: keys, rows a patient, nothing after a death.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Keep the figures here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure histories by patient, beside real patients and controls that are bad in a known way."""
    need_light("benchmark histories")
    import json
    from dataclasses import asdict

    from ...evidence.histories.benchmark import read_history_tables, run_history_benchmark, run_history_checks
    from ...schemas.settings import Settings
    from ..render.history_views import history_benchmark_view

    chosen = split_names(only)
    sets = [item for item in read_history_tables(tables, data) if not chosen or item.name in chosen]
    if not sets:
        raise SettingsError("--only: no such set in the file")
    arms = []
    for item in sets:
        say(f"measuring {item.name}")
        measure = run_history_checks if checks else run_history_benchmark
        arms += measure([item], Path(Settings().selector_environments).expanduser(), seeds=seeds, k=k)
    records = [{**asdict(arm), "k": k} for arm in arms]
    if output is not None:
        output.write_text(json.dumps(records, indent=1) + "\n")
    if as_json:
        print_json(records)
    else:
        print_view(history_benchmark_view(arms))


@benchmark.command("controls")
def benchmark_controls(
    tables: Annotated[Path, typer.Argument(metavar="TABLES", help="TOML file that lists the tables.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where their files are.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where each verdict goes.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds 0, 1, ….")] = 3,
    compliance: Level = None,
    as_json: Json = False,
) -> None:
    """Judge copies and honest tables, whose right answers are known: how often is the whole verdict right."""
    need_light("benchmark controls")
    from ...evidence.benchmark.judged_controls import judge_controls, summarise_controls
    from ...evidence.benchmark.tables import read_tables
    from ...schemas.settings import Settings
    from ..render.benchmark_views import controls_view

    level = compliance or Settings().compliance_level
    say(f"judged {judge_controls(read_tables(tables, data), seeds, output, compliance=level, watch=say)} controls")
    summary = summarise_controls(output)
    if as_json:
        print_json(summary)
    else:
        print_view(controls_view(summary))


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
    need_light("benchmark report")
    from ...agents.benchmark_selectors import make_selector
    from ...evidence.benchmark.regret import report_regret
    from ...evidence.benchmark.results import load_measurements
    from ..render.benchmark_views import regret_page, regret_view

    found = report_regret(load_measurements(measurements), make_selector(provider))
    if html is not None:
        write_page(html, regret_page(found))
    if as_json:
        print_json(found)
    else:
        print_view(regret_view(found))


@benchmark.command("arms")
def benchmark_arms(
    provider: Annotated[
        str, typer.Option("--provider", help="Whose model is asked: openrouter or ollama; embedded asks none.")
    ] = "embedded",
    measurements: Annotated[
        Path | None, typer.Option("--measurements", metavar="FILE", help="Parquet file. [default: the one shipped]")
    ] = None,
    scenarios: Annotated[
        str, typer.Option("--scenarios", metavar="A,B,…", help="Asked for each table, as benchmark report names them.")
    ] = "none,privacy,risk cap",
    goals: Annotated[
        Path | None, typer.Option("--goals", metavar="FILE", help="TOML file of goals in words, asked too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Does a model add anything: with the figures, without them, with others', beside choices that ask nobody."""
    need_light("benchmark arms")
    from ...agents.benchmark_selectors import make_arms, make_planners
    from ...evidence.benchmark.arms import compare_arms
    from ...evidence.benchmark.goals import compare_on_goals, read_goals
    from ...evidence.benchmark.results import load_measurements
    from ..render.benchmark_views import arms_view

    wanted = () if goals is None else read_goals(goals)
    report = compare_arms(load_measurements(measurements), make_arms(provider), scenarios=split_names(scenarios) or ())
    if wanted:
        report["goals"] = compare_on_goals(wanted, make_planners(provider))
    if as_json:
        print_json(report)
    else:
        print_view(arms_view(report))


@benchmark.command("meaning")
def benchmark_meaning(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH", help="TOML file of what is true of the tables.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where their files are.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="JSON that keeps what was measured.")
    ] = None,
    methods: Annotated[
        str, typer.Option("--methods", metavar="A,B,…", help="Synthesizers whose violations are counted.")
    ] = "cart,gaussian_copula,arf,bayesian_network,latent_class",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Seeds 0, 1, ….")] = 1,
    limit_seconds: Seconds = 600.0,
    limit_gb: Memory = 8.0,
) -> None:
    """Measure concepts and rules against truth by hand, and violations with and without rules for each synthesizer."""
    need_light("benchmark meaning")
    from ...evidence.meaning_benchmark import measure_concepts, measure_kept_rules, measure_rules, read_truth
    from ...schemas.settings import Settings
    from ...synthesizers.catalogue import CATALOGUE
    from ...synthesizers.running.files import write_atomically
    from ...synthesizers.running.fit_process import FitLimits

    tables = read_truth(truth, data)
    chosen = split_names(methods) or ()
    if unknown := [name for name in chosen if name not in CATALOGUE]:
        raise SettingsError(f"--methods: unknown {', '.join(unknown)}; known are {', '.join(CATALOGUE)}")
    environments = Path(Settings().selector_environments).expanduser()
    limits = FitLimits(limit_seconds, limit_gb * 1e9)
    halves = {str(half): [table for table in tables if table.half == half] for half in (1, 2)}
    record: dict[str, Any] = {
        "concepts": {half: measure_concepts(some) for half, some in halves.items()}, "rules": [], "kept": [],
    }  # fmt: skip
    for table in tables:
        if not table.rules:
            continue
        say(f"{table.name}: rules")
        record["rules"].append(measure_rules(table, environments=environments))
        for method in chosen:
            for seed in range(seeds):
                say(f"{table.name}: {method}, seed {seed}")
                rows = measure_kept_rules(table, method, environments=environments, seed=seed, limits=limits)
                record["kept"].extend(rows)
        if output is not None:
            text = json.dumps(record, indent=1) + "\n"
            write_atomically(output, partial(Path.write_text, data=text, encoding="utf-8"))
    print_json(record)


@benchmark.command("peers")
def benchmark_peers(
    measurements: Annotated[
        Path | None, typer.Option("--measurements", metavar="FILE", help="Parquet file. [default: the one shipped]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Who ranks best on SYNTHONY's seven tables and three intents: recommender, majority, nearest tables, or lot."""
    need_light("benchmark peers")
    from ...evidence.benchmark.peer_test import run_peer_test
    from ...evidence.benchmark.results import load_measurements
    from ..render.benchmark_views import peers_view

    report = run_peer_test(load_measurements(measurements))
    if as_json:
        print_json(report)
    else:
        print_view(peers_view(report))
