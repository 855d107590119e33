"""synthesize, evaluate, auto, environments and benchmark, as a user calls them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from clinical_model_selector.app.cli.main import main
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.synthesizers.running.run_card import RunCard
from tables import mixed_table


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    code = caught.value.code
    return code if isinstance(code, int) else 0


def make_plan(*methods: str, **choice: Any) -> dict[str, Any]:
    configs = [HYPERPARAMETERS[m].with_defaults().model_dump() for m in methods]
    configs[0] |= choice
    return {
        "choice": configs[0],
        "backups": configs[1:],
        "dp": {"enabled": False, "epsilon": None, "delta": None},
        "sample_multiplier": 1.0,
        "max_synth_rows": 150,
        "rationale": "",
    }


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELECTOR_EMBEDDED", "only")
    monkeypatch.setenv("SELECTOR_ENVIRONMENTS", str(tmp_path / "environments"))
    table = mixed_table(240)
    table.insert(0, "patient_name", [f"Jane Doe{i}" for i in range(240)])
    table.insert(1, "mrn", range(7_100_000, 7_100_000 + 37 * 240, 37))
    table.to_csv("real.csv", index=False)


def test_select_synthesize_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("select", "real.csv", "--target", "outcome", "--allowed", "cart,gaussian_copula,arf", "--json") == 0
    Path("plan.json").write_text(capsys.readouterr().out)
    assert call("synthesize", "real.csv", "--plan", "plan.json", "-o", "made.csv", "--seed", "1") == 0
    assert "wrote" in capsys.readouterr().err
    real, made = pd.read_csv("real.csv"), pd.read_csv("made.csv")
    assert not set(made.get("patient_name", pd.Series(dtype=object))) & set(real["patient_name"])
    assert not set(made.get("mrn", pd.Series(dtype=int))) & set(real["mrn"])
    kept = [name for name in real.columns if name in made.columns]
    assert list(made.columns) == kept
    assert {"age", "marker", "stage", "outcome"} <= set(kept)
    asked = ("evaluate", "real.csv", "made.csv", "--target", "outcome")
    assert call(*asked, "--json", "--html", "page.html", "--fail-on", "never") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows_held_out"] == 48
    assert found["release"] in ("no", "not shown")
    assert found["decision"]["persons_needed"] > 48
    assert found["disclosure"]["membership"]["copy_auc"] > 0.9
    assert {v["outcome"] for v in found["verdicts"]} <= {"pass", "fail", "cannot tell"}
    page = Path("page.html").read_text()
    assert "<svg" in page
    assert "http://" not in page.replace("http-equiv", "")
    assert "https://" not in page
    assert "Jane" not in page
    assert call("evaluate", "real.csv", "made.csv") == 5
    shown = capsys.readouterr()
    assert "membership auc" in shown.out
    assert "held out of the fit: 48 persons" in shown.err
    assert max(map(len, shown.out.splitlines())) <= 80
    assert call(*asked, "--fail-on", "sometimes") == 2


def test_a_failed_choice_is_said_aloud_and_a_backup_runs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.json").write_text(
        json.dumps(make_plan("dp_mst", "gaussian_copula", "cart")).replace(
            '"enabled": false, "epsilon": null, "delta": null', '"enabled": true, "epsilon": 1.0, "delta": 1e-05'
        )
    )
    assert call("synthesize", "real.csv", "--plan", "plan.json", "-o", "made.parquet", "--seed", "1") == 0
    said = capsys.readouterr().err
    assert "dp_mst failed: dp_mst needs an optional library: clinical-model-selector environments" in said
    card = RunCard.model_validate_json(Path("made.parquet.card.json").read_text())
    assert card.method == "gaussian_copula"
    assert [f.method for f in card.failures] == ["dp_mst"]
    assert card.dp is None
    assert card.held_out is not None
    assert card.rows_made == 150


def test_when_nothing_runs_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.json").write_text(json.dumps(make_plan("arf", "ctgan", "tvae")))
    assert call("synthesize", "real.csv", "--plan", "plan.json", "-o", "made.csv") == 1
    assert "No synthesizer of the plan could be run" in capsys.readouterr().err
    assert not list(Path().glob("made*"))
    assert not list(Path().glob(".made*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["synthesize", "real.csv", "--plan", "none.json", "-o", "x.csv"], "cannot be read as JSON"),
        (["synthesize", "real.csv", "--plan", "bad.json", "-o", "x.csv"], "choice"),
        (["synthesize", "real.csv", "--plan", "plan.json", "-o", "x.docx"], "name it .csv"),
        (["synthesize", "no.csv", "--plan", "plan.json", "-o", "x.csv"], "no such file"),
        (["synthesize", "real.csv", "--plan", "plan.json", "-o", "no/x.csv"], "cannot be written"),
        (["evaluate", "real.csv", "real.csv", "--target", "nothing"], "is not among the columns"),
        (["environments", "--create", "zzz"], "no environment is called zzz"),
        (["benchmark", "run", "none.toml", "--data", ".", "-o", "r"], "not a list of benchmark tables"),
        (["benchmark", "report", "--provider", "nobody"], "--provider"),
    ],
)
def test_wrong_use_ends_with_two(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.json").write_text(json.dumps(make_plan("gaussian_copula", "cart", "arf")))
    Path("bad.json").write_text(json.dumps({**make_plan("cart", "arf", "tvae"), "choice": {"method": "cart"}}))
    assert call(*arguments) == 2
    assert said in capsys.readouterr().err


def test_a_copy_is_refused_without_a_card_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("evaluate", "real.csv", "real.csv", "--json") == 5
    found = json.loads(capsys.readouterr().out)
    assert found["release"] == "no"
    assert found["reason"].startswith("overlap")
    assert {v["name"]: v["outcome"] for v in found["verdicts"]}["membership_auc"] == "cannot tell"


def test_a_table_made_elsewhere_is_judged_by_rows_kept_out(capsys: pytest.CaptureFixture[str]) -> None:
    real = pd.read_csv("real.csv")
    real.head(180).to_csv("train.csv", index=False)
    real.tail(60).to_csv("holdout.csv", index=False)
    mixed_table(200, 9).to_csv("other.csv", index=False)
    for options in (
        ("--holdout", "holdout.csv"),
        ("--train", "train.csv"),
        ("--train", "train.csv", "--holdout", "holdout.csv"),
    ):
        assert call("evaluate", "real.csv", "other.csv", "--json", "--fail-on", "never", *options) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["rows_held_out"] == 60
        assert found["disclosure"]["membership"]["members"] == 180


def test_auto_keeps_the_best_round(capsys: pytest.CaptureFixture[str]) -> None:
    code = call(
        "auto", "real.csv", "-o", "made.csv", "--target", "outcome", "--allowed", "cart,gaussian_copula,arf",
        "--rounds", "2", "--seed", "3", "--json", "--goal", "share with partners", "--epsilon-max", "1",
        "--max-fit-seconds", "300", "--html", "page.html", "--quasi-identifiers", "stage", "--kind", "stage=ordinal",
    )  # fmt: skip
    # 48 held-out persons show nothing: the table is written all the same.
    assert code == 5
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert "round 1:" in shown.err
    assert 1 <= len(found["rounds"]) <= 2
    assert Path("made.csv").exists()
    best = found["rounds"][found["best"]]
    card = RunCard.model_validate_json(Path("made.csv.card.json").read_text())
    assert card.method == best["method"]
    page = Path("page.html").read_text()
    assert f"Round {best['number']} is kept" in page
    assert 'class="real"' in page
    assert "http://" not in page.replace("http-equiv", "")
    assert "https://" not in page
    assert "Jane" not in page


def test_auto_refuses_an_output_before_any_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("auto", "real.csv", "-o", "made.xlsx") == 2
    assert "name it .csv" in capsys.readouterr().err


def test_environments_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("environments", "--json") == 0
    assert all(not one["created"] for one in json.loads(capsys.readouterr().out))
    assert call("environments") == 0
    assert "dp_mst, dp_aim" in capsys.readouterr().out


def test_help_does_not_load_pandas() -> None:
    code = "import sys; from clinical_model_selector.app.cli import main as cli; print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_report_of_the_shipped_measurements(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("benchmark", "report", "--html", "r.html") == 0
    assert "over all scenarios" in capsys.readouterr().out
    assert "<svg" in Path("r.html").read_text()
