"""One attempt: a provider is asked, its answer checked, and at most once repaired.

It is written once, as coroutines. A caller with an event loop runs it there, so that callbacks stay on that loop; for a
caller without one it runs on the private loop. Requests are sent on the private loop either way.

An attempt that brings no plan raises ``AttemptFailed``, and the next provider takes over; the last one raises
``ProvidersUnavailable``, with every attempt.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForChainRun
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig

from ..schemas.errors import ProvidersUnavailable
from ..schemas.plan import ModelSelectionPlan
from ..schemas.result import Attempt, Outcome
from .case import AttemptAnswer, AttemptFailed, Case, earlier_attempts
from .fingerprint import digest
from .limits.attempt_usage import AttemptUsage
from .limits.circuit_breaker import CircuitBreaker
from .limits.plan_cache import PlanCache
from .limits.single_flight import Shared, SingleFlight, follow
from .parse_answer import Parsed, describe_violations, parse_answer, repair_message
from .plan_check import PlanCheck, Violation
from .providers.base import BoundModel, Provider, RequestForm
from .providers.http import RECORD, Reply, RequestFailed, RequestRecord
from .providers.private_loop import get_private_loop
from .trace_config import below, of_this_context, say

if TYPE_CHECKING:
    from .limits.rate_limits import UsageLimits

__all__ = ["ProviderAttempt", "Services"]

MAX_REQUESTS = 4
"""A question, another way or without a refused parameter, a successor, a repair."""

_MAX_RETRY_AFTER_S = 5.0
"""A provider that asks for a longer wait is passed over."""

_NO_DEADLINE = "the deadline of the selection has passed"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Services:
    """What a provider's attempts share across selections."""

    breaker: CircuitBreaker
    limits: UsageLimits | None
    cache: PlanCache | None
    flights: SingleFlight


