"""Every synthesizer of the catalogue really fits and samples two real tables, with budgets of seconds."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clinical_model_selector.profiling.readers.to_pandas import as_frame
from clinical_model_selector.schemas.column_treatment import OutcomePart, Treatment
from clinical_model_selector.schemas.methods import HYPERPARAMETERS, Hyperparameters
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.synthesizers.catalogue import CATALOGUE
from clinical_model_selector.synthesizers.running.fit_process import FitLimits, draw_rows
from clinical_model_selector.synthesizers.running.run_plan import Synthesis, carry_out
from libraries import ENVIRONMENTS, python_of
from sklearn.datasets import load_breast_cancer

ROOT = Path(__file__).parents[2]
SMALL: dict[str, dict[str, Any]] = {
    "arf": {"num_trees": 10, "max_iters": 2},
    "nrgboost": {"num_trees": 5},
    "ctgan": {"epochs": 2},
    "tvae": {"epochs": 2},
    "tabddpm": {"n_iter": 3, "num_timesteps": 20},
    "argn": {"max_epochs": 2, "max_training_time": 1},
    "argn_dp": {"max_epochs": 2, "max_training_time": 1},
    "dpctgan": {"epochs": 20, "batch_size": 50, "sigma": 10.0, "epsilon": 0.9, "preprocessor_eps": 0.1, "delta": 1e-5},
}
"""What would take long, or needs more rows than there are; everything else stands at an end of its range."""
OUTCOME: dict[str, OutcomePart] = {"mean radius": "time", "malignant": "event", "age": "time", "cens": "event"}
"""What stands for a time-to-event outcome, for methods that need one."""


@cache
def tables() -> dict[str, pd.DataFrame]:
    """Few columns, for time's sake; numbers, flags, levels, and cells that are missing."""
    cells = load_breast_cancer(as_frame=True).frame
    breast = cells[["mean radius", "mean texture"]].assign(
        malignant=cells["target"] == 0,
        size=pd.cut(cells["mean area"], [0, 500, 900, 9999], labels=["small", "middle", "large"]),
    )
    trial = as_frame(ROOT / "examples" / "gbsg2.csv")[["horTh", "age", "tgrade", "cens"]]
    rng = np.random.default_rng(0)
    breast.loc[rng.choice(len(breast), 60, replace=False), "mean texture"] = np.nan
    trial.loc[rng.choice(len(trial), 60, replace=False), "tgrade"] = None
    return {"breast": breast, "trial": trial}


def at_end(method: str, end: str) -> dict[str, Any]:
    """Every hyper-parameter at one end of its range, lists and words at their default."""
    model = HYPERPARAMETERS[method]
    knobs = model.with_defaults().knobs()
    for name, schema in model.model_json_schema()["properties"].items():
        schema = next((part for part in schema.get("anyOf", ()) if part["type"] != "null"), schema)
        if name in knobs and "maximum" in schema:
            # Above a limit that is itself not allowed, a tenth of the default stands for the low end.
            knobs[name] = schema["maximum"] if end == "high" else schema.get("minimum", (knobs[name] or 1) / 10)
    return knobs


def configure(method: str, end: str) -> Hyperparameters:
    # Not validated: the budgets of a test lie below what is offered.
    return HYPERPARAMETERS[method].model_construct(method=method, **{**at_end(method, end), **SMALL.get(method, {})})


def fit(method: str, name: str, end: str, kept: Path | None = None) -> Synthesis:
    table = tables()[name]
    config = configure(method, end)
    plan = ModelSelectionPlan.model_construct(
        choice=config,
        backups=[HYPERPARAMETERS[other].with_defaults() for other in ("gaussian_copula", "cart") if other != method],
        sample_multiplier=1.0,
        max_synth_rows=120,
        dp=DPSettings(enabled=config.is_dp, epsilon=config.total_epsilon or None, delta=config.total_delta or None),
        rationale="",
    )
    keep = [
        Treatment(alias=f"c{n}", column=column, action="keep", outcome=OUTCOME.get(column), rule="")
        for n, column in enumerate(table, start=1)
    ]
    return carry_out(table, plan, keep, environments=ENVIRONMENTS, seed=1, limits=FitLimits(seconds=400), keep=kept)


