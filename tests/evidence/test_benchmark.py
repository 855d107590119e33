from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clinical_model_selector.app.render.benchmark_views import regret_page, regret_view
from clinical_model_selector.evidence.benchmark.cell_measures import split_for_cells
from clinical_model_selector.evidence.benchmark.judging import bootstrap_mean
from clinical_model_selector.evidence.benchmark.regret import report_regret, select_embedded
from clinical_model_selector.evidence.benchmark.results import Measured, collect_results, load_measurements
from clinical_model_selector.evidence.benchmark.run import Cell, is_for, list_cells, run_benchmark, run_cell
from clinical_model_selector.evidence.benchmark.scenarios import SCENARIOS
from clinical_model_selector.evidence.benchmark.tables import read_tables
from clinical_model_selector.evidence.recommender.score import ScoreDepth
from clinical_model_selector.evidence.recommender.weighing import SCORE_VERSION
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.methods import HYPERPARAMETERS, TableShape
from clinical_model_selector.schemas.question import Question
from clinical_model_selector.synthesizers.catalogue import CATALOGUE
from clinical_model_selector.synthesizers.running.fit_process import FitLimits
from rich.console import Console
from tables import mixed_table

LIMITS = FitLimits(seconds=100)
DEPTHS: tuple[ScoreDepth, ...] = ("quick", "full")
METHODS = ("row_copy", "independent", "gaussian_copula", "arf")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    lines = []
    for name, rows in (("first", 150), ("second", 200)):
        mixed_table(rows, rows).to_csv(folder / f"{name}.csv", index=False)
        lines.append(f'[[table]]\nname = "{name}"\nfile = "{name}.csv"\ntarget = "outcome"\ndrop = ["visits"]\n')
    path = folder / "tables.toml"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture(scope="module")
def results(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("results")
    tables = read_tables(spec, spec.parent)
    cells = list_cells([t.name for t in tables], METHODS, 1)
    measured = run_benchmark(
        tables, cells, output, spec.parent / "none", limits=LIMITS, backend="sequential", depth="quick"
    )
    assert measured == len(cells) == 8
    return output


def test_cells_come_seed_by_seed() -> None:
    cells = list_cells(["a", "b"], ["x", "y"], 2)
    assert cells[:4] == [Cell("a", "x", 0), Cell("a", "y", 0), Cell("b", "x", 0), Cell("b", "y", 0)]
    assert cells[4:] == [replace(cell, seed=1) for cell in cells[:4]]


def test_a_cell_for_every_level_of_caution() -> None:
    cells = list_cells(["a"], ["cart", "row_copy"], 1)
    assert [cell.caution for cell in cells] == [*CATALOGUE["cart"].cautions, 0.0]
    assert len({cell.filename for cell in cells}) == len(cells)


def test_what_the_table_rules_out_is_a_failure_without_a_fit(spec: Path) -> None:
    table = read_tables(spec, spec.parent)[0]
    found = run_cell(table, Cell("first", "tabddpm", 0), spec.parent, LIMITS)
    assert found["failure"] == "infeasible: needs at least 256 rows, here 150"


def test_what_needs_a_time_and_an_event_is_measured_where_there_are_both(spec: Path) -> None:
    plain = read_tables(spec, spec.parent)[0]
    timed = replace(plain, name="timed", time="age")
    asked = {(method, table.time): is_for(method, table) for method in ("cart", "row_copy") for table in (plain, timed)}
    assert all(asked.values())
    assert (is_for("outcome_first", plain), is_for("outcome_first", timed)) == (False, True)
    refused = run_cell(plain, Cell("first", "outcome_first", 0), spec.parent, LIMITS)
    assert refused["failure"].startswith("infeasible: draws an event and the time to it first")
    found = run_cell(timed, Cell("timed", "outcome_first", 0, 1.0), spec.parent, LIMITS, "quick")
    assert found["failure"] is None
    assert 0 <= found["survival_utility"] <= 1


def test_every_cell_is_kept_also_what_could_not_run(results: Path) -> None:
    copy = json.loads((results / "first__row_copy__0.json").read_text())
    assert copy["failure"] is None
    # A copy of protected rows is no exact copy of the real ones, and still nearest to them.
    assert copy["risk"] > 0.5
    assert copy["protection"] == "hipaa_like"
    assert copy["protection_k"] == 11
    missing = json.loads((results / "first__arf__0.json").read_text())
    assert missing["failure"].startswith("not installed: arf needs")


def test_a_rerun_goes_on_where_it_was(spec: Path, results: Path) -> None:
    tables = read_tables(spec, spec.parent)
    cells = list_cells([t.name for t in tables], METHODS, 1)
    gone = results / cells[0].filename
    kept = gone.read_text()
    gone.unlink()
    (results / f"{gone.stem}.partial").write_text('{"half":')
    # The two cells of arf, whose library is missing, are tried again each time.
    done = run_benchmark(tables, cells, results, spec.parent, limits=LIMITS, backend="sequential", depth="quick")
    assert done == 3
    again, before = json.loads(gone.read_text()), json.loads(kept)
    assert {**again, "fit_cpu_seconds": 0} == {**before, "fit_cpu_seconds": 0}


def test_a_failed_fit_is_a_result(spec: Path) -> None:
    table = read_tables(spec, spec.parent)[0]
    found = run_cell(table, Cell("first", "cart", 0), spec.parent, FitLimits(seconds=0.01))
    assert found["failure"].startswith("time: ran over its limit")


@pytest.mark.parametrize("text", ["", "[[table]]\nname = 1", "nonsense ="])
def test_a_wrong_list_of_tables_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match="not a list of benchmark tables"):
        read_tables(path, tmp_path)


