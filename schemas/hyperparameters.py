"""One typed object per synthesizer: its method id and hyper-parameters, with type, default, range and cross rules.

This is the only place that states them; the catalogue, the prompt, the checks and the adapters read them from here.
Defaults are kept beside the range as ``Default(...)`` and not as pydantic defaults, because a provider's strict mode
wants every field required. Ranges follow the libraries' own defaults and the measurements quoted in the catalogue.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from .base import Frozen

__all__ = [
    "ARF",
    "ARGN",
    "ARGNDP",
    "CART",
    "CTGAN",
    "DPAIM",
    "DPCTGAN",
    "DPMST",
    "HYPERPARAMETERS",
    "TVAE",
    "Default",
    "GaussianCopula",
    "Hyperparameters",
    "Method",
    "TabDDPM",
    "drop_titles",
]

Method = Literal[
    "gaussian_copula",
    "cart",
    "arf",
    "ctgan",
    "tvae",
    "tabddpm",
    "argn",
    "argn_dp",
    "dp_mst",
    "dp_aim",
    "dpctgan",
]


@dataclass(frozen=True, slots=True)
class Default:
    """The default of a hyper-parameter, kept in its annotation."""

    value: Any


def drop_titles(schema: dict[str, Any]) -> None:
    """Take titles and docstrings out of a model's JSON schema: providers bill every token of it."""
    for part in (schema, *schema["properties"].values()):
        part.pop("title", None)
        part.pop("description", None)


class Hyperparameters(Frozen):
    """Base of the per-method objects: closed, frozen, silent about inputs in its errors."""

    model_config = ConfigDict(json_schema_extra=drop_titles)

    epsilon_fields: ClassVar[tuple[str, ...]] = ()
    """Fields that each spend privacy budget; they add up (basic composition, Dwork & Roth 2014, theorem 3.16)."""
    delta_field: ClassVar[str | None] = None

    method: str

    @property
    def is_dp(self) -> bool:
        """Whether this synthesizer gives a differential-privacy guarantee at all."""
        return bool(self.epsilon_fields)

    @property
    def total_epsilon(self) -> float:
        """Sum of every epsilon this configuration spends; 0.0 where there is no guarantee."""
        # Rounded so that 0.27 + 0.03 is 0.3 and stays within a budget of 0.3.
        return round(float(sum(getattr(self, name) for name in self.epsilon_fields)), 9)

    @property
    def total_delta(self) -> float:
        """The delta of the guarantee; 0.0 where there is none."""
        return float(getattr(self, self.delta_field)) if self.delta_field else 0.0

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Default of every hyper-parameter, method included."""
        return dict(cls._defaults())

    @classmethod
    @cache
    def _defaults(cls) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if name == "method":
                found[name] = field.annotation.__args__[0]  # type: ignore[union-attr]
                continue
            found[name] = next(item.value for item in field.metadata if isinstance(item, Default))
        return found

    @classmethod
    def with_defaults(cls, **values: Any) -> Self:
        """An instance from ``values``, every other hyper-parameter at its default.

        Raises:
            pydantic.ValidationError: A value has the wrong type, is out of range, or is unknown.
        """
        return cls.model_validate({**cls.defaults(), **values})

    def knobs(self) -> dict[str, Any]:
        """The hyper-parameters without the method id."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "method"}

    def distance(self, other: Hyperparameters) -> float:
        """How far two configurations of one method are apart: the sum of the logarithms of their numbers' ratios."""
        theirs = other.knobs()
        pairs = [(value, theirs[name]) for name, value in self.knobs().items()]
        numbers = [(a, b) for a, b in pairs if isinstance(a, int | float) and isinstance(b, int | float)]
        return sum(abs(math.log((a + 1e-9) / (b + 1e-9))) for a, b in numbers)


class GaussianCopula(Hyperparameters):
    """Gaussian copula over per-column marginals."""

    method: Literal["gaussian_copula"]
    marginal: Annotated[Literal["empirical", "gaussian", "kde"], Default("empirical")]
    shrinkage: Annotated[float, Field(ge=0.0, le=1.0), Default(0.05)]


class CART(Hyperparameters):
    """Sequential classification and regression trees."""

    method: Literal["cart"]
    min_samples_leaf: Annotated[int, Field(ge=5, le=50), Default(5)]


class ARF(Hyperparameters):
    """Adversarial random forest."""

    method: Literal["arf"]
    num_trees: Annotated[int, Field(ge=10, le=100), Default(30)]
    min_node_size: Annotated[int, Field(ge=2, le=20), Default(5)]
    max_iters: Annotated[int, Field(ge=1, le=10), Default(10)]


