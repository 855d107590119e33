"""Selectors and arms that ``benchmark report`` and ``benchmark arms`` can judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..schemas.errors import NoFeasibleSynthesizer, ProvidersUnavailable, SettingsError
from ..schemas.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..evidence.benchmark.arms import Arm
    from ..evidence.benchmark.regret import Selector
    from ..schemas.methods import Hyperparameters
    from ..schemas.plan import ModelSelectionPlan
    from ..schemas.question import PromptFigures, Question

__all__ = ["make_arms", "make_asker", "make_planners", "make_selector"]


_ANSWERED = frozenset({"invalid_answer", "infeasible", "truncated", "refused", "content_filter"})
"""Outcomes of an attempt that are the model's own doing."""


def make_selector(provider: str) -> Selector:
    """The selector that asks ``provider`` and nobody else; the judged table's figures are kept from it.

    Raises:
        SettingsError: There is no such provider.
    """
    from ..evidence.benchmark.regret import select_embedded

    if provider == "embedded":
        return select_embedded
    ask = make_asker(provider)

    def select(question: Question) -> Hyperparameters | None:
        plan = ask(question)
        return None if plan is None else plan.choice

    return select


def make_asker(provider: str) -> Callable[[Question], ModelSelectionPlan | None]:
    """Asks ``provider`` for a whole plan; None where the model's answer could not stand.

    Raises:
        SettingsError: There is no such provider.
    """
    from ..chains.selection import build_selection
    from ..evidence.recommender.ranking import EmbeddedRecommender

    if provider not in ("openrouter", "ollama"):
        raise SettingsError("--provider: embedded, openrouter or ollama")
    chain = build_selection(Settings().updated(selector_embedded="never"), EmbeddedRecommender())

    def ask(question: Question) -> ModelSelectionPlan | None:
        try:
            answered = chain.invoke(question.asking("openrouter" if provider == "openrouter" else "ollama"))
        except NoFeasibleSynthesizer:
            return None
        except ProvidersUnavailable as error:
            # A wrong answer is a choice that scores nothing; no answer is no judgement of the model.
            if any(attempt.outcome not in _ANSWERED for attempt in error.attempts):
                raise
            return None
        return answered.plan

    return ask


def make_planners(provider: str) -> dict[str, Callable[[Question], ModelSelectionPlan | None]]:
    """The recommender, and ``provider`` with the measured figures, without them, and with each method's shuffled.

    Args:
        provider: ``embedded`` for the recommender alone.

    Raises:
        SettingsError: There is no such provider.
    """
    from ..evidence.recommender.ranking import recommend

    def embedded(question: Question) -> ModelSelectionPlan | None:
        try:
            return recommend(question)
        except NoFeasibleSynthesizer:
            return None

    if provider == "embedded":
        return {"embedded": embedded}
    ask = make_asker(provider)

    def shown(figures: PromptFigures) -> Callable[[Question], ModelSelectionPlan | None]:
        return lambda question: ask(question.model_copy(update={"figures": figures}))

    return {
        "embedded": embedded,
        "llm alone": shown("none"),
        "llm + evidence": shown("measured"),
        "llm + shuffled evidence": shown("shuffled"),
    }


def make_arms(provider: str) -> dict[str, Arm]:
    """The planners as arms: a plan's choice, then its backups.

    Raises:
        SettingsError: There is no such provider.
    """

    def proposals(plan: ModelSelectionPlan | None) -> list[Hyperparameters]:
        return [] if plan is None else [plan.choice, *plan.backups]

    def arm(planner: Callable[[Question], ModelSelectionPlan | None]) -> Arm:
        return lambda question: proposals(planner(question))

    return {name: arm(planner) for name, planner in make_planners(provider).items()}
