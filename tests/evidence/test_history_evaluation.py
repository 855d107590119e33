"""A table of several rows a patient is judged by patient, beside what real patients get."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from clinical_model_selector.agents.synthesize import synthesize
from clinical_model_selector.evidence import evaluation_histories
from clinical_model_selector.evidence.evaluation import Evaluation, evaluate
from clinical_model_selector.evidence.histories.benchmark import read_history_tables, run_history_benchmark
from clinical_model_selector.profiling import profile_table
from clinical_model_selector.schemas.errors import SettingsError
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.plan import ModelSelectionPlan
from clinical_model_selector.synthesizers.running.run_plan import Synthesis
from histories import make_visits


def synthesis() -> tuple[pd.DataFrame, Synthesis]:
    table = make_visits(200)
    config = HYPERPARAMETERS["cart_histories"].with_defaults()
    plan = ModelSelectionPlan.model_validate(
        {
            "choice": config.model_dump(), "backups": [], "dp": {"enabled": False, "epsilon": None, "delta": None},
            "sample_multiplier": 1.0, "max_synth_rows": 50_000, "rationale": "",
        }
    )  # fmt: skip
    assert profile_table(table).safe.history is not None
    return table, synthesize(table, plan, seed=0, held_out=0.5)


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(*synthesis(), compliance="research")


def test_of_very_many_patients_a_sample_is_compared_and_its_size_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation_histories, "_MOST_PATIENTS", 60)
    history = evaluate(*synthesis(), compliance="research").history
    assert history is not None
    assert history.patients_fitted == history.patients_held_out == 60
    assert 0.7 < (history.figures["rows_per_patient"] or 0) < 1.3
    assert (history.floor["membership_auc"] or 0) > 0.95


def test_figures_stand_beside_those_of_real_patients(evaluation: Evaluation) -> None:
    history = evaluation.history
    assert history is not None
    assert history.patients_fitted == history.patients_held_out == 100
    assert history.figures.keys() == history.floor.keys()
    assert history.figures["after_end"] == 0.0
    assert history.figures["rows_per_patient"] == pytest.approx(1.0, abs=0.1)
    assert (history.floor["membership_auc"] or 0) > 0.95
    assert [curve.name for curve in history.curves] == [
        "rows a patient",
        "time between rows",
        "share without the event",
    ]


def test_the_page_shows_them(evaluation: Evaluation) -> None:
    page = evaluation.to_html()
    assert "Histories, by patient" in page
    assert "Kaplan-Meier" in page
    assert page.count('<polyline class="history-line') == 6


def test_the_benchmark_calls_controls_what_they_are(tmp_path: Path) -> None:
    make_visits(200).to_csv(tmp_path / "visits.csv", index=False)
    listed = tmp_path / "tables.toml"
    listed.write_text('[[set]]\nname = "made up"\nfigures = "visits"\nfiles = { visits = "visits.csv" }\n')
    arms = {arm.arm: arm for arm in run_history_benchmark(read_history_tables(listed, tmp_path), tmp_path, seeds=1)}
    assert {"gap", "lag_one", "intraclass", "transitions"} <= set(arms["independent_rows"].missed)
    assert "membership_auc" in arms["jittered_copies"].missed
    assert "nearer_share" in arms["tenth_copied"].missed
    assert arms["cart_histories"].fit_cpu_seconds is not None
    listed.write_text("[[set]]\nname = 3\n")
    with pytest.raises(SettingsError, match="history tables"):
        read_history_tables(listed, tmp_path)
