"""How values of few persons are kept out of a synthetic table, by compliance level."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Frozen
from .compliance import DEFAULT_COMPLIANCE, POLICIES, Compliance
from .errors import SettingsError

__all__ = ["DEFAULT_PROTECTION", "RareLevels", "ValueProtection", "protection_for"]

RareLevels = Literal["pool", "redraw"]
"""What becomes of rare levels: one pooled level, or draws among the common ones."""


class ValueProtection(Frozen):
    """No value that fewer than ``k`` persons hold enters a fit."""

    k: Annotated[int, Field(ge=2)]
    rare_levels: RareLevels = "pool"


DEFAULT_PROTECTION = ValueProtection(k=POLICIES[DEFAULT_COMPLIANCE].min_persons)


def protection_for(
    compliance: Compliance, *, k: int | None = None, rare_levels: RareLevels = "pool", off: bool = False
) -> ValueProtection | None:
    """What a level asks for; None where it is switched off.

    Args:
        compliance: The level.
        k: Another number of persons than the level's; fewer only at ``research``.
        rare_levels: Pool or redraw.
        off: No protection, at ``research`` only.

    Raises:
        SettingsError: The level does not allow it.
    """
    least = POLICIES[compliance].min_persons
    lenient = compliance == "research"
    if off:
        if not lenient:
            raise SettingsError(f"value protection can be switched off at the level research only, not at {compliance}")
        return None
    if k is not None and (k < 2 or (k < least and not lenient)):
        raise SettingsError(f"{compliance} protects values of fewer than {least} persons; {k} is too few")
    return ValueProtection(k=least if k is None else k, rare_levels=rare_levels)
