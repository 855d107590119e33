"""Names and defaults of hyper-parameters, held against the libraries where their environments are installed."""

from __future__ import annotations

import inspect
import json
import subprocess
from typing import Any

import pytest
from clinical_model_selector.schemas.methods import CATALOGUE, HYPERPARAMETERS
from libraries import python_of

SIGNATURES: dict[str, str] = {
    "arf": "from arfpy import arf; targets = [arf.arf.__init__]",
    "nrgboost": (
        "import re; from types import SimpleNamespace as N; from nrgboost import wrapper;"
        "popped = re.findall(r\"pop\\('(\\w+)', ([\\d.]+)\\)\", inspect.getsource(wrapper.train));"
        "fit = wrapper.GenerativeBoostingTreeEstimator.fit;"
        "targets = [fit, N(model_fields={a: N(default=float(b)) for a, b in popped})]"
    ),
    "ctgan": "import ctgan; targets = [ctgan.CTGAN.__init__]",
    "tvae": "import ctgan; targets = [ctgan.TVAE.__init__]",
    "tabddpm": ("from synthcity.plugins.generic.plugin_ddpm import TabDDPMPlugin; targets = [TabDDPMPlugin.__init__]"),
    "argn": "from mostlyai.engine import TabularARGN; targets = [TabularARGN.__init__]",
    "argn_dp": (
        "from mostlyai.engine import TabularARGN; from mostlyai.engine.domain import DifferentialPrivacyConfig as D;"
        "targets = [TabularARGN.__init__, D]"
    ),
    "dpctgan": ("from snsynth.pytorch.nn import DPCTGAN; targets = [DPCTGAN.__init__, DPCTGAN.fit]"),
}
OUR_OWN_DEFAULT: dict[str, set[str]] = {
    "nrgboost": {"num_trees", "shrinkage", "max_leaves", "min_data_in_leaf"},
    "tabddpm": set(),
    "argn": {"max_training_time"},
    "argn_dp": {"max_training_time", "max_epsilon", "value_protection_epsilon"},
    "dpctgan": {"epsilon", "preprocessor_eps", "delta"},
}
"""Defaults that we set otherwise on purpose: a budget that adds up to 1, limits that are named, and sizes for
tables of hundreds of rows in place of the tens of thousands that a library has in mind."""

_ASK = """
import warnings; warnings.simplefilter("ignore")
import inspect, json
{imports}
found = {{}}
for target in targets:
    if hasattr(target, "model_fields"):
        found.update({{name: field.default for name, field in target.model_fields.items()}})
        continue
    for name, p in inspect.signature(target).parameters.items():
        value = None if p.default is inspect.Parameter.empty else p.default
        found[name] = list(value) if isinstance(value, tuple) else value
print("\\n" + json.dumps(found, default=str))
"""


@pytest.mark.own_environment
@pytest.mark.parametrize("method", SIGNATURES)
def test_names_and_defaults_are_the_librarys_own(method: str) -> None:
    done = subprocess.run(
        [python_of(method), "-c", _ASK.format(imports=SIGNATURES[method])],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    signature: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    knobs = HYPERPARAMETERS[method].with_defaults().knobs()
    assert set(knobs) <= set(signature)
    own = OUR_OWN_DEFAULT.get(method, set())
    differing = {name for name in set(knobs) - own if knobs[name] != signature[name]}
    assert not differing


def test_own_methods_take_every_knob_they_offer() -> None:
    from clinical_model_selector.synthesizers.adapters import load_adapter

    for method in ("gaussian_copula", "cart", "bayesian_network", "latent_class", "dp_mst", "dp_aim"):
        lineage = load_adapter(CATALOGUE[method].adapter).__mro__
        source = "".join(inspect.getsource(part) for part in lineage if part.__module__ != "builtins")
        assert all(f'["{name}"]' in source for name in HYPERPARAMETERS[method].with_defaults().knobs())
