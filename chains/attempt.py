"""One leg: a provider is asked, its answer checked, and at most once repaired.

A leg that brings no plan raises ``LegFailed``, and the next leg takes over; the last one raises
``ProvidersUnavailable``, with every attempt.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig

from ..schemas.errors import ProvidersUnavailable
from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question
from ..schemas.result import Attempt, Outcome
from .fingerprint import digest
from .limits.attempt_usage import Tally
from .limits.circuit_breaker import Breaker
from .limits.plan_cache import Flights, PlanCache, Shared
from .parse_answer import Parsed, describe_violations, parse_answer, repair_message
from .plan_check import Violation
from .providers.base import Bound, Provider, Route
from .providers.http import Exchange, WireFailure
from .steps import Ask, Call, Check, Follow, OnEngine, PlanCheck, Step, Wait, adrive, child, drive, leg_config

if TYPE_CHECKING:
    from .limits.rate_limits import Limits

__all__ = ["Case", "EmbeddedLeg", "LegAnswer", "LegFailed", "ProviderLeg", "Services"]

_MAX_RETRY_AFTER_S = 5.0
"""A provider that asks for a longer wait is passed over."""

_NO_DEADLINE = "the deadline of the selection has passed"


@dataclass(slots=True)
class Case:
    """One selection on its way through the legs; not part of what a trace shows."""

    question: Question = field(repr=False)
    messages: list[BaseMessage] = field(repr=False)
    deadline: float
    """Against ``time.monotonic``."""
    fingerprint: str


@dataclass(frozen=True, slots=True)
class LegAnswer:
    """A plan that passed the check, and every attempt up to it."""

    plan: ModelSelectionPlan
    attempts: tuple[Attempt, ...]
    cached: bool = False


class LegFailed(Exception):
    """A leg ended without a plan: the one exception on which the next leg takes over.

    Attributes:
        attempts: Every attempt of the selection so far, this one last.
    """

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        self.attempts = attempts
        last = attempts[-1]
        super().__init__(f"{last.provider}: {last.outcome}: {last.message}")


@dataclass(frozen=True, slots=True)
class Services:
    """What a provider's legs share across selections."""

    breaker: Breaker
    limits: Limits | None
    cache: PlanCache | None
    flights: Flights


