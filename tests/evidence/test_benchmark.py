from __future__ import annotations

import json
from pathlib import Path

import pytest
from clinical_model_selector.evidence.benchmark.regret import SCENARIOS, report_regret, select_embedded
from clinical_model_selector.evidence.benchmark.results import collect_results, load_measurements
from clinical_model_selector.evidence.benchmark.run import Cell, list_cells, read_tables, run_benchmark, run_cell
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.question import Question
from clinical_model_selector.synthesizers.catalogue import CATALOGUE
from clinical_model_selector.synthesizers.running.fit_process import FitLimits
from tables import mixed_table

LIMITS = FitLimits(seconds=100)
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
    measured = run_benchmark(tables, cells, output, spec.parent / "none", limits=LIMITS, backend="sequential")
    assert measured == len(cells) == 8
    return output


def test_cells_come_seed_by_seed() -> None:
    cells = list_cells(["a", "b"], ["x", "y"], 2)
    assert cells[:4] == [Cell("a", "x", 0), Cell("b", "x", 0), Cell("a", "y", 0), Cell("b", "y", 0)]


def test_a_cell_for_every_level_of_caution() -> None:
    cells = list_cells(["a"], ["cart", "row_copy"], 1)
    assert [cell.caution for cell in cells] == [*CATALOGUE["cart"].cautions, 0.0]
    assert len({cell.filename for cell in cells}) == len(cells)


def test_what_the_table_rules_out_is_a_failure_without_a_fit(spec: Path) -> None:
    table = read_tables(spec, spec.parent)[0]
    found = run_cell(table, Cell("first", "tabddpm", 0), spec.parent, LIMITS)
    assert found["failure"] == "infeasible: needs at least 256 rows, here 150"


def test_every_cell_is_kept_also_what_could_not_run(results: Path) -> None:
    copy = json.loads((results / "first__row_copy__0.json").read_text())
    assert copy["failure"] is None
    assert copy["risk"] == pytest.approx(1)
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
    assert run_benchmark(tables, cells, results, spec.parent, limits=LIMITS, backend="sequential") == 3
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
        assert found["cells"] == 3 * len(tables)
        assert found["as_expected"] >= 0.95 * found["cells"]


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
        for one in row["regret"].values():
            assert one is None or -1e-9 <= one["low"] <= one["mean"] <= one["high"]
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
