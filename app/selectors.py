"""Selectors that ``benchmark report`` can judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..schemas.errors import NoFeasibleSynthesizer, SettingsError
from ..schemas.settings import Settings

if TYPE_CHECKING:
    from ..evidence.regret import Selector
    from ..schemas.question import Question

__all__ = ["make_selector"]


def make_selector(provider: str) -> Selector:
    """The selector that asks ``provider`` and nobody else.

    A language model is shown figures from all measured tables, the judged one among them: only the embedded
    recommender leaves that one out.

    Raises:
        SettingsError: There is no such provider.
    """
    from ..agents import ClinicalModelSelector
    from ..evidence.regret import select_embedded

    if provider == "embedded":
        return select_embedded
    if provider not in ("openrouter", "ollama"):
        raise SettingsError("--provider: embedded, openrouter or ollama")
    asked = ClinicalModelSelector(Settings().updated(selector_embedded="never"))

    def select(question: Question, left_out: frozenset[str]) -> str | None:
        constraints = question.constraints
        try:
            result = asked.select(
                profile=question.profile,
                tradeoff=constraints.tradeoff,
                compliance=constraints.compliance,
                require_dp=constraints.require_dp,
                epsilon_max=constraints.epsilon_max,
                allowed=constraints.allowed,
                deployment=constraints.deployment,
                max_fit_seconds=constraints.max_fit_seconds,
                provider=provider,
            )
        except NoFeasibleSynthesizer:
            return None
        return str(result.plan.choice.method)

    return cast("Selector", select)
