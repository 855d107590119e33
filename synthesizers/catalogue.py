"""The catalogue: every fact about a synthesizer that is not a hyper-parameter range.

Types, defaults, ranges and cross rules of the hyper-parameters are in ``schemas/hyperparameters.py``, because the plan
is validated by them; :attr:`CatalogueEntry.hyperparameters` leads there. Licences, versions, caveats were read in the
libraries themselves; row limits marked as judgement are ours. Extending it: one typed object there, one entry here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..schemas.hyperparameters import HYPERPARAMETERS, Hyperparameters
from ..schemas.plan import BACKEND_IDS

__all__ = ["CATALOGUE", "CATALOGUE_VERSION", "NOT_OFFERED", "CatalogueEntry", "DPGuarantee", "Family", "resolve_method"]

CATALOGUE_VERSION = "2"
"""Part of every fingerprint: raise it whenever a fact here, a range or a sizing rule changes."""

Family = Literal["copula", "trees", "gan", "vae", "diffusion", "autoregressive", "marginals"]


@dataclass(frozen=True, slots=True)
class DPGuarantee:
    """What kind of differential privacy a synthesizer gives, and where it ends."""

    mechanism: str
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One synthesizer."""

    method: str
    title: str
    family: Family
    implementation: str
    """Library and version the facts were read from; ``own`` for what this project implements."""
    licence: str
    source_available_only: bool
    """The licence bars offering its synthesis to third parties as a service (BSL 1.1)."""
    dp: DPGuarantee | None
    one_hot: bool
    """Encodes categories one-hot, so that width, time and memory grow with the number of levels."""
    native_missing: bool
    """Models missing values itself; otherwise an indicator column goes along."""
    high_cardinality: Literal["good", "fair", "poor"]
    """How it copes with columns of hundreds of levels (judgement, from how it encodes them)."""
    min_rows: int
    """Refused below this many rows."""
    advised_rows: int
    """Below this many rows it is a poor bet (judgement): allowed, scored down, and warned about."""
    min_steps: int
    """Gradient steps below which it is undertrained; 0 where training is not by gradient steps."""
    target_steps: int
    """Gradient steps to aim for."""
    strength: str
    """What it is good at, in few words and without slogans."""
    weakness: str
    reference: str
    cautions: tuple[float, ...] = (0.0,)
    """Levels of caution to measure and to choose among (see ``size_hyperparameters``); one where it changes little."""

    @property
    def hyperparameters(self) -> type[Hyperparameters]:
        """The typed object with defaults, ranges and cross rules."""
        return HYPERPARAMETERS[self.method]

    @property
    def backend_id(self) -> str:
        """The id in the existing backend."""
        return BACKEND_IDS.get(self.method, self.method)


_PUBLIC_BOUNDS = "formal only where bounds and categories are public knowledge, not read off the data"
_EPSILONS_ADD = "every epsilon counts: training and preprocessing add up"
_ROW_LEVEL = "protects rows; a patient with several rows is protected by that factor less"

