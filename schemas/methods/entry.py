"""A synthesizer's entry in the catalogue: its hyper-parameters, facts, sizes and costs, each stated here once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal

from .hyperparameters import Hyperparameters
from .table_shape import TableShape

__all__ = [
    "EPSILONS_ADD",
    "PUBLIC_BOUNDS",
    "ROW_LEVEL",
    "CatalogueEntry",
    "DPGuarantee",
    "Family",
    "Sizing",
]

Family = Literal[
    "copula",
    "sequential trees",
    "trees",
    "graphical",
    "gan",
    "vae",
    "diffusion",
    "autoregressive",
    "marginals",
    "histories",
]

Knobs = dict[str, Any]

PUBLIC_BOUNDS = "formal only where bounds, categories and which columns have gaps are public, not read off the data"
EPSILONS_ADD = "every epsilon counts: training and preprocessing add up"
ROW_LEVEL = "protects rows; a patient with several rows is protected by that factor less"
"""Caveats of a guarantee; the last one matters where a patient has several rows."""


@dataclass(frozen=True, slots=True)
class DPGuarantee:
    """What kind of differential privacy a synthesizer gives, and where it ends."""

    mechanism: str
    caveats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sizing:
    """What hyper-parameters are sized for."""

    shape: TableShape
    max_seconds: float
    """Time a fit may take."""
    caution: float
    """0 to 1; higher trades fidelity for lower disclosure risk."""
    effort: float
    """Factor on how long to train; above 1 after a round of poor fidelity."""
    steps: float
    """Gradient steps to aim for, effort included."""


def _no_knobs(sizing: Sizing) -> Knobs:
    return {}


def _no_steps(knobs: Knobs, rows: int) -> int | None:
    return None


def _nothing_needed(shape: TableShape) -> float:
    return 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """One synthesizer. Licences, versions and caveats were read in the libraries themselves."""

    hyperparameters: type[Hyperparameters]
    """The typed object with defaults, ranges and cross rules."""
    title: str
    family: Family
    order: int
    """Where it stands in lists: lower first, equals by method id."""
    implementation: str
    """Library and version the facts were read from; ``own`` for what this project implements."""
    licence: str
    source_available_only: bool = False
    """The licence bars offering its synthesis to third parties as a service (BSL 1.1)."""
    backend_id: str = ""
    """Its id in the existing backend; its own where the backend does not know it."""
    environment: str | None = None
    """Name of the requirement file whose environment it runs in; None where the extra ``light`` suffices."""
    libraries: tuple[str, ...]
    """Distributions whose versions belong on a run card."""
    needs: tuple[str, ...]
    """Modules that must be importable."""
    native_missing: bool = False
    """Models missing values itself; otherwise an indicator column goes along."""
    repeatable: bool = True
    """Equal seeds give equal rows, on one machine, as long as no clock ends a fit. Measured, not promised: some
    libraries draw from sources that nobody can seed."""
    histories: bool = False
    """Makes several rows a patient, in their order, and so needs a table that has them; the limits on rows below then
    count patients. All others make single rows."""
    survival: bool = False
    """Draws the time to an event and the event before all else, and so needs a table that has both."""
    dp: DPGuarantee | None = None
    one_hot: bool = False
    """Encodes categories one-hot, so that width, time and memory grow with the number of levels."""
    high_cardinality: Literal["good", "fair", "poor"]
    """How it copes with columns of hundreds of levels (judgement, from how it encodes them)."""
    min_rows: int
    """Refused below this many rows."""
    advised_rows: int
    """Below this many rows it is a poor bet (judgement): allowed, scored down, and warned about."""
    min_steps: int = 0
    """Gradient steps below which it is undertrained; 0 where training is not by gradient steps."""
    target_steps: int = 0
    """Gradient steps to aim for."""
    strength: str
    """What it is good at, in few words and without slogans."""
    weakness: str
    reference: str
    cautions: tuple[float, ...] = (0.0,)
    """Levels of caution to measure and to choose among (see :class:`Sizing`); one where it changes little."""
    library_bytes: float = 0.2e9
    """Memory of interpreter and library before any row is read."""
    size: Callable[[Sizing], Knobs] = _no_knobs
    """Hyper-parameters for a table; what it leaves out takes its default, a privacy budget is split elsewhere."""
    steps: Callable[[Knobs, int], int | None] = _no_steps
    """Gradient steps that hyper-parameters take on so many rows; None where training is not by a fixed number."""
    cpu_seconds: Callable[[Knobs, TableShape], float]
    """CPU seconds of a fit, an estimate for one thread."""
    bounds_epsilon: Callable[[TableShape], float] = _nothing_needed
    """Epsilon that the library needs to find bounds privately, where none are public."""

    @property
    def method(self) -> str:
        """Its id."""
        return str(self.hyperparameters.defaults()["method"])

    @property
    def adapter(self) -> str:
        """Family folder and module, the same in ``synthesizers/adapters`` as here."""
        return ".".join(self.hyperparameters.__module__.split(".")[-2:])

    def facts(self) -> dict[str, Any]:
        """Everything that can be written down: no callables, no classes."""
        listed = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {name: value for name, value in listed.items() if not callable(value)}
        dp = self.dp and {"mechanism": self.dp.mechanism, "caveats": self.dp.caveats}
        return {"method": self.method, **plain, "backend_id": self.backend_id or self.method, "dp": dp}
