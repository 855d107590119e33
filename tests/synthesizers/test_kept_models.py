"""Models are kept and drawn from again; a folder that somebody else made or changed is never unpickled."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from clinical_model_selector.agents.synthesize import sample, synthesize
from clinical_model_selector.schemas.errors import SettingsError, TableError
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.schemas.settings import Settings
from clinical_model_selector.synthesizers.running.run_plan import Synthesis, rounded_down
from libraries import ENVIRONMENTS, python_of
from tables import mixed_table

WITH_ENVIRONMENT = ("arf",)
_EFFORT = ("epochs", "max_epochs", "max_iters", "max_training_time", "n_iter", "num_timesteps", "num_trees")
"""Hyper-parameters that cost time: as small as they may be."""


def plan_of(method: str, **knobs: Any) -> ModelSelectionPlan:
    fields = HYPERPARAMETERS[method].model_json_schema()["properties"]
    least = {name: fields[name]["minimum"] for name in _EFFORT if "minimum" in fields.get(name, {})}
    config = HYPERPARAMETERS[method].with_defaults(**least, **knobs)
    return ModelSelectionPlan(
        choice=config, backups=[], dp=DPSettings.spent_by(config), sample_multiplier=1.0, max_synth_rows=50_000,
        rationale="",
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def own_configuration(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))


def kept(folder: Path, method: str = "cart", **knobs: Any) -> Synthesis:
    table = folder.parent / "real.csv"
    mixed_table(300).assign(patient_id=range(5000, 5300)).to_csv(table, index=False)
    return synthesize(table, plan_of(method, **knobs), seed=1, save_model=folder, settings=_settings())


def _settings() -> Settings:
    return Settings(selector_environments=str(ENVIRONMENTS))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Path:
    folder = tmp_path_factory.mktemp("models") / "cart"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(home))
        kept(folder)
    return folder


@pytest.mark.parametrize(
    "method",
    ["gaussian_copula", *(pytest.param(method, marks=pytest.mark.own_environment) for method in WITH_ENVIRONMENT)],
)
def test_a_kept_model_makes_other_rows_of_the_same_form(method: str, tmp_path: Path) -> None:
    python_of(method)
    made = kept(tmp_path / "model", method)
    again = sample(tmp_path / "model", rows=120, seed=5, settings=_settings())
    assert len(again.table) == again.card.rows_made == 120
    assert list(again.table.columns) == list(made.table.columns)
    assert list(again.table.dtypes) == list(made.table.dtypes)
    assert again.card.protection == made.card.protection
    assert not again.table.drop(columns="patient_id").equals(made.table.drop(columns="patient_id").head(120))


def test_rows_are_as_many_as_the_real_ones_unless_asked_for(model: Path, tmp_path: Path) -> None:
    said: list[str] = []
    table = mixed_table(418)
    assert len(synthesize(table, plan_of("cart"), seed=1, settings=_settings(), say=said.append).table) == 418
    capped = plan_of("cart").model_copy(update={"max_synth_rows": 50})
    assert len(synthesize(table, capped, seed=1, settings=_settings(), say=said.append).table) == 50
    assert any("max_synth_rows" in line for line in said)
    assert len(synthesize(table, capped, seed=1, rows=77, settings=_settings()).table) == 77
    assert len(sample(model, settings=_settings()).table) == 300
    assert [rounded_down(count) for count in (7, 99, 418, 4189)] == [7, 99, 410, 4100]


def test_equal_seeds_draw_equal_rows(model: Path) -> None:
    draws = [sample(model, rows=40, seed=seed, settings=_settings()).table for seed in (1, 1, 2)]
    pd.testing.assert_frame_equal(draws[0], draws[1])
    assert not draws[0].equals(draws[2])


def test_rows_that_meet_a_condition_and_balanced_levels(model: Path) -> None:
    made = sample(model, rows=60, seed=1, where={"outcome": "dead"}, balance="stage", settings=_settings()).table
    assert set(made["outcome"]) == {"dead"}
    assert made["stage"].value_counts().to_dict() == {"I": 20, "II": 20, "III": 20}


def test_a_number_is_met_however_it_is_written(model: Path) -> None:
    said: list[str] = []
    made = sample(model, rows=2, seed=1, where={"age": "60.0"}, settings=_settings(), say=said.append).table
    assert set(made["age"]) == {60}
    assert said[0].startswith("drawing 2 rows of cart, about ")


def test_what_cannot_be_kept_is_refused_before_the_fit(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(SettingsError, match="cart_histories cannot be kept"):
        synthesize(
            mixed_table(60), plan_of("cart_histories"), save_model=tmp_path / "model", settings=_settings(),
            say=said.append,
        )  # fmt: skip
    assert said == []


def test_no_real_key_is_kept_or_made(model: Path) -> None:
    real = {str(key) for key in range(5000, 5300)}
    assert set(sample(model, rows=50, seed=1, settings=_settings()).table["patient_id"].astype(str)) & real == set()
    recipe, _ = pickle.loads((model / "recipe.pickle").read_bytes())
    assert set(recipe.stand_in["patient_id"].astype(str)) & real == set()


CONDITIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no such column": ({"where": {"nope": "x"}}, "nope"),
    "a value that never comes": ({"where": {"outcome": "Zyx4711"}}, "no such level"),
    "a number that never comes": ({"where": {"age": "50.5"}}, "meet the condition"),
    "a number out of range": ({"where": {"age": "4711"}}, "no such number"),
    "a number cannot be balanced": ({"balance": "marker"}, "marker"),
}


@pytest.mark.parametrize("case", CONDITIONS)
def test_conditions_that_cannot_be_met_are_refused(model: Path, case: str) -> None:
    asked, words = CONDITIONS[case]
    with pytest.raises(TableError, match=words) as caught:
        sample(model, rows=5, settings=_settings(), **asked)
    assert "Zyx4711" not in str(caught.value)


def _strange_signature(folder: Path) -> None:
    (folder / "signature").write_text("0" * 64)


def _other_version(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "package": "9.9"}))


def _changed(name: str) -> Any:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"x")


class _Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("raise SystemExit('unpickled')",))


def _bomb(folder: Path) -> None:
    for name in ("model.pickle", "recipe.pickle"):
        (folder / name).write_bytes(pickle.dumps(_Bomb()))


SPOILED = {
    "signed by another": _strange_signature,
    "manifest changed": _other_version,
    "model changed": _changed("model.pickle"),
    "recipe changed": _changed("recipe.pickle"),
    "card changed": _changed("card.json"),
    "code in the pickles": _bomb,
    "no signature": lambda folder: (folder / "signature").unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
}


@pytest.mark.parametrize("case", SPOILED)
def test_a_spoiled_folder_is_refused_before_anything_is_unpickled(case: str, model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for path in model.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    SPOILED[case](folder)
    with pytest.raises(SettingsError):
        sample(folder, rows=5, settings=_settings())


def test_another_users_model_is_refused(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "other"))
    with pytest.raises(SettingsError, match="was not kept by this user"):
        sample(model, rows=5, settings=_settings())


def test_a_folder_is_not_written_over_unasked(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--force"):
        kept(model)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.doc").touch()
    with pytest.raises(SettingsError, match="other things"):
        kept(tmp_path / "thesis")
