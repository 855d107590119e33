"""What every synthesizer's typed object shares: its method id and hyper-parameters, with type, default and range.

Defaults are kept beside the range as ``Default(...)`` and not as pydantic defaults, because a provider's strict mode
wants every field required.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import ConfigDict

from ..base import Frozen

__all__ = ["Default", "Hyperparameters", "drop_titles"]


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
    """Fields that each spend privacy budget, training first and preparation second; they add up (basic composition,
    Dwork & Roth 2014, theorem 3.16)."""
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
        values: dict[str, Any] = {}
        for name, field in cls.model_fields.items():
            if name == "method":
                values[name] = field.annotation.__args__[0]  # type: ignore[union-attr]
                continue
            values[name] = next(item.value for item in field.metadata if isinstance(item, Default))
        return values

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
