"""Selectors that ``benchmark report`` can judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..schemas.errors import NoFeasibleSynthesizer, ProvidersUnavailable, SettingsError
from ..schemas.settings import Settings

if TYPE_CHECKING:
    from ..evidence.benchmark.regret import Selector
    from ..schemas.methods import Hyperparameters
    from ..schemas.question import Question

__all__ = ["make_selector"]


_ANSWERED = frozenset({"invalid_answer", "infeasible", "truncated", "refused", "content_filter"})
"""Outcomes of an attempt that are the model's own doing."""


def make_selector(provider: str) -> Selector:
    """The selector that asks ``provider`` and nobody else; the judged table's figures are kept from it.

    Raises:
        SettingsError: There is no such provider.
    """
    from ..chains.selection import build_selection
    from ..evidence.benchmark.regret import select_embedded
    from ..evidence.recommender.ranking import EmbeddedRecommender

    if provider == "embedded":
        return select_embedded
    if provider not in ("openrouter", "ollama"):
        raise SettingsError("--provider: embedded, openrouter or ollama")
    chain = build_selection(Settings().updated(selector_embedded="never"), EmbeddedRecommender())

    def select(question: Question) -> Hyperparameters | None:
        try:
            answered = chain.invoke(question.asking("openrouter" if provider == "openrouter" else "ollama"))
        except NoFeasibleSynthesizer:
            return None
        except ProvidersUnavailable as error:
            # A wrong answer is a choice that scores nothing; no answer is no judgement of the model.
            if any(attempt.outcome not in _ANSWERED for attempt in error.attempts):
                raise
            return None
        return answered.plan.choice

    return select
