"""What a provider is asked: the safe profile and the constraints, resolved; nothing in here is raw."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Frozen
from .compliance import POLICIES, Compliance, Policy
from .options import EvidencePolicy, ProviderChoice, SelectionOptions
from .profile import SafeProfile
from .request import Landmark, PreviousRound

__all__ = ["Constraints", "PromptFigures", "Question"]

PromptFigures = Literal["measured", "none", "shuffled"]


class Constraints(SelectionOptions):
    """The request's options with every default filled in and the user's own words made safe."""

    compliance: Compliance = "hipaa_like"
    require_dp: bool = False
    """Asked for by the user or by the compliance level."""
    epsilon_max: Annotated[float, Field(gt=0.0)]
    """Smaller of the user's and the policy's limit on the total epsilon."""
    delta_max: Annotated[float, Field(gt=0.0)]
    """Smaller of the policy's limit and 1/persons."""
    evidence_policy: EvidencePolicy = "advise"
    measure: bool = False

    @property
    def policy(self) -> Policy:
        """Thresholds of the compliance level."""
        return POLICIES[self.compliance]


class Question(Frozen):
    """The input of the selection chain and of every attempt."""

    profile: SafeProfile
    constraints: Constraints
    previous: PreviousRound | None = None
    left_out: frozenset[str] = frozenset()
    """Origins of measured tables that must not be used: for judging a selector on a table that it has never seen."""
    landmarks: tuple[Landmark, ...] = ()
    """Measured on this table, where the caller allowed it."""
    figures: PromptFigures = "measured"
    """What a prompt says of measurements: nothing, or another method's, for judging what a model makes of them."""

    @property
    def goal(self) -> str | None:
        """The user's words, column names replaced by aliases."""
        return self.constraints.goal

    @property
    def instructions(self) -> str | None:
        """As ``goal``."""
        return self.constraints.instructions

    @property
    def provider(self) -> ProviderChoice:
        """Who is asked."""
        return self.constraints.provider

    @property
    def model(self) -> str | None:
        """Overrides the model id of the provider asked first."""
        return self.constraints.model

    @property
    def evidence_policy(self) -> EvidencePolicy:
        """What becomes of a choice that the measurements speak against."""
        return self.constraints.evidence_policy

    def asking(self, provider: ProviderChoice) -> Question:
        """The same question for one provider alone."""
        constraints = self.constraints.model_copy(update={"provider": provider})
        return self.model_copy(update={"constraints": constraints})
