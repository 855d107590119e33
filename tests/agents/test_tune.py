"""Tuning on a small table with real fits of the two cheapest synthesizers."""

import dataclasses
import json
import shutil
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.agents import ClinicalModelSelector, auto
from clinical_model_selector.agents.synthesize import synthesize
from clinical_model_selector.agents.tune import renew_warnings
from clinical_model_selector.evidence.recommender import trials
from clinical_model_selector.evidence.recommender.race import Trial
from clinical_model_selector.schemas.errors import SettingsError, SynthesisFailed
from clinical_model_selector.schemas.result import SelectionResult
from clinical_model_selector.schemas.settings import Settings

ALLOWED = ("gaussian_copula", "cart")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    age = rng.integers(30, 80, 400)
    marker = np.round(age / 10 + rng.normal(0, 1, 400), 1)
    died = rng.random(400) < 1 / (1 + np.exp(6 - marker))
    return pd.DataFrame({"age": age, "marker": marker, "died": np.where(died, "yes", "no")})


@pytest.fixture(scope="module")
def selector() -> ClinicalModelSelector:
    return ClinicalModelSelector(Settings(selector_embedded="only"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def tuned(table: pd.DataFrame, selector: ClinicalModelSelector, runs: Path) -> SelectionResult:
    return selector.tune(table, target="died", allowed=ALLOWED, max_seconds=60, folder=runs)


def test_the_plan_is_what_was_measured_best(tuned: SelectionResult) -> None:
    race = tuned.race
    assert race is not None
    best = race.entries[0]
    assert (tuned.plan.choice.method, tuned.plan.choice.knobs()) == (best.method, best.hyperparameters)
    assert {entry.method for entry in race.entries} == set(ALLOWED)
    assert all(entry.fits >= 1 for entry in race.entries)
    assert tuned.plan.rationale.startswith(f"Measured on this table: {best.label} scores ")
    assert race.about_proposal in tuned.warnings
    assert {backup.method for backup in tuned.plan.backups} == set(ALLOWED) - {best.method}


def test_figures_are_between_none_and_all_and_hold_no_cell(tuned: SelectionResult, table: pd.DataFrame) -> None:
    race = tuned.race
    assert race is not None
    for entry in race.entries:
        for value in (entry.fidelity, entry.privacy):
            assert value is not None
            assert 0 <= value <= 1
    assert "marker" not in race.model_dump_json()


def test_a_race_goes_on_from_the_fits_that_were_kept(
    table: pd.DataFrame, selector: ClinicalModelSelector, runs: Path, tuned: SelectionResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def never(*arguments: object, **options: object) -> None:
        raise AssertionError("a kept fit was run again")

    monkeypatch.setattr(trials, "carry_out", never)
    again = selector.tune(table, target="died", allowed=ALLOWED, max_seconds=60, folder=runs)
    assert again.race == tuned.race
    assert again.plan == tuned.plan


def test_fits_spread_over_a_dask_cluster_are_the_same_fits(
    table: pd.DataFrame, selector: ClinicalModelSelector, runs: Path, tuned: SelectionResult, tmp_path: Path
) -> None:
    distributed = pytest.importorskip("distributed", reason="dask is not installed: pip install distributed")
    with (
        distributed.LocalCluster(
            host="127.0.0.1", protocol="tcp://", n_workers=1, threads_per_worker=2, processes=False,
            dashboard_address=None, silence_logs=50,
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):  # fmt: skip
        spread = selector.tune(table, target="died", allowed=ALLOWED, max_seconds=7, jobs=2, folder=tmp_path)
    assert spread.race is not None
    assert sum(entry.fits for entry in spread.race.entries) >= 2
    for file in tmp_path.glob("*.json"):
        here, there = (json.loads((folder / file.name).read_text()) for folder in (tmp_path, runs))
        for trial in (here, there):
            del trial["cpu_seconds"], trial["parts"]["fit_cpu_seconds"]
        assert here["parts"] == there["parts"]


def test_another_table_does_not_take_the_kept_fits(
    table: pd.DataFrame, selector: ClinicalModelSelector, runs: Path, tuned: SelectionResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    fitted: list[object] = []

    def refuse(*arguments: object, **options: object) -> None:
        fitted.append(arguments)
        raise trials.SynthesisFailed({"cart": "refused by the test"})

    monkeypatch.setattr(trials, "carry_out", refuse)
    result = selector.tune(table.iloc[::-1].assign(age=41), target="died", allowed=ALLOWED, folder=runs)
    assert fitted
    assert result.race is not None
    assert {entry.note for entry in result.race.entries} == {"refused by the test"}
    assert "stands on expectations" in result.race.about_proposal


def test_a_target_of_one_value_is_said_and_left_out_of_the_scores(
    table: pd.DataFrame, selector: ClinicalModelSelector
) -> None:
    constant = table.assign(site=1)
    result = selector.tune(constant, target="site", allowed=ALLOWED, max_seconds=6)
    assert result.race is not None
    assert any(entry.score is not None for entry in result.race.entries)
    assert any("has one value: nothing to predict" in warning for warning in result.warnings)
    best, _ = auto.run_auto(
        constant, selector=selector, rounds=1, max_seconds=0, seed=1, depth="quick", target="site", allowed=ALLOWED
    )
    assert set(best.synthesis.table["site"]) == {1}


def test_warnings_about_the_choice_are_of_the_measured_one(
    table: pd.DataFrame, selector: ClinicalModelSelector
) -> None:
    few = table.iloc[:120]
    allowed = ("bayesian_network", "gaussian_copula")
    start = selector.select(few, target="died", allowed=allowed)
    question = start._question
    caution = "bayesian_network is advised from 200 rows on, here 120"
    other = start.plan.model_copy(update={"choice": start.plan.backups[0], "backups": (start.plan.choice,)})
    bayesian, copula = sorted((start.plan, other), key=lambda plan: plan.choice.method)
    left = renew_warnings(start.model_copy(update={"plan": bayesian, "warnings": [caution, "kept"]}), copula, question)
    assert caution not in left
    assert "kept" in left
    assert caution in renew_warnings(start.model_copy(update={"plan": copula, "warnings": []}), bayesian, question)


def test_a_folder_that_cannot_be_made_for_kept_fits_is_said(
    table: pd.DataFrame, selector: ClinicalModelSelector, tmp_path: Path
) -> None:
    file = tmp_path / "runs"
    file.write_text("a file")
    with pytest.raises(SettingsError, match="cannot be made for kept fits: File exists"):
        selector.tune(table, target="died", allowed=ALLOWED, max_seconds=2, folder=file)


def test_a_private_plan_is_not_raced(table: pd.DataFrame, selector: ClinicalModelSelector) -> None:
    large = pd.concat([table] * 30, ignore_index=True)
    result = selector.tune(large, target="died", require_dp=True)
    assert result.race is not None
    assert (result.race.ended, result.race.entries) == ("not raced", ())
    assert result.plan.dp.enabled
    assert any("every fit would spend epsilon" in warning for warning in result.warnings)


def test_the_run_card_keeps_the_fits_that_chose_the_plan(
    table: pd.DataFrame, selector: ClinicalModelSelector, tuned: SelectionResult
) -> None:
    card = synthesize(table, tuned, seed=1, settings=selector.settings).card
    assert card.race == tuned.race
    assert synthesize(table, tuned.plan, seed=1, settings=selector.settings).card.race is None


def test_auto_tells_that_expectations_chose_a_private_plan(
    table: pd.DataFrame, selector: ClinicalModelSelector, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = "a differentially private plan is not raced: every fit would spend epsilon; expectations chose it"
    monkeypatch.setattr(auto, "why_not_raced", lambda plan: reason)
    given: list[SelectionResult] = []

    def refuse(table: object, plan: SelectionResult, **options: object) -> None:
        given.append(plan)
        raise SynthesisFailed({"cart": "refused by the test"})

    monkeypatch.setattr(auto, "synthesize", refuse)
    with pytest.raises(SynthesisFailed, match="refused by the test"):
        auto.run_auto(table, selector=selector, rounds=1, seed=1, target="died", allowed=ALLOWED)
    race = given[0].race
    assert race is not None
    assert (race.ended, race.sentence, race.entries) == ("not raced", reason, ())


def test_a_kept_figure_file_holds_figures_alone(runs: Path, tuned: SelectionResult) -> None:
    files = list(runs.glob("*.json"))
    assert files
    for file in files:
        assert set(json.loads(file.read_text())) == {
            "label",
            "split",
            "score",
            "cpu_seconds",
            "parts",
            "failure",
            "copied",
        }


def test_a_plan_alone_cannot_be_started_from(tmp_path: Path, tuned: SelectionResult) -> None:
    from clinical_model_selector.app.input_files import read_result

    path = tmp_path / "plan.json"
    path.write_text(tuned.plan.model_dump_json())
    with pytest.raises(SettingsError, match="give what select --json printed"):
        read_result(path)


@pytest.mark.parametrize("text", ["[1]", '{"label": "x"}', "{", '{"label": "cart", "split": 0, "score": "high"}'])
def test_a_kept_file_that_is_none_is_fitted_again(
    text: str, table: pd.DataFrame, selector: ClinicalModelSelector, tuned: SelectionResult, runs: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for file in runs.glob("*.json"):
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    assert notes_where_all_is_fitted_again(selector, table, tmp_path, monkeypatch) == {"fitted again"}


@pytest.mark.parametrize("field", [item.name for item in dataclasses.fields(Trial)])
def test_a_kept_file_that_lacks_a_field_is_fitted_again(
    field: str, table: pd.DataFrame, selector: ClinicalModelSelector, tuned: SelectionResult, runs: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Code that did not look for copies, say, wrote no ``copied``: that is not the same as none."""
    for file in runs.glob("*.json"):
        kept = json.loads(file.read_text())
        del kept[field]
        (tmp_path / file.name).write_text(json.dumps(kept), encoding="utf-8")
    assert notes_where_all_is_fitted_again(selector, table, tmp_path, monkeypatch) == {"fitted again"}


@pytest.mark.parametrize("changed", ["version", "line"])
def test_fits_that_other_code_made_are_fitted_again(
    changed: str, table: pd.DataFrame, selector: ClinicalModelSelector, tuned: SelectionResult, runs: Path,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    code = tmp_path / "code"
    for folder in trials._MADE_BY:
        shutil.copytree(trials._PACKAGE / folder, code / folder, ignore=shutil.ignore_patterns("__pycache__"))
    trials._code.cache_clear()
    before = trials._code()
    monkeypatch.setattr(trials, "_PACKAGE", code)
    trials._code.cache_clear()
    assert trials._code() == before
    if changed == "version":
        monkeypatch.setattr(trials, "version", lambda name: "99.0")
    else:
        with (code / "evidence" / "recommender" / "score.py").open("a") as file:
            file.write("# weighed otherwise\n")
    trials._code.cache_clear()
    try:
        kept = shutil.copytree(runs, tmp_path / "kept")
        assert notes_where_all_is_fitted_again(selector, table, kept, monkeypatch) == {"fitted again"}
    finally:
        trials._code.cache_clear()


def notes_where_all_is_fitted_again(
    selector: ClinicalModelSelector, table: pd.DataFrame, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> set[str]:
    """What the entries of a race say whose every new fit fails with ``fitted again``."""

    def refuse(*arguments: object, **options: object) -> None:
        raise trials.SynthesisFailed({"cart": "fitted again"})

    monkeypatch.setattr(trials, "carry_out", refuse)
    again = selector.tune(table, target="died", allowed=ALLOWED, max_seconds=60, folder=folder)
    assert again.race is not None
    return {entry.note for entry in again.race.entries}