_ENTRIES = (
    CatalogueEntry(
        method="gaussian_copula",
        title="Gaussian copula",
        family="copula",
        implementation="own (scipy, numpy)",
        licence="Apache-2.0",
        source_available_only=False,
        dp=None,
        one_hot=False,
        native_missing=False,
        high_cardinality="fair",
        min_rows=50,
        advised_rows=100,
        min_steps=0,
        target_steps=0,
        strength="seconds to fit, smooth, low disclosure risk, keeps marginals and linear dependence",
        weakness="misses interactions and non-monotone dependence",
        reference="Nelsen 2006; Patki et al. 2016, The Synthetic Data Vault",
    ),
    CatalogueEntry(
        method="cart",
        title="Sequential CART",
        family="trees",
        implementation="own (scikit-learn)",
        licence="Apache-2.0",
        source_available_only=False,
        dp=None,
        one_hot=False,
        native_missing=False,
        high_cardinality="fair",
        min_rows=50,
        advised_rows=100,
        min_steps=0,
        target_steps=0,
        strength="highest measured fidelity and utility on small and medium tables, seconds to fit",
        weakness="leaf donors are real cell values: highest disclosure risk; falls with more rows, larger leaves",
        reference="Reiter 2005; Nowok, Raab, Dibben 2016 (synthpop)",
        cautions=(0.0, 0.25, 1.0),
    ),
    CatalogueEntry(
        method="arf",
        title="Adversarial random forest",
        family="trees",
        implementation="arfpy 0.1.1",
        licence="MIT",
        source_available_only=False,
        dp=None,
        one_hot=False,
        native_missing=False,
        high_cardinality="fair",
        min_rows=50,
        advised_rows=100,
        min_steps=0,
        target_steps=0,
        strength="density estimate in the leaves instead of donors: utility near the trees at lower risk",
        weakness="weaker pairwise trends; time grows with rows, columns and trees",
        reference="Watson, Blesch, Kapar, Wright 2023, AISTATS",
    ),
    CatalogueEntry(
        method="ctgan",
        title="CTGAN",
        family="gan",
        implementation="ctgan 0.12.1 (SDV)",
        licence="BSL-1.1",
        source_available_only=True,
        dp=None,
        one_hot=True,
        native_missing=False,
        high_cardinality="poor",
        min_rows=100,
        advised_rows=500,
        min_steps=1000,
        target_steps=3000,
        strength="conditional sampling of rare categories on larger mixed tables",
        weakness="undertrained on few rows; width explodes with many levels",
        reference="Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, NeurIPS",
    ),
    CatalogueEntry(
        method="tvae",
        title="TVAE",
        family="vae",
        implementation="ctgan 0.12.1 (SDV)",
        licence="BSL-1.1",
        source_available_only=True,
        dp=None,
        one_hot=True,
        native_missing=False,
        high_cardinality="poor",
        min_rows=100,
        advised_rows=500,
        min_steps=600,
        target_steps=2000,
        strength="trains stably, good utility at a fraction of CTGAN's steps",
        weakness="marginals too narrow, rare levels lost; width explodes with many levels",
        reference="Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, NeurIPS",
    ),
    CatalogueEntry(
        method="tabddpm",
        title="TabDDPM",
        family="diffusion",
        implementation="schneiderkamplab-synthcity 0.2.16 (plugin_ddpm)",
        licence="Apache-2.0",
        source_available_only=False,
        dp=None,
        one_hot=True,
        native_missing=False,
        high_cardinality="poor",
        min_rows=256,
        advised_rows=500,
        min_steps=3000,
        target_steps=3000,
        strength="good fidelity and utility once trained for 3,000 steps or more",
        weakness="useless when undertrained; treats columns of ten or fewer distinct values as categories",
        reference="Kotelnikov, Baranchuk, Rubachev, Babenko 2023, ICML",
    ),
    CatalogueEntry(
        method="argn",
        title="TabularARGN",
        family="autoregressive",
        implementation="mostlyai-engine 2.7.3",
        licence="Apache-2.0",
        source_available_only=False,
        dp=None,
        one_hot=False,
        native_missing=True,
        high_cardinality="good",
        min_rows=200,
        advised_rows=2000,
        min_steps=0,
        target_steps=0,
        strength="native missing values, mixed types and many levels on tables of thousands of rows",
        weakness="learns little dependence on a few hundred rows",
        reference="Tiwald et al. 2025, arXiv 2501.12012",
    ),
    CatalogueEntry(
        method="argn_dp",
        title="TabularARGN with DP-SGD",
        family="autoregressive",
        implementation="mostlyai-engine 2.7.3 (DifferentialPrivacyConfig)",
        licence="Apache-2.0",
        source_available_only=False,
        dp=DPGuarantee("DP-SGD with private value ranges", (_EPSILONS_ADD, _ROW_LEVEL)),
        one_hot=False,
        native_missing=True,
        high_cardinality="good",
        min_rows=500,
        advised_rows=2000,
        min_steps=0,
        target_steps=0,
        strength="differential privacy with native missing values and many levels",
        weakness="needs thousands of rows for the noise not to win",
        reference="Tiwald et al. 2025, arXiv 2501.12012; Abadi et al. 2016 (DP-SGD)",
    ),
    CatalogueEntry(
        method="dp_mst",
        title="MST",
        family="marginals",
        implementation="dpmm 0.1.9 (MSTPipeline)",
        licence="Apache-2.0",
        source_available_only=False,
        dp=DPGuarantee("Gaussian noise on selected marginals", (_PUBLIC_BOUNDS, _EPSILONS_ADD, _ROW_LEVEL)),
        one_hot=False,
        native_missing=False,
        high_cardinality="poor",
        min_rows=200,
        advised_rows=2000,
        min_steps=0,
        target_steps=0,
        strength="the steadiest formally private choice on small and medium tables",
        weakness="keeps a tree of pairwise dependence only; slow on many columns",
        reference="McKenna, Miklau, Sheldon 2021",
    ),
    CatalogueEntry(
        method="dp_aim",
        title="AIM",
        family="marginals",
        implementation="dpmm 0.1.9 (AIMPipeline)",
        licence="Apache-2.0",
        source_available_only=False,
        dp=DPGuarantee("adaptive noise on selected marginals", (_PUBLIC_BOUNDS, _EPSILONS_ADD, _ROW_LEVEL)),
        one_hot=False,
        native_missing=False,
        high_cardinality="poor",
        min_rows=200,
        advised_rows=2000,
        min_steps=0,
        target_steps=0,
        strength="adapts the marginals it spends budget on",
        weakness="slower than MST; model size grows with the domain",
        reference="McKenna, Mullins, Sheldon, Miklau 2022, VLDB",
    ),
    CatalogueEntry(
        method="dpctgan",
        title="DP-CTGAN",
        family="gan",
        implementation="smartnoise-synth 1.0.8",
        licence="MIT",
        source_available_only=False,
        dp=DPGuarantee("DP-SGD in the discriminator", (_EPSILONS_ADD, _ROW_LEVEL)),
        one_hot=True,
        native_missing=False,
        high_cardinality="poor",
        min_rows=200,
        advised_rows=2000,
        min_steps=0,
        target_steps=0,
        strength="differential privacy with CTGAN's architecture, for those who run it already",
        weakness="at epsilon 1 and a few thousand rows it learns little",
        reference="Fang, Dhami, Kersting 2022; smartnoise-synth",
    ),
)

CATALOGUE: dict[str, CatalogueEntry] = {entry.method: entry for entry in _ENTRIES}
"""Method id → entry, in the order they are shown."""

NOT_OFFERED: dict[str, str] = {
    "pategan": "discards the caller's delta, and some teacher queries bypass its privacy accountant",
    "dpgan": "samples without Poisson sampling and fits its encoder on the raw data, so its epsilon does not hold",
    "aim": "synthcity's variant takes its domain from the raw data, so its epsilon does not hold; dp_aim is offered",
}
"""Known to the existing backend, and why we do not offer it (read in their code)."""

_BY_BACKEND_ID = {entry.backend_id: entry.method for entry in _ENTRIES}


def resolve_method(name: str) -> str | None:
    """Our id for ``name``, which may be the existing backend's id; None where nothing is known by that name."""
    name = name.strip()
    if name in CATALOGUE or name in NOT_OFFERED:
        return name
    return _BY_BACKEND_ID.get(name)