def test_results_are_gathered_and_read_back(results: Path, tmp_path: Path) -> None:
    target = tmp_path / "m.parquet"
    with pytest.raises(SettingsError, match="holds no results"):
        collect_results(tmp_path, target)
    # What could not run for want of its library is no result.
    assert collect_results(results, target) == 6
    cells = load_measurements(target)
    assert {c.method for c in cells} == {"row_copy", "independent", "gaussian_copula"}
    assert {c.origin for c in cells} == {"first", "second"}
    assert {c.protection for c in cells} == {"hipaa_like"}


def test_full_cells_hold_what_quick_ones_hold_and_more(spec: Path) -> None:
    table = read_tables(spec, spec.parent)[0]
    quick, full = (run_cell(table, Cell("first", "independent", 0), spec.parent, LIMITS, depth) for depth in DEPTHS)
    assert quick.keys() < full.keys()
    assert quick.keys() >= {"quick_shapes", "quick_likeness_independent", "membership_low", "copied", "score_version"}
    assert full.keys() >= {"c2st_auc", "singling_out", "attribute_advantage", "ks_mean", "full_shapes"}


def rare_table(folder: Path, target: str = "outcome") -> Path:
    """140 rows: one person's profession, two persons' outcome."""
    table = mixed_table(140, 3)
    table["job"] = ["smith", "judge"] * 70
    table.loc[5, "job"] = "astronaut"
    table["seldom"] = "usual"
    table.loc[[7, 8], "seldom"] = "odd"
    table.to_csv(folder / "rare.csv", index=False)
    path = folder / "rare.toml"
    path.write_text(f'[[table]]\nname = "rare"\nfile = "rare.csv"\ntarget = "{target}"\ndrop = ["visits"]\n')
    return path


def test_a_fit_sees_no_value_of_few_and_the_judge_sees_every_row(tmp_path: Path) -> None:
    table = read_tables(rare_table(tmp_path), tmp_path)[0]
    for seed in range(3):
        split = split_for_cells(table, seed)
        assert split.protected is not None
        assert "astronaut" not in set(split.protected["job"])
        assert "astronaut" in {*split.fitted["job"], *split.held_out["job"]}
        assert len(split.protected) == len(split.fitted) == 98


def test_a_target_of_few_persons_is_a_failure_that_says_so(tmp_path: Path) -> None:
    table = read_tables(rare_table(tmp_path, target="seldom"), tmp_path)[0]
    found = run_cell(table, Cell("rare", "independent", 0), tmp_path, LIMITS, "quick")
    assert found["failure"].startswith("protection: column 'seldom'")
    assert found["rows"] == 140


def test_time_and_event_have_figures_of_their_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    age = rng.normal(60, 10, 300).round()
    times = rng.exponential(np.exp(6 - age / 20)).round(2)
    ends = rng.uniform(0, 60, 300).round(2)
    others = {f"x{i}": rng.normal(size=300).round(2) for i in range(4)}
    frame = pd.DataFrame({"age": age, **others, "time": np.minimum(times, ends), "died": (times <= ends).astype(int)})
    frame.to_csv(tmp_path / "s.csv", index=False)
    path = tmp_path / "s.toml"
    path.write_text('[[table]]\nname = "s"\nfile = "s.csv"\ntarget = "died"\ntime = "time"\n')
    table = read_tables(path, tmp_path)[0]
    copy, independent = (
        run_cell(table, Cell("s", name, 0), tmp_path, LIMITS, "quick") for name in ("row_copy", "independent")
    )
    assert copy["survival_utility"] > max(0.7, independent["survival_utility"])
    assert copy["curve_difference"] < 0.05
    assert copy["rarest_share"] == pytest.approx(min(frame["died"].mean(), 1 - frame["died"].mean()))