class CTGAN(Hyperparameters):
    """Conditional tabular GAN."""

    method: Literal["ctgan"]
    epochs: Annotated[int, Field(ge=100, le=2000), Default(300)]
    batch_size: Annotated[int, Field(ge=20, le=4000), Default(500)]
    pac: Annotated[int, Field(ge=1, le=20), Default(10)]
    embedding_dim: Annotated[int, Field(ge=16, le=512), Default(128)]
    generator_lr: Annotated[float, Field(ge=1e-5, le=1e-2), Default(2e-4)]
    discriminator_lr: Annotated[float, Field(ge=1e-5, le=1e-2), Default(2e-4)]

    @model_validator(mode="after")
    def _batch_fits_pac(self) -> Self:
        if self.batch_size % self.pac:
            raise ValueError("batch_size must be divisible by pac, or training crashes")
        if self.batch_size % 2:
            raise ValueError("batch_size must be even, or the library refuses it")
        return self


class TVAE(Hyperparameters):
    """Tabular variational autoencoder."""

    method: Literal["tvae"]
    epochs: Annotated[int, Field(ge=300, le=2000), Default(300)]
    batch_size: Annotated[int, Field(ge=20, le=4000), Default(500)]
    embedding_dim: Annotated[int, Field(ge=16, le=512), Default(128)]
    compress_dims: Annotated[
        list[Annotated[int, Field(ge=16, le=512)]], Field(min_length=1, max_length=3), Default([128, 128])
    ]
    decompress_dims: Annotated[
        list[Annotated[int, Field(ge=16, le=512)]], Field(min_length=1, max_length=3), Default([128, 128])
    ]
    l2scale: Annotated[float, Field(ge=0.0, le=1e-2), Default(1e-5)]
    loss_factor: Annotated[int, Field(ge=1, le=10), Default(2)]


class TabDDPM(Hyperparameters):
    """Denoising diffusion; ``n_iter`` counts epochs, not gradient steps."""

    method: Literal["tabddpm"]
    n_iter: Annotated[int, Field(ge=1000, le=10000), Default(1000)]
    lr: Annotated[float, Field(ge=1e-5, le=0.1), Default(0.002)]
    batch_size: Annotated[int, Field(ge=256, le=4096), Default(1024)]
    num_timesteps: Annotated[int, Field(ge=10, le=1000), Default(1000)]


class ARGN(Hyperparameters):
    """Autoregressive network; ``max_training_time`` is in minutes."""

    method: Literal["argn"]
    max_epochs: Annotated[int, Field(ge=10, le=500), Default(100)]
    max_training_time: Annotated[int, Field(ge=1, le=1440), Default(60)]
    batch_size: Annotated[int | None, Field(ge=16, le=4096), Default(None)]


class ARGNDP(Hyperparameters):
    """Autoregressive network trained with DP-SGD; both epsilons are spent."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("max_epsilon", "value_protection_epsilon")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["argn_dp"]
    max_epochs: Annotated[int, Field(ge=10, le=500), Default(100)]
    max_training_time: Annotated[int, Field(ge=1, le=1440), Default(60)]
    batch_size: Annotated[int | None, Field(ge=16, le=4096), Default(None)]
    max_epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    value_protection_epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    noise_multiplier: Annotated[float, Field(ge=0.5, le=10.0), Default(1.5)]
    max_grad_norm: Annotated[float, Field(ge=0.1, le=10.0), Default(1.0)]


class DPMST(Hyperparameters):
    """Maximum-spanning-tree marginals under DP; preprocessing spends ``proc_epsilon`` on top."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("epsilon", "proc_epsilon")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["dp_mst"]
    epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    proc_epsilon: Annotated[float, Field(gt=0.0, le=1.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    n_bins: Annotated[int, Field(ge=5, le=100), Default(20)]


class DPAIM(Hyperparameters):
    """Adaptive and iterative marginals under DP; preprocessing spends ``proc_epsilon`` on top."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("epsilon", "proc_epsilon")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["dp_aim"]
    epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    proc_epsilon: Annotated[float, Field(gt=0.0, le=1.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    n_bins: Annotated[int, Field(ge=5, le=100), Default(20)]
    max_model_size: Annotated[int, Field(ge=10, le=500), Default(80)]
    degree: Annotated[int, Field(ge=2, le=3), Default(2)]


class DPCTGAN(Hyperparameters):
    """CTGAN with a DP-SGD discriminator; the preprocessor's epsilon is spent on top."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("epsilon", "preprocessor_eps")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["dpctgan"]
    epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    preprocessor_eps: Annotated[float, Field(gt=0.0, le=1.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    sigma: Annotated[float, Field(ge=0.5, le=20.0), Default(5.0)]
    batch_size: Annotated[int, Field(ge=20, le=4000), Default(500)]
    epochs: Annotated[int, Field(ge=10, le=2000), Default(300)]
    max_per_sample_grad_norm: Annotated[float, Field(ge=0.1, le=10.0), Default(1.0)]


HYPERPARAMETERS: dict[str, type[Hyperparameters]] = {
    "gaussian_copula": GaussianCopula,
    "cart": CART,
    "arf": ARF,
    "ctgan": CTGAN,
    "tvae": TVAE,
    "tabddpm": TabDDPM,
    "argn": ARGN,
    "argn_dp": ARGNDP,
    "dp_mst": DPMST,
    "dp_aim": DPAIM,
    "dpctgan": DPCTGAN,
}
"""Method id → its typed object."""
