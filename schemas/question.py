"""What a provider is asked: the safe profile and the constraints, resolved; nothing in here is raw."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from .compliance import POLICIES, Compliance, Policy
from .profile import SafeProfile
from .request import Deployment, EvidencePolicy, PreviousRound, Tradeoff

__all__ = ["Constraints", "Question"]


class Constraints(BaseModel):
    """The request's constraints with every default filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tradeoff: Tradeoff = "balanced"
    compliance: Compliance = "hipaa_like"
    require_dp: bool = False
    """Asked for by the user or by the compliance level."""
    epsilon_max: Annotated[float, Field(gt=0.0)]
    """Smaller of the user's and the policy's limit on the total epsilon."""
    delta_max: Annotated[float, Field(gt=0.0)]
    """Smaller of the policy's limit and 1/persons."""
    allowed: tuple[str, ...] | None = None
    deployment: Deployment = "internal"
    max_fit_seconds: float | None = None

    @property
    def policy(self) -> Policy:
        """Thresholds of the compliance level."""
        return POLICIES[self.compliance]


class Question(BaseModel):
    """The input of the selection chain and of every leg."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    profile: SafeProfile
    constraints: Constraints
    goal: str | None = None
    """The user's words, column names replaced by aliases."""
    instructions: str | None = None
    previous: PreviousRound | None = None
    provider: Literal["auto", "openrouter", "ollama", "embedded"] = "auto"
    model: str | None = None
    evidence_policy: EvidencePolicy = "advise"
    left_out: frozenset[str] = frozenset()
    """Origins of measured tables that must not be used: for judging a selector on a table that it has never seen."""