def cell_row(method: str, table: str, **figures: object) -> dict[str, object]:
    """A row of a measurements file."""
    return {
        "table": table, "origin": table, "method": method, "seed": 0, "caution": 0.0, "failure": None, "rows": 100,
        "columns": 3, "continuous": 2, "levels": 2, "max_levels": 2, "high_cardinality": 0, "missing_share": 0.0,
        "fidelity": 0.5, "utility": 0.5, "risk": 0.1, "membership_auc": 0.55, "membership_low": 0.5,
        "membership_high": 0.6, "copy_auc": 1.0, "fit_cpu_seconds": 1.0, "fitted_rows": 70,
        "score_version": SCORE_VERSION, "protection": "hipaa_like", **figures,
    }  # fmt: skip


@pytest.mark.parametrize("version", [None, 2])
def test_figures_of_another_definition_are_refused_not_mixed(version: int | None, tmp_path: Path) -> None:
    path = tmp_path / "mixed.parquet"
    rows = [cell_row("cart", "a"), cell_row("cart", "b", score_version=version)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    with pytest.raises(SettingsError, match="another definition of the score"):
        load_measurements(path)


def test_cells_measured_anew_take_the_place_of_the_same_cells_alone(tmp_path: Path) -> None:
    older, folder, target = tmp_path / "older.parquet", tmp_path / "cells", tmp_path / "new.parquet"
    kept = [cell_row("cart", "a", fidelity=0.1), cell_row("cart", "b", fidelity=0.5)]
    pq.write_table(pa.Table.from_pylist(kept), older)
    folder.mkdir()
    (folder / "a__cart__0.json").write_text(json.dumps(cell_row("cart", "a", fidelity=0.2)))
    assert collect_results(folder, target, older) == 2
    assert sorted(cell.fidelity or 0 for cell in load_measurements(target)) == [0.2, 0.5]


def test_a_local_dask_cluster_measures_too(spec: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask is not installed: pip install distributed")
    tables = read_tables(spec, spec.parent)
    with (
        distributed.LocalCluster(
            host="127.0.0.1",
            protocol="tcp://",
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address=None,
            silence_logs=50,
        ) as cluster,
        distributed.Client(cluster),
    ):
        done = run_benchmark(
            tables, [Cell("first", "independent", 0)], tmp_path, tmp_path, limits=LIMITS, backend="dask"
        )
    assert done == 1
    assert (tmp_path / "first__independent__0.json").exists()


def test_the_shipped_measurements_carry_their_controls() -> None:
    cells = load_measurements()
    tables = {c.table for c in cells}
    assert len(tables) >= 12
    for found in report_regret(cells, lambda question: None)["controls"].values():
        assert found["cells"] >= len(tables)
        assert found["as_expected"] >= 0.95 * found["cells"]


def test_the_shipped_cells_are_all_protected() -> None:
    assert {cell.protection for cell in load_measurements()} == {"hipaa_like"}


def test_every_synthesizer_was_really_fitted_to_two_tables_or_more() -> None:
    cells = [c for c in load_measurements() if c.failure is None]
    for method, entry in CATALOGUE.items():
        if entry.histories:
            # Measured by patient: benchmarks/results/histories.json.
            continue
        assert len({c.table for c in cells if c.method == method}) >= 2, method


def test_regret_is_nothing_for_the_oracle_and_something_for_the_rest() -> None:
    cells = load_measurements()
    report = report_regret(cells, select_embedded)
    assert report["scenarios"]
    assert {row["scenario"] for row in report["scenarios"]} <= {s.name for s in SCENARIOS}
    for row in report["scenarios"]:
        for name, one in row["regret"].items():
            # Who is chosen anew on every seed, over the seeds that all were measured at, may beat the best mean.
            least = -1.0 if name == "noise floor" else -1e-9
            assert one is None or least <= one["low"] <= one["mean"] <= one["high"]
        # Plain regret counts luck, which who was best on the other seeds did not have.
        floor = row["split_seed"]["noise floor"]
        assert floor is None or floor["mean"] == pytest.approx(0)
        for name, one in row["split_seed"].items():
            assert one is None or row["regret"][name] is None or one["mean"] <= row["regret"][name]["mean"] + 0.1
    nobody = report_regret(cells, lambda question: None)
    oracle = [row["oracle"] for row in nobody["scenarios"]]
    lost = [row["regret"]["selector"]["mean"] for row in nobody["scenarios"]]
    assert lost == pytest.approx(oracle)


def test_the_recommender_loses_at_most_half_of_what_the_best_fixed_choice_loses() -> None:
    overall = report_regret(load_measurements())["overall"]
    fixed = min(one["mean"] for name, one in overall.items() if name.startswith("always "))
    assert overall["selector"]["mean"] <= fixed / 2


def test_the_judged_table_is_left_out() -> None:
    cells = load_measurements()
    seen: list[frozenset[str]] = []

    def select(question: Question) -> None:
        seen.append(question.left_out)

    report_regret(cells, select)
    assert {origin for one in seen for origin in one} == {c.origin for c in cells}


def measured(table: str, method: str, scores: dict[int, float], **fields: object) -> list[Measured]:
    """Cells whose balanced score is nearly the given one."""
    shape = TableShape(500, 6, 3, 9, 3, 0, 0.0)
    values: dict[str, object] = {"origin": table, "cpu_seconds": 0.1, "fitted_rows": 350, **fields}
    return [
        Measured(
            table=table, method=method, seed=seed, shape=shape, failure=None, fidelity=score, utility=score,
            risk=1 - score, membership_auc=0.5, membership_low=0.4, membership_high=0.55, **values,
        )  # type: ignore[arg-type]
        for seed, score in scores.items()
    ]  # fmt: skip


def test_split_seed_regret_does_not_count_luck() -> None:
    """Two methods of equal worth, each lucky on one seed: plain regret blames who took either, split-seed does not."""
    cells = [
        *measured("a", "cart", {0: 0.9, 1: 0.5, 2: 0.5}),
        *measured("a", "gaussian_copula", {0: 0.5, 1: 0.6, 2: 0.6}),
        *measured("b", "cart", {0: 0.4, 1: 0.4, 2: 0.4}),
        *measured("b", "gaussian_copula", {0: 0.8, 1: 0.8, 2: 0.8}),
    ]
    report = report_regret(cells, lambda question: HYPERPARAMETERS["gaussian_copula"].with_defaults())
    row = next(row for row in report["scenarios"] if row["scenario"] == "none")
    plain, split = row["regret"]["selector"]["mean"], row["split_seed"]["selector"]["mean"]
    share = 0.99  # of the balanced weights without speed
    assert plain == pytest.approx(share * (19 / 30 - 17 / 30) / 2, abs=1e-6)
    # On a: seeds 1 and 2 choose the copula for seed 0 (.5); 0 and 2, and 0 and 1, choose cart (.5, .5).
    assert split == pytest.approx(share * (0.5 - 17 / 30) / 2, abs=1e-6)
    assert row["against_best"]["best"] == "always gaussian_copula"
    assert row["against_best"]["mean"] == pytest.approx(0)


def test_the_interval_draws_origins_and_not_tables() -> None:
    """Ten tables of one origin are one piece of evidence: their spread says nothing of other origins."""
    groups = [[0.1] * 10, [0.0]]
    mean, low, high = bootstrap_mean(groups)
    assert mean == pytest.approx(1 / 11)
    assert (low, high) == (0.0, pytest.approx(0.1))
    assert bootstrap_mean([[0.3, 0.5]]) == (pytest.approx(0.4), pytest.approx(0.4), pytest.approx(0.4))


def test_tables_stand_in_the_scenarios_of_their_kind() -> None:
    cells = [
        *measured("plain", "cart", {0: 0.5}),
        *measured("plain", "gaussian_copula", {0: 0.6}),
        *measured("rare", "cart", {0: 0.5}, rarest_share=0.05),
        *measured("rare", "gaussian_copula", {0: 0.6}, rarest_share=0.05),
        *measured("time", "cart", {0: 0.5}, survival=True),
        *measured("time", "gaussian_copula", {0: 0.4}, survival=True),
    ]
    report = report_regret(cells, lambda question: HYPERPARAMETERS["cart"].with_defaults())
    rows = {row["scenario"]: row for row in report["scenarios"]}
    assert rows["none"]["tables"] == 2
    assert rows["rare outcome"]["tables"] == 1
    assert rows["survival"]["regret"]["selector"]["mean"] == pytest.approx(0)
    assert rows["survival"]["regret"]["always gaussian_copula"]["mean"] > 0.05
    assert "many levels" not in rows


def test_where_there_is_a_time_utility_is_half_what_became_of_time_and_event(tmp_path: Path) -> None:
    path = tmp_path / "cells.parquet"
    rows = [cell_row("cart", "a", utility=0.5, time="t", survival_utility=0.9), cell_row("cart", "b", utility=0.5)]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert [cell.utility for cell in load_measurements(path)] == [pytest.approx(0.7), 0.5]


def test_the_report_explains_every_word_on_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    report = report_regret(load_measurements(), lambda question: None)
    console = Console(width=100)
    console.print(regret_view(report))
    text = " ".join(capsys.readouterr().out.split())
    for word in ("split-seed regret:", "oracle:", "noise floor:", "old rules:", "random feasible:", "interval:"):
        assert word in text
    for row in report["scenarios"]:
        assert f"{row['scenario']}: " in text
    page = regret_page(report)
    assert "<dt>split-seed regret</dt>" in page