def draw_again(made: Synthesis, model: Path, method: str, seed: int) -> pd.DataFrame:
    """Rows of the kept model, as it gives them."""
    assert made.recipe is not None
    columns = made.recipe.encoding.describe(native_missing=CATALOGUE[method].native_missing)
    run = draw_rows(
        model, made.card.versions, columns, made.card.plan.choice, rows=50, seed=seed, environments=ENVIRONMENTS
    )
    assert list(run.table) == list(columns)
    return run.table


@pytest.mark.own_environment
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings")  # the plan is not validated, on purpose
@pytest.mark.parametrize(("name", "end"), [("breast", "low"), ("trial", "high")])
@pytest.mark.parametrize("method", [method for method, entry in CATALOGUE.items() if not entry.histories])
def test_fits_and_samples_a_real_table(method: str, name: str, end: str, tmp_path: Path) -> None:
    python_of(method)
    table = tables()[name]
    kept = tmp_path / "model.pickle" if name == "breast" else None
    made, card = (found := fit(method, name, end, kept)).table, found.card
    assert (card.method, card.failures) == (method, ())
    assert made.shape == (120, table.shape[1])
    assert made.dtypes.to_dict() == table.dtypes.to_dict()
    assert card.fit_seconds > 0
    assert set(CATALOGUE[method].libraries) <= set(card.versions)
    for column in table:
        known = made[column].dropna()
        if not table[column].isna().any():
            assert len(known) == len(made)
        if pd.api.types.is_float_dtype(table[column].dtype) or column == "age":
            assert known.between(table[column].min(), table[column].max()).all()
        else:
            assert set(known) <= set(table[column].dropna())
    if CATALOGUE[method].dp is None:
        assert card.dp is None
    else:
        assert card.dp is not None
        knobs = configure(method, end).knobs()
        assert card.dp.parts == {field: knobs[field] for field in HYPERPARAMETERS[method].epsilon_fields}
        assert card.dp.epsilon == pytest.approx(sum(card.dp.parts.values()))
        assert not card.dp.public_bounds
    if kept is not None:
        assert not draw_again(found, kept, method, 5).equals(draw_again(found, kept, method, 6))
    # Noise that a seed brings back hides nothing.
    assert card.repeatable == (CATALOGUE[method].dp is None)
    if name == "trial":
        again = fit(method, name, end).table
        if card.repeatable:
            pd.testing.assert_frame_equal(again, made)
        else:
            assert not again.equals(made)


BUILD: dict[str, str] = {
    "arf": "import pandas as pd; from arfpy import arf; arf.arf(pd.DataFrame({'x': range(40)}), **knobs)",
    "vine": (
        "import pyvinecopulib as v; names = {'family_set': [v.BicopFamily.gaussian, v.BicopFamily.tll]};"
        "v.FitControlsVinecop(**{**knobs, **names})"
    ),
    "ctgan": "import ctgan; ctgan.CTGAN(**knobs)",
    "tvae": "import ctgan; ctgan.TVAE(**knobs)",
    "tabddpm": "from synthcity.plugins.generic.plugin_ddpm import TabDDPMPlugin as T; T(**knobs)",
    "argn": "from mostlyai.engine import TabularARGN; TabularARGN(**knobs)",
    "argn_dp": (
        "from mostlyai.engine import TabularARGN; from mostlyai.engine.domain import DifferentialPrivacyConfig as D;"
        "dp = {name: knobs.pop(name) for name in list(knobs) if name in D.model_fields};"
        "assert len(dp) == 5; TabularARGN(**knobs, differential_privacy=D(**dp))"
    ),
    "dpctgan": (
        "from snsynth import Synthesizer; knobs.pop('preprocessor_eps'); Synthesizer.create('dpctgan', **knobs)"
    ),
}
"""What takes the hyper-parameters in, and validates them where a library does."""


@pytest.mark.own_environment
@pytest.mark.parametrize("method", BUILD)
def test_the_ends_of_every_range_are_accepted(method: str) -> None:
    python = python_of(method)
    lines = ["import warnings; warnings.simplefilter('ignore')", "import numpy as np", "np.in1d = np.isin"]
    for end in ("low", "high"):
        knobs = {name: value for name, value in at_end(method, end).items() if method != "arf" or name != "max_iters"}
        lines += [f"knobs = {knobs!r}", BUILD[method]]
    done = subprocess.run([python, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
