"""The embedded recommender as the last attempt; its plan goes through the same check."""

from __future__ import annotations

import time
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForChainRun
from langchain_core.runnables import Runnable, RunnableConfig

from ..schemas.errors import ProvidersUnavailable
from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question
from ..schemas.result import Attempt
from .case import AttemptAnswer, earlier_attempts
from .parse_answer import describe_violations
from .plan_check import PlanCheck
from .providers.private_loop import get_private_loop
from .trace_config import below, of_this_context

__all__ = ["EmbeddedAttempt"]


class EmbeddedAttempt(Runnable[dict[str, Any], AttemptAnswer]):
    """Ask nobody: compute the plan."""

    name = "embedded"

    def __init__(self, recommender: Runnable[Question, ModelSelectionPlan]) -> None:
        self._recommender = recommender

    def invoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> AttemptAnswer:
        """As ``ainvoke``, on the private loop."""
        return get_private_loop().run(self.ainvoke(input, config))

    async def ainvoke(
        self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AttemptAnswer:
        """The recommender's plan for ``input["case"]``.

        Raises:
            ProvidersUnavailable: Its plan does not pass the check.
        """
        return await self._acall_with_config(self._answer, input, of_this_context("embedded", provider="embedded"))

    async def _answer(
        self, input: dict[str, Any], run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> AttemptAnswer:
        began = time.monotonic()
        question = input["case"].question
        plan = await self._recommender.ainvoke(question, below(config, run_manager, "recommend"))
        violations = await PlanCheck(question).ainvoke(plan, below(config, run_manager))
        attempt = Attempt(
            provider="embedded",
            outcome="infeasible" if violations else "ok",
            message=describe_violations(violations)[:500],
            cost_usd=0.0,
            seconds=time.monotonic() - began,
        )
        attempts = (*earlier_attempts(input), attempt)
        if violations:
            raise ProvidersUnavailable(attempts)
        return AttemptAnswer(plan, attempts)
