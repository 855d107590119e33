"""One leg: a provider is asked, its answer checked, and at most once repaired.

What a leg does is written once, as a generator of steps; a synchronous and an asynchronous driver carry the steps out.
A leg that brings no plan raises ``LegFailed``, and the next leg takes over; the last one raises
``ProvidersUnavailable``, with every attempt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import patch_config

from ..schemas.errors import ProvidersUnavailable
from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question
from ..schemas.result import Attempt, Outcome
from .answer import Parsed, describe_violations, parse_answer, repair_message
from .check import Violation, check_plan
from .masking import MAX_MESSAGE
from .providers import Bound, Provider, Route
from .wire import EXCHANGE, Exchange, WireFailure, get_engine

__all__ = ["Case", "EmbeddedLeg", "LegAnswer", "LegFailed", "PlanCheck", "ProviderLeg", "end_leg"]

_MAX_RETRY_AFTER_S = 5.0
"""A provider that asks for a longer wait is passed over."""


class Case:
    """One selection on its way through the legs."""

    __slots__ = ("deadline", "messages", "question")

    def __init__(self, question: Question, messages: list[BaseMessage], deadline: float) -> None:
        self.question = question
        self.messages = messages
        self.deadline = deadline

    def __repr__(self) -> str:
        # This is what a trace shows of it; question and messages stand beside it anyway.
        return "Case(…)"


@dataclass(frozen=True, slots=True)
class LegAnswer:
    """A plan that passed the check, and every attempt up to it."""

    plan: ModelSelectionPlan
    attempts: tuple[Attempt, ...]


class LegFailed(Exception):
    """A leg ended without a plan: the one exception on which the next leg takes over.

    Attributes:
        attempts: Every attempt of the selection so far, this one last.
    """

    def __init__(self, attempts: tuple[Attempt, ...]) -> None:
        self.attempts = attempts
        last = attempts[-1]
        super().__init__(f"{last.provider}: {last.outcome}: {last.message}")


def end_leg(attempts: tuple[Attempt, ...], *, last: bool) -> LegFailed | ProvidersUnavailable:
    """What a leg without a plan raises."""
    return ProvidersUnavailable(attempts) if last else LegFailed(attempts)


class PlanCheck(Runnable[ModelSelectionPlan, tuple[Violation, ...]]):
    """The plan check as a step of its own, so that a trace shows what was wrong."""

    name = "check"

    def __init__(self, question: Question) -> None:
        self._question = question

    def invoke(
        self, input: ModelSelectionPlan, config: RunnableConfig | None = None, **kwargs: Any
    ) -> tuple[Violation, ...]:
        """Everything that table, catalogue or policy forbid in the plan."""
        return self._call_with_config(self._check, input, config)

    async def ainvoke(
        self, input: ModelSelectionPlan, config: RunnableConfig | None = None, **kwargs: Any
    ) -> tuple[Violation, ...]:
        """As ``invoke``; it computes, so no thread is worth its while."""
        return await self._acall_with_config(self._acheck, input, config)

    def _check(self, plan: ModelSelectionPlan) -> tuple[Violation, ...]:
        return check_plan(plan, self._question)

    async def _acheck(self, plan: ModelSelectionPlan) -> tuple[Violation, ...]:
        return check_plan(plan, self._question)


@dataclass(frozen=True, slots=True)
class _FindRoute:
    deadline: float


@dataclass(frozen=True, slots=True)
class _Bind:
    route: Route


@dataclass(frozen=True, slots=True)
class _Ask:
    bound: Bound
    messages: list[BaseMessage]
    name: str
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class _Check:
    check: Runnable[ModelSelectionPlan, tuple[Violation, ...]]
    plan: ModelSelectionPlan


@dataclass(frozen=True, slots=True)
class _Wait:
    seconds: float


_Step = _FindRoute | _Bind | _Ask | _Check | _Wait
_Script = Generator[_Step, Any, LegAnswer]


@dataclass(slots=True)
class _Tally:
    """What an attempt has cost so far."""

    provider: Provider
    began: float = field(default_factory=time.monotonic)
    method: str | None = None
    requests: int = 0
    repairs: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = 0.0

    def add(self, exchange: Exchange) -> None:
        """Count one request: tokens and cost of rejected answers too; unknown once is unknown for good."""
        self.requests += 1
        if exchange.reply is None:
            if exchange.failure is None or exchange.failure.sent:
                self.cost_usd = None
            return
        self.input_tokens = _sum(self.input_tokens, exchange.reply.input_tokens)
        self.output_tokens = _sum(self.output_tokens, exchange.reply.output_tokens)
        cost = exchange.reply.cost_usd
        self.cost_usd = None if cost is None or self.cost_usd is None else self.cost_usd + cost

    def close(self, outcome: Outcome, message: str = "", status: int | None = None) -> Attempt:
        return Attempt(
            provider=self.provider.name,
            model=self.provider.model,
            method=self.method,
            outcome=outcome,
            status=status,
            message=message[:MAX_MESSAGE],
            requests=self.requests,
            repairs=self.repairs,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost_usd=self.cost_usd,
            seconds=time.monotonic() - self.began,
        )


class ProviderLeg(Runnable[dict[str, Any], LegAnswer]):
    """Ask an LLM provider, check the answer, repair it once."""

    def __init__(self, provider: Provider, *, last: bool) -> None:
        self.name = provider.name
        self._provider = provider
        self._last = last

    def invoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> LegAnswer:
        """The provider's plan for ``input["case"]``.

        Raises:
            LegFailed: There is none, and another leg follows.
            ProvidersUnavailable: There is none, and this was the last leg.
        """
        return self._call_with_config(self._drive, input, config)

    async def ainvoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> LegAnswer:
        """As ``invoke``."""
        return await self._acall_with_config(self._adrive, input, config)

    def _drive(
        self, input: dict[str, Any], run_manager: CallbackManagerForChainRun, config: RunnableConfig
    ) -> LegAnswer:
        script = self._script(input)
        result: Any = None
        while True:
            try:
                step = script.send(result)
            except StopIteration as done:
                answer: LegAnswer = done.value
                return answer
            if isinstance(step, _Wait):
                time.sleep(step.seconds)
            elif isinstance(step, _FindRoute):
                result = self._run_quietly(step)
            elif isinstance(step, _Bind):
                result = self._provider.bind(step.route)
            elif isinstance(step, _Check):
                result = step.check.invoke(step.plan, _child(config, run_manager))
            else:
                result = self._ask(step, _child(config, run_manager, step))

    async def _adrive(
        self, input: dict[str, Any], run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> LegAnswer:
        script = self._script(input)
        result: Any = None
        while True:
            try:
                step = script.send(result)
            except StopIteration as done:
                answer: LegAnswer = done.value
                return answer
            if isinstance(step, _Wait):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, _FindRoute):
                result = await self._arun_quietly(step)
            elif isinstance(step, _Bind):
                # The first time it imports a package: seconds that no event loop should stand still for.
                ready = self._provider.is_bound(step.route)
                result = (
                    self._provider.bind(step.route)
                    if ready
                    else await asyncio.to_thread(self._provider.bind, step.route)
                )
            elif isinstance(step, _Check):
                result = await step.check.ainvoke(step.plan, _child(config, run_manager))
            else:
                result = await self._aask(step, _child(config, run_manager, step))

    def _run_quietly(self, step: _FindRoute) -> Route | WireFailure:
        try:
            return get_engine().run(self._provider.route(step.deadline))
        except WireFailure as failure:
            return failure

    async def _arun_quietly(self, step: _FindRoute) -> Route | WireFailure:
        try:
            return await get_engine().arun(self._provider.route(step.deadline))
        except WireFailure as failure:
            return failure

    def _ask(self, step: _Ask, config: RunnableConfig) -> BaseMessage | None:
        token = EXCHANGE.set(step.exchange)
        try:
            return step.bound.invoke(step.messages, config)
        except self._provider.errors() as error:
            _note_sdk_error(step.exchange, error)
            return None
        finally:
            EXCHANGE.reset(token)

    async def _aask(self, step: _Ask, config: RunnableConfig) -> BaseMessage | None:
        token = EXCHANGE.set(step.exchange)
        try:
            return await step.bound.ainvoke(step.messages, config)
        except self._provider.errors() as error:
            _note_sdk_error(step.exchange, error)
            return None
        finally:
            EXCHANGE.reset(token)

    def _script(self, input: dict[str, Any]) -> _Script:
        case: Case = input["case"]
        earlier = _earlier(input)
        tally = _Tally(self._provider)
        route = yield _FindRoute(case.deadline)
        if isinstance(route, WireFailure):
            raise self._end(earlier, tally.close(route.outcome, route.message, route.status))
        tally.method = route.method
        before = time.monotonic()
        bound = yield _Bind(route)
        # Importing a package, once in a process, is not the provider's time.
        case.deadline += time.monotonic() - before
        messages = self._provider.messages(case.messages, route.method)
        exchange, message = yield from self._ask_patiently(case, bound, messages, "ask", tally)
        violations: tuple[Violation, ...]
        while True:
            if exchange.failure is not None:
                failure = exchange.failure
                raise self._end(earlier, tally.close(failure.outcome, failure.message, failure.status))
            parsed, outcome = self._judge(message, exchange)
            violations = parsed.violations
            if parsed.plan is not None:
                violations = yield _Check(PlanCheck(case.question), parsed.plan)
                if not violations:
                    attempt = tally.close("repaired" if tally.repairs else "ok", status=200)
                    return LegAnswer(parsed.plan, (*earlier, attempt))
                outcome = "infeasible"
            if tally.repairs or parsed.empty:
                raise self._end(earlier, tally.close(outcome, describe_violations(violations), 200))
            tally.repairs += 1
            exchange, message = yield from self._ask_patiently(
                case, bound, [*messages, repair_message(violations)], "repair", tally
            )

    def _ask_patiently(
        self, case: Case, bound: Bound, messages: list[BaseMessage], name: str, tally: _Tally
    ) -> Generator[_Step, Any, tuple[Exchange, BaseMessage | None]]:
        """Ask; where the provider asks for a short wait that the deadline allows, wait once and ask again."""
        waited = False
        while True:
            now = time.monotonic()
            if now >= case.deadline:
                spent = Exchange(case.deadline, self._provider.read)
                spent.failure = WireFailure("deadline", "the deadline of the selection has passed", sent=False)
                return spent, None
            exchange = Exchange(
                min(case.deadline, now + self._provider.settings.selector_timeout_s), self._provider.read
            )
            message: BaseMessage | None = yield _Ask(bound, messages, name, exchange)
            tally.add(exchange)
            pause = exchange.failure.retry_after if exchange.failure is not None else None
            if waited or pause is None or not _worth_waiting(pause, case.deadline):
                return exchange, message
            waited = True
            yield _Wait(pause)

    def _judge(self, message: BaseMessage | None, exchange: Exchange) -> tuple[Parsed, Outcome]:
        if exchange.reply is not None and exchange.reply.truncated:
            limit = self._provider.settings.selector_max_tokens
            cut = Violation((), "truncated", f"cut off at {limit} tokens: keep the rationale short")
            return Parsed(None, (cut,)), "truncated"
        if message is None:
            return Parsed(None, (Violation((), "empty", "the answer is empty"),), empty=True), "invalid_answer"
        return parse_answer(message), "invalid_answer"

    def _end(self, earlier: tuple[Attempt, ...], attempt: Attempt) -> LegFailed | ProvidersUnavailable:
        return end_leg((*earlier, attempt), last=self._last)


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
        return self._call_with_config(self._recommend, input, config)

    async def ainvoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> LegAnswer:
        """As ``invoke``."""
        return await self._acall_with_config(self._arecommend, input, config)

    def _recommend(
        self, input: dict[str, Any], run_manager: CallbackManagerForChainRun, config: RunnableConfig
    ) -> LegAnswer:
        began = time.monotonic()
        question = input["case"].question
        plan = self._recommender.invoke(question, _child(config, run_manager))
        return _close_embedded(input, plan, PlanCheck(question).invoke(plan, _child(config, run_manager)), began)

    async def _arecommend(
        self, input: dict[str, Any], run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> LegAnswer:
        began = time.monotonic()
        question = input["case"].question
        plan = await self._recommender.ainvoke(question, _child(config, run_manager))
        violations = await PlanCheck(question).ainvoke(plan, _child(config, run_manager))
        return _close_embedded(input, plan, violations, began)


def _close_embedded(
    input: dict[str, Any], plan: ModelSelectionPlan, violations: tuple[Violation, ...], began: float
) -> LegAnswer:
    seconds = time.monotonic() - began
    if violations:
        message = describe_violations(violations)
        failed = Attempt(provider="embedded", outcome="infeasible", message=message, cost_usd=0.0, seconds=seconds)
        raise ProvidersUnavailable((*_earlier(input), failed))
    return LegAnswer(
        plan, (*_earlier(input), Attempt(provider="embedded", outcome="ok", cost_usd=0.0, seconds=seconds))
    )


def _earlier(input: dict[str, Any]) -> tuple[Attempt, ...]:
    failure = input.get("failure")
    return failure.attempts if isinstance(failure, LegFailed) else ()


def _child(
    config: RunnableConfig,
    run_manager: CallbackManagerForChainRun | AsyncCallbackManagerForChainRun,
    step: _Ask | None = None,
) -> RunnableConfig:
    return patch_config(config, callbacks=run_manager.get_child(), run_name=step.name if step else None)


def _note_sdk_error(exchange: Exchange, error: Exception) -> None:
    """An SDK stumbled over an answer that had passed the wire's own reading."""
    if exchange.failure is None:
        exchange.failure = WireFailure("invalid_response", f"the client library failed with {type(error).__name__}")


def _worth_waiting(pause: float, deadline: float) -> bool:
    return pause <= _MAX_RETRY_AFTER_S and time.monotonic() + pause < deadline


def _sum(total: int | None, more: int | None) -> int | None:
    return total if more is None else (total or 0) + more
