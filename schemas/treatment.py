"""What to do with a column before a fit."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["Treatment"]


class Treatment(BaseModel):
    """What to do with one column before a fit, by rule and never by an LLM."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    alias: str
    column: str | None = None
    """The column's name on the caller's machine; None where only a safe profile was given."""
    action: Literal["keep", "drop", "pseudonymise", "generalise"]
    rule: str
    """What is done, in one sentence."""
    reference: str | None = None
    """Where the rule comes from, such as 45 CFR 164.514(b)(2)(i)(A)."""