class ProviderLeg(Runnable[dict[str, Any], LegAnswer]):
    """Ask an LLM provider, check the answer, repair it once."""

    def __init__(self, provider: Provider, services: Services, *, last: bool) -> None:
        self.name = provider.name
        self._provider = provider
        self._services = services
        self._last = last

    def invoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> LegAnswer:
        """The provider's plan for ``input["case"]``.

        Raises:
            LegFailed: There is none, and another leg follows.
            ProvidersUnavailable: There is none, and this was the last leg.
        """
        return self._call_with_config(self._run, input, self._config(input))

    async def ainvoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> LegAnswer:
        """As ``invoke``."""
        return await self._acall_with_config(self._arun, input, self._config(input))

    def _config(self, input: dict[str, Any]) -> RunnableConfig:
        provider = self._provider
        return leg_config(
            provider.name, provider=provider.name, model=provider.model, fingerprint=input["case"].fingerprint
        )

    def _run(self, input: dict[str, Any], run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> LegAnswer:
        return self._conclude(input, drive(self._script(input["case"]), run_manager, config))

    async def _arun(
        self, input: dict[str, Any], run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> LegAnswer:
        return self._conclude(input, await adrive(self._script(input["case"]), run_manager, config))

    def _conclude(self, input: dict[str, Any], found: tuple[ModelSelectionPlan | None, Attempt, bool]) -> LegAnswer:
        plan, attempt, cached = found
        attempts = (*_earlier(input), attempt)
        if plan is not None:
            return LegAnswer(plan, attempts, cached)
        raise ProvidersUnavailable(attempts) if self._last else LegFailed(attempts)

    def _script(self, case: Case) -> Generator[Step, Any, tuple[ModelSelectionPlan | None, Attempt, bool]]:
        """From the cache, from another caller who asks the same, or from the provider."""
        cache, flights = self._services.cache, self._services.flights
        if cache is None:
            plan, attempt = yield from self._ask_provider(case)
            return plan, attempt, False
        key = digest(case.fingerprint, self._provider.name, *self._provider.identity)
        while True:
            tally = self._tally()
            kept = yield Call(partial(cache.get, key), cache.blocks)
            # Checked again: the entry may be someone else's work.
            if kept is not None and not (yield Check(PlanCheck(case.question), kept)):
                return kept, tally.close("ok", "from the cache"), True
            first, flight = flights.join(key)
            if first:
                break
            shared: Shared | None = yield Follow(flight, case.deadline)
            if shared is not None:
                plan, attempt = shared
                unpaid = {"requests": 0, "repairs": 0, "input_tokens": None, "output_tokens": None, "cost_usd": 0.0}
                return plan, attempt.model_copy(update=unpaid), plan is not None
            if time.monotonic() >= case.deadline:
                return None, tally.close("deadline", _NO_DEADLINE), False
        found: Shared | None = None
        try:
            found = plan, attempt = yield from self._ask_provider(case)
            if plan is not None:
                yield Call(partial(cache.put, key, plan), cache.blocks)
        finally:
            flights.land(key, found)
        return plan, attempt, False

    def _ask_provider(self, case: Case) -> Generator[Step, Any, Shared]:
        """Through the breaker, which learns how it ended."""
        breaker = self._services.breaker
        refusal = breaker.refuse()
        if refusal is not None:
            return None, self._tally().close("circuit_open", refusal)
        attempt: Attempt | None = None
        try:
            plan, attempt = yield from self._converse(case)
        finally:
            if attempt is None:
                breaker.report(None)
            else:
                breaker.report(attempt.outcome, attempt.message)
        return plan, attempt

    def _converse(self, case: Case) -> Generator[Step, Any, Shared]:
        """Find the way, ask, check, and repair once."""
        tally = self._tally()
        route: Route | WireFailure | None = self._provider.known_route()
        if route is None:
            route = yield OnEngine(partial(self._provider.find_route, case.deadline))
        if isinstance(route, WireFailure):
            return None, tally.close(route.outcome, route.message, route.status)
        tally.method = route.method
        bound = yield from self._bind(case, route)
        messages = self._provider.messages(case.messages, route.method)
        exchange, message = yield from self._ask(case, bound, messages, "ask", tally)
        while True:
            if exchange.failure is not None:
                failure = exchange.failure
                return None, tally.close(failure.outcome, failure.message, failure.status)
            parsed, outcome = self._judge(message, exchange)
            violations = parsed.violations
            if parsed.plan is not None:
                violations = yield Check(PlanCheck(case.question), parsed.plan)
                if not violations:
                    return parsed.plan, tally.close("repaired" if tally.repairs else "ok", status=200)
                outcome = "infeasible"
            if tally.repairs or parsed.empty:
                return None, tally.close(outcome, describe_violations(violations), 200)
            tally.repairs = 1
            again = [*messages, repair_message(violations)]
            exchange, message = yield from self._ask(case, bound, again, "repair", tally)

    def _bind(self, case: Case, route: Route) -> Generator[Step, Any, Bound]:
        before = time.monotonic()
        bound: Bound = yield Call(partial(self._provider.bind, route), blocks=not self._provider.is_bound(route))
        # Importing a package, once in a process, is not the provider's time.
        case.deadline += time.monotonic() - before
        return bound

    def _ask(
        self, case: Case, bound: Bound, messages: list[BaseMessage], name: str, tally: Tally
    ) -> Generator[Step, Any, tuple[Exchange, BaseMessage | None]]:
        """Ask; where the provider asks for a short wait that the deadline allows, wait once and ask again."""
        provider, limits = self._provider, self._services.limits
        waited = False
        while True:
            now = time.monotonic()
            exchange = Exchange(min(case.deadline, now + provider.settings.selector_timeout_s), provider.read)
            if now >= case.deadline:
                exchange.failure = WireFailure("deadline", _NO_DEADLINE, sent=False)
                return exchange, None
            if limits is not None and (refusal := (yield Call(limits.refuse, limits.blocks))) is not None:
                exchange.failure = WireFailure(*refusal, sent=False)
                return exchange, None
            message: BaseMessage | None = yield Ask(
                bound, messages, name, tally.method or "", exchange, provider.errors()
            )
            cost = tally.add(exchange)
            if limits is not None:
                yield Call(partial(limits.pay, cost), limits.blocks)
            pause = exchange.failure.retry_after if exchange.failure is not None else None
            if waited or pause is None or not _worth_waiting(pause, case.deadline):
                return exchange, message
            waited = True
            yield Wait(pause)

    def _judge(self, message: BaseMessage | None, exchange: Exchange) -> tuple[Parsed, Outcome]:
        if exchange.reply is not None and exchange.reply.truncated:
            limit = self._provider.settings.selector_max_tokens
            cut = Violation((), "truncated", f"cut off at {limit} tokens: keep the rationale short")
            return Parsed(None, (cut,)), "truncated"
        if message is None:
            return Parsed(None, (Violation((), "empty", "the answer is empty"),), empty=True), "invalid_answer"
        return parse_answer(message), "invalid_answer"

    def _tally(self) -> Tally:
        return Tally(self._provider.name, self._provider.model)


class EmbeddedLeg(Runnable[dict[str, Any], LegAnswer]):
    """The recommender as the last leg; its plan goes through the same check."""

    name = "embedded"

    def __init__(self, recommender: Runnable[Question, ModelSelectionPlan]) -> None:
        self._recommender = recommender

    def invoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> LegAnswer:
        """The recommender's plan for ``input["case"]``.

        Raises:
            ProvidersUnavailable: Its plan does not pass the check.
        """
        return self._call_with_config(self._run, input, leg_config("embedded", provider="embedded"))

    async def ainvoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> LegAnswer:
        """As ``invoke``."""
        return await self._acall_with_config(self._arun, input, leg_config("embedded", provider="embedded"))

    def _run(self, input: dict[str, Any], run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> LegAnswer:
        began = time.monotonic()
        question = input["case"].question
        plan = self._recommender.invoke(question, child(config, run_manager, "recommend"))
        return _conclude(input, plan, PlanCheck(question).invoke(plan, child(config, run_manager)), began)

    async def _arun(
        self, input: dict[str, Any], run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> LegAnswer:
        began = time.monotonic()
        question = input["case"].question
        plan = await self._recommender.ainvoke(question, child(config, run_manager, "recommend"))
        violations = await PlanCheck(question).ainvoke(plan, child(config, run_manager))
        return _conclude(input, plan, violations, began)


def _conclude(
    input: dict[str, Any], plan: ModelSelectionPlan, violations: tuple[Violation, ...], began: float
) -> LegAnswer:
    attempt = Attempt(
        provider="embedded",
        outcome="infeasible" if violations else "ok",
        message=describe_violations(violations)[:500],
        cost_usd=0.0,
        seconds=time.monotonic() - began,
    )
    attempts = (*_earlier(input), attempt)
    if violations:
        raise ProvidersUnavailable(attempts)
    return LegAnswer(plan, attempts)


def _earlier(input: dict[str, Any]) -> tuple[Attempt, ...]:
    failure = input.get("failure")
    return failure.attempts if isinstance(failure, LegFailed) else ()


def _worth_waiting(pause: float, deadline: float) -> bool:
    return pause <= _MAX_RETRY_AFTER_S and time.monotonic() + pause < deadline