@dataclass(frozen=True, slots=True)
class _Run:
    """Where the steps of an attempt stand in a trace."""

    manager: AsyncCallbackManagerForChainRun
    config: RunnableConfig

    def step(self, name: str | None = None, **metadata: str) -> RunnableConfig:
        return below(self.config, self.manager, name, **metadata)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What an answer is worth."""

    outcome: Outcome
    violations: tuple[Violation, ...] = ()
    repairable: bool = False
    plan: ModelSelectionPlan | None = None


class ProviderAttempt(Runnable[dict[str, Any], AttemptAnswer]):
    """Ask an LLM provider, check the answer, repair it once."""

    def __init__(self, provider: Provider, services: Services, *, last: bool) -> None:
        self.name = provider.name
        self._provider = provider
        self._services = services
        self._last = last

    def invoke(self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any) -> AttemptAnswer:
        """As ``ainvoke``, on the private loop."""
        return get_private_loop().run(self.ainvoke(input, config))

    async def ainvoke(
        self, input: dict[str, Any], config: RunnableConfig | None = None, **kwargs: Any
    ) -> AttemptAnswer:
        """The provider's plan for ``input["case"]``.

        Raises:
            AttemptFailed: There is none, and another provider follows.
            ProvidersUnavailable: There is none, and this was the last one.
        """
        provider, case = self._provider, input["case"]
        named = of_this_context(
            provider.name, provider=provider.name, model=provider.model, fingerprint=case.fingerprint
        )
        return await self._acall_with_config(self._answer, input, named)

    async def _answer(
        self, input: dict[str, Any], run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> AttemptAnswer:
        """From the cache, from another caller who asks the same, or from the provider."""
        case, run = input["case"], _Run(run_manager, config)
        kept = None
        if self._services.cache is None:
            plan, attempt = await self._ask_unless_broken(case, run)
        else:
            kept, plan, attempt = await self._ask_once(self._services.cache, case, run)
        attempts = (*earlier_attempts(input), attempt)
        if plan is not None:
            return AttemptAnswer(plan, attempts, cached=bool(kept))
        raise ProvidersUnavailable(attempts) if self._last else AttemptFailed(attempts)

    async def _ask_once(
        self, cache: PlanCache, case: Case, run: _Run
    ) -> tuple[bool, ModelSelectionPlan | None, Attempt]:
        """Of those who ask the same at a time, one asks; whether the plan was there already, and what was found."""
        flights = self._services.flights
        key = digest(case.fingerprint, self._provider.name, *self._provider.identity)
        while True:
            kept = await _do(partial(cache.get, key), cache.blocks)
            # Checked again: the entry may be someone else's work.
            if kept is not None and not await PlanCheck(case.question).ainvoke(kept, run.step()):
                usage = self._usage()
                usage.form = self._provider.remembered
                return True, kept, usage.close("ok", "from the cache")
            flight = flights.join(key)
            if flight is None:
                break
            if shared := await follow(flight, case.deadline):
                plan, attempt = shared
                unpaid = {"requests": 0, "repairs": 0, "input_tokens": None, "output_tokens": None, "cost_usd": 0.0}
                return plan is not None, plan, attempt.model_copy(update=unpaid)
            if time.monotonic() >= case.deadline:
                return False, None, self._usage().close("deadline", _NO_DEADLINE)
        result: Shared | None = None
        try:
            result = plan, attempt = await self._ask_unless_broken(case, run)
            if plan is not None:
                await _do(partial(cache.put, key, plan), cache.blocks)
        finally:
            flights.land(key, result)
        return False, plan, attempt

    async def _ask_unless_broken(self, case: Case, run: _Run) -> Shared:
        """Through the circuit breaker, which learns how it ended."""
        breaker = self._services.breaker
        refusal = breaker.refuse()
        if refusal is not None:
            return None, self._usage().close("circuit_open", refusal)
        attempt: Attempt | None = None
        try:
            plan, attempt = await self._converse(case, run)
        finally:
            breaker.report(attempt.outcome if attempt else None, attempt.message if attempt else "")
        return plan, attempt

    async def _converse(self, case: Case, run: _Run) -> Shared:
        """Find out how to ask, ask, check, and repair once."""
        usage = self._usage()
        try:
            usage.form = await self._provider.first_form(case.deadline)
            reply, message = await self._ask_in_some_form(case, usage, run)
            judged = await self._judge(case, reply, message, run)
            if judged.repairable and usage.requests < MAX_REQUESTS:
                usage.repairs = 1
                reply, message = await self._ask(case, usage, run, repair_message(judged.violations))
                judged = await self._judge(case, reply, message, run)
        except RequestFailed as failure:
            return None, usage.close(failure.outcome, failure.message, failure.status)
        if judged.plan is not None:
            return judged.plan, usage.close("repaired" if usage.repairs else "ok", status=200)
        return None, usage.close(judged.outcome, describe_violations(judged.violations), 200)

    async def _ask_in_some_form(self, case: Case, usage: AttemptUsage, run: _Run) -> tuple[Reply, BaseMessage | None]:
        """Ask; where the service refuses the form of the request, in another one, which is then remembered.

        Raises:
            RequestFailed: It cannot be asked, or answers nothing usable.
        """
        assert usage.form is not None
        while True:
            try:
                answer = await self._ask(case, usage, run)
            except RequestFailed as failure:
                other = self._provider.other_form(usage.form, failure) if usage.requests < MAX_REQUESTS else None
                if other is None:
                    raise
                usage.form = other
            else:
                self._provider.remember(usage.form)
                return answer

    async def _ask(
        self, case: Case, usage: AttemptUsage, run: _Run, *more: BaseMessage
    ) -> tuple[Reply, BaseMessage | None]:
        """Ask; where the provider asks for a short wait that the deadline allows, wait once and ask again.

        Raises:
            RequestFailed: There is no usable answer.
        """
        try:
            return await self._request(case, usage, run, *more)
        except RequestFailed as failure:
            pause = failure.retry_after
            if pause is None or usage.requests >= MAX_REQUESTS or not _worth_waiting(pause, case.deadline):
                raise
        await asyncio.sleep(pause)
        return await self._request(case, usage, run, *more)

    async def _request(
        self, case: Case, usage: AttemptUsage, run: _Run, *more: BaseMessage
    ) -> tuple[Reply, BaseMessage | None]:
        """One request within deadline, timeout and budget."""
        provider, limits, form = self._provider, self._services.limits, usage.form
        assert form is not None
        bound = await self._bind(case, form)
        if time.monotonic() >= case.deadline:
            raise RequestFailed("deadline", _NO_DEADLINE, sent=False)
        if limits is not None and (refusal := await _do(limits.refuse, limits.blocks)):
            raise RequestFailed(*refusal, sent=False)
        model = ",".join(form.models)
        await say(run.manager, run.config, "asking", provider=provider.name, model=model)
        messages = [*provider.messages(case.messages, form, case.offered), *more]
        config = run.step("repair" if more else "ask", structured_output=form.structured_output, model=model)
        timeout_s = provider.settings.selector_timeout_s
        record = RequestRecord(provider.judge, case.deadline, timeout_s, patient=provider.patient)
        token = RECORD.set(record)
        message, failure = None, None
        try:
            message = await bound.ainvoke(messages, config)
        except RequestFailed as failed:
            failure = failed
        except provider.errors() as error:
            # The SDK stumbled over an answer that had passed our own reading: say so, without its words.
            failure = RequestFailed("invalid_response", f"the client library failed with {type(error).__name__}")
        finally:
            RECORD.reset(token)
        cost = usage.add(record.reply, failure)
        if limits is not None:
            await _do(partial(limits.pay, cost), limits.blocks)
        if failure is not None:
            raise failure
        assert record.reply is not None
        return record.reply, message

    async def _bind(self, case: Case, form: RequestForm) -> BoundModel:
        before = time.monotonic()
        provider, offered = self._provider, case.offered
        bound = await _do(partial(provider.bind, form, offered), blocks=not provider.is_bound(form, offered))
        # Importing a package, once in a process, is not the provider's time.
        case.deadline += time.monotonic() - before
        return bound

    async def _judge(self, case: Case, reply: Reply, message: BaseMessage | None, run: _Run) -> _Judgement:
        """The plan in an answer that passes the check, or what is wrong with it."""
        parsed = parse_answer(message) if message is not None else Parsed.of_nothing()
        if reply.truncated:
            cut = _cut_off(self._provider.settings.selector_max_tokens, empty=parsed.empty)
            return _Judgement("truncated", (cut,), repairable=not parsed.empty)
        if parsed.plan is None:
            return _Judgement("invalid_answer", parsed.violations, repairable=not parsed.empty)
        await say(run.manager, run.config, "checking", provider=self._provider.name)
        violations = await PlanCheck(case.question).ainvoke(parsed.plan, run.step())
        if violations:
            return _Judgement("infeasible", violations, repairable=True)
        return _Judgement("ok", plan=parsed.plan)

    def _usage(self) -> AttemptUsage:
        return AttemptUsage(self._provider.name, self._provider.model)


def _cut_off(limit: int, *, empty: bool) -> Violation:
    if empty:
        message = (
            f"nothing was said within {limit} tokens, which a reasoning model spends on thinking first: "
            "raise SELECTOR_MAX_TOKENS, or choose a model that reasons less"
        )
    else:
        message = f"cut off at {limit} tokens: keep the rationale short"
    return Violation((), "truncated", message)


def _worth_waiting(pause: float, deadline: float) -> bool:
    return pause <= _MAX_RETRY_AFTER_S and time.monotonic() + pause < deadline


async def _do(work: Callable[[], T], blocks: bool) -> T:
    """Call ``work``; in a thread where it waits for a disk or a socket."""
    return await asyncio.to_thread(work) if blocks else work()
