"""The steps a leg is made of, and the two drivers that carry them out.

What a leg does is written once, as a generator that yields steps and is sent their results. One driver runs it in the
caller's thread, the other on the caller's event loop, which nothing here may hold up: what blocks goes to a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import CancelledError, Future
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ensure_config, patch_config

from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question
from .plan_check import Violation, check_plan
from .providers.http import EXCHANGE, Exchange, WireFailure, get_engine

__all__ = [
    "Ask",
    "Call",
    "Check",
    "Follow",
    "OnEngine",
    "PlanCheck",
    "Step",
    "Wait",
    "adrive",
    "child",
    "drive",
    "leg_config",
]

T = TypeVar("T")


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
        """As ``invoke``; it computes for a millisecond, which is not worth a thread."""
        return await self._acall_with_config(self._acheck, input, config)

    def _check(self, plan: ModelSelectionPlan) -> tuple[Violation, ...]:
        return check_plan(plan, self._question)

    async def _acheck(self, plan: ModelSelectionPlan) -> tuple[Violation, ...]:
        return check_plan(plan, self._question)


@dataclass(frozen=True, slots=True)
class Call:
    """Call ``work``; its result is sent back."""

    work: Callable[[], Any]
    blocks: bool


@dataclass(frozen=True, slots=True)
class OnEngine:
    """Run a coroutine on the engine's loop; its result, or its ``WireFailure``, is sent back."""

    work: Callable[[], Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the model; its message, or None after a failure that ``exchange`` tells, is sent back."""

    bound: Runnable[Any, BaseMessage]
    messages: list[BaseMessage]
    name: str
    method: str
    exchange: Exchange
    errors: tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Check a plan; the violations are sent back."""

    check: PlanCheck
    plan: ModelSelectionPlan


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Follow:
    """Wait for what another caller finds out; None where it was cancelled or the deadline came first."""

    flight: Future[Any]
    deadline: float


Step = Call | OnEngine | Ask | Check | Wait | Follow


def drive(script: Generator[Step, Any, T], run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> T:
    """Carry out ``script`` in this thread."""
    with closing(script):
        result: Any = None
        while True:
            try:
                step = script.send(result)
            except StopIteration as done:
                found: T = done.value
                return found
            result = _carry_out(step, run_manager, config)


async def adrive(
    script: Generator[Step, Any, T], run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
) -> T:
    """Carry out ``script`` on this event loop."""
    # Closing runs the script's own clean-up, also where this task is cancelled in the middle of a step.
    with closing(script):
        result: Any = None
        while True:
            try:
                step = script.send(result)
            except StopIteration as done:
                found: T = done.value
                return found
            result = await _acarry_out(step, run_manager, config)


def child(
    config: RunnableConfig,
    run_manager: CallbackManagerForChainRun | AsyncCallbackManagerForChainRun,
    name: str | None = None,
    **metadata: str,
) -> RunnableConfig:
    """``config`` for a step below the run of ``run_manager``."""
    below = patch_config(config, callbacks=run_manager.get_child(), run_name=name)
    return {**below, "metadata": {**below.get("metadata", {}), **metadata}} if metadata else below


def leg_config(name: str, **metadata: str) -> RunnableConfig:
    """The config for a leg's own run.

    LangChain's fallbacks hand each leg their own config, with their own name and parent; the config of the context is
    the right one: a leg then stands below the fallbacks, under its own name.
    """
    config = ensure_config()
    return {**config, "run_name": name, "metadata": {**config.get("metadata", {}), **metadata}}


def _carry_out(step: Step, run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> Any:
    match step:
        case Call(work, _):
            return work()
        case OnEngine(work):
            try:
                return get_engine().run(work())
            except WireFailure as failure:
                return failure
        case Ask():
            token = EXCHANGE.set(step.exchange)
            try:
                return step.bound.invoke(step.messages, child(config, run_manager, step.name, method=step.method))
            except step.errors as error:
                return _note(step.exchange, error)
            finally:
                EXCHANGE.reset(token)
        case Check(check, plan):
            return check.invoke(plan, child(config, run_manager))
        case Wait(seconds):
            return time.sleep(seconds)
        case Follow(flight, deadline):
            try:
                return flight.result(max(0.0, deadline - time.monotonic()))
            except (TimeoutError, CancelledError):
                return None


async def _acarry_out(step: Step, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig) -> Any:
    match step:
        case Call(work, blocks):
            return await asyncio.to_thread(work) if blocks else work()
        case OnEngine(work):
            try:
                return await get_engine().arun(work())
            except WireFailure as failure:
                return failure
        case Ask():
            token = EXCHANGE.set(step.exchange)
            try:
                return await step.bound.ainvoke(
                    step.messages, child(config, run_manager, step.name, method=step.method)
                )
            except step.errors as error:
                return _note(step.exchange, error)
            finally:
                EXCHANGE.reset(token)
        case Check(check, plan):
            return await check.ainvoke(plan, child(config, run_manager))
        case Wait(seconds):
            return await asyncio.sleep(seconds)
        case Follow(flight, deadline):
            return await _afollow(flight, deadline)


async def _afollow(flight: Future[Any], deadline: float) -> Any:
    # asyncio.wrap_future would cancel the shared future for everybody when this caller is cancelled.
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    flight.add_done_callback(lambda _: _wake(loop, done))
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            await done.wait()
    except TimeoutError:
        return None
    return None if flight.cancelled() else flight.result()


def _wake(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    # The follower may have given up, and its loop with it.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(done.set)


def _note(exchange: Exchange, error: Exception) -> None:
    """An SDK stumbled over an answer that had passed the wire's own reading: say so, without its words."""
    if exchange.failure is None:
        exchange.failure = WireFailure("invalid_response", f"the client library failed with {type(error).__name__}")
