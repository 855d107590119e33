"""The selection: who is asked, in which order, and who answered in the end."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import merge_configs

from ..evidence.recommender.review_choice import apply_evidence
from ..schemas.errors import ProvidersUnavailable, SettingsError
from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question
from ..schemas.result import Attempt, EvidenceNote, Provenance, Usage
from ..schemas.settings import Settings
from .attempt import ProviderAttempt, Services
from .case import AttemptAnswer, AttemptFailed, Case
from .embedded_attempt import EmbeddedAttempt
from .fingerprint import fingerprint, versions
from .limits.attempt_usage import add_costs, add_counts
from .limits.audit_log import UsageLog
from .limits.circuit_breaker import CircuitBreaker
from .limits.plan_cache import open_cache
from .limits.single_flight import SingleFlight
from .prompt import build_messages, offered_methods
from .providers.base import Provider
from .providers.ollama import Ollama
from .providers.openrouter import OpenRouter
from .providers.openrouter_models import ModelList
from .providers.private_loop import get_private_loop
from .trace_config import below

if TYPE_CHECKING:
    from .limits.rate_limits import UsageLimits

__all__ = ["Answered", "SelectionChain", "build_selection"]

_LOGGER = logging.getLogger("clinical_model_selector")

_RESERVE_S = 0.05
"""Kept back from the deadline for the recommender, which answers in a few milliseconds."""

_MAX_CHAINS = 64
"""Chains kept, one per provider and model that callers name."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A plan that passed the check, and how it came about."""

    plan: ModelSelectionPlan
    provenance: Provenance
    evidence: EvidenceNote | None = None


@dataclass(frozen=True, slots=True)
class _Chain:
    """The attempts for one choice of provider and model."""

    attempts: Runnable[dict[str, Any], AttemptAnswer]
    providers: tuple[Provider, ...]
    ends_embedded: bool

    @property
    def identity(self) -> list[tuple[str, ...]]:
        links = [(provider.name, *provider.identity) for provider in self.providers]
        return [*links, ("embedded",)] if self.ends_embedded else [*links]


class SelectionChain(Runnable[Question, Answered]):
    """OpenRouter, then Ollama, then the embedded recommender, as settings and question say.

    Args:
        settings: Keys, addresses, limits.
        embedded: Computes a plan from a question and asks nobody.
    """

    name = "ClinicalModelSelector"

    def __init__(self, settings: Settings, embedded: Runnable[Question, ModelSelectionPlan]) -> None:
        self._settings = settings
        self._embedded = embedded
        self._models = ModelList(settings)
        self._cache = open_cache(settings)
        self._flights = SingleFlight()
        self._limits = _open_limits(settings)
        self._usage_log = UsageLog(settings)
        self._breakers: dict[tuple[str, ...], CircuitBreaker] = {}
        self._chains: dict[tuple[str, str | None], _Chain] = {}
        self._lock = threading.Lock()

    def invoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> Answered:
        """The plan for a question.

        Raises:
            ProvidersUnavailable: Nobody could answer; holds every attempt.
            SettingsError: OpenRouter is wanted and has no key.
            NoFeasibleSynthesizer: The recommender was asked and found nothing feasible.
        """
        return self._call_with_config(self._select, input, _described(config))

    async def ainvoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> Answered:
        """As ``invoke``."""
        return await self._acall_with_config(self._aselect, input, _described(config))

    def usage(self) -> Usage:
        """Totals over every selection so far."""
        return self._usage_log.usage()

    def breakers(self) -> dict[str, str]:
        """Provider → state of its circuit breaker, for those that selections without a wish of their own have asked."""
        with self._lock:
            chain = self._chains.get(("auto", None))
        providers = chain.providers if chain is not None else ()
        return {provider.name: self._breakers[provider.name, *provider.identity].state for provider in providers}

    def ping_cache(self) -> str | None:
        """What is wrong with the cache; None where it works or is off. May wait for a disk or a socket."""
        return self._cache.ping() if self._cache is not None else None

    def _select(self, question: Question, run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> Answered:
        began = time.monotonic()
        chain, case = self._prepare(question, began)
        try:
            work = chain.attempts.ainvoke({"question": question, "case": case}, below(config, run_manager))
            answer = get_private_loop().run(work)
        except ProvidersUnavailable as error:
            self._give_up(error, case, began)
            raise
        return self._conclude(answer, case, began)

    async def _aselect(
        self, question: Question, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> Answered:
        began = time.monotonic()
        chain, case = self._prepare(question, began)
        try:
            answer = await chain.attempts.ainvoke({"question": question, "case": case}, below(config, run_manager))
        except ProvidersUnavailable as error:
            self._give_up(error, case, began)
            raise
        return self._conclude(answer, case, began)

    def _prepare(self, question: Question, began: float) -> tuple[_Chain, Case]:
        chain = self._chain_for(question)
        messages = build_messages(question)
        whole = self._settings.selector_deadline_s
        digest = fingerprint(question, messages, self._settings, chain.identity)
        return chain, Case(
            question, messages, offered_methods(question), began + max(whole - _RESERVE_S, whole / 2), digest
        )

    def _conclude(self, answer: AttemptAnswer, case: Case, began: float) -> Answered:
        _log_attempts(answer.attempts[:-1], answer.attempts[-1])
        # After the cache, so that a cached answer is judged by what is asked for now.
        asked_model = answer.attempts[-1].provider != "embedded"
        plan, evidence = apply_evidence(answer.plan, case.question) if asked_model else (answer.plan, None)
        provenance = _provenance(answer, time.monotonic() - began, case.fingerprint)
        self._usage_log.record_answer(plan, provenance)
        return Answered(plan, provenance, evidence)

    def _give_up(self, error: ProvidersUnavailable, case: Case, began: float) -> None:
        _log_attempts(error.attempts, None)
        self._usage_log.record_failure(error.attempts, time.monotonic() - began, case.fingerprint)

    def _chain_for(self, question: Question) -> _Chain:
        key = (question.provider, question.model)
        with self._lock:
            if key not in self._chains:
                if len(self._chains) >= _MAX_CHAINS:
                    self._chains.pop(next(iter(self._chains)))
                self._chains[key] = self._build(question)
            return self._chains[key]

    def _build(self, question: Question) -> _Chain:
        providers = self._providers_for(question)
        ends_embedded = not providers or self._settings.selector_embedded != "never"
        attempts: list[Runnable[dict[str, Any], AttemptAnswer]] = [
            ProviderAttempt(provider, self._services_of(provider), last=provider is providers[-1] and not ends_embedded)
            for provider in providers
        ]
        if ends_embedded:
            attempts.append(EmbeddedAttempt(self._embedded))
        first, *others = attempts
        if not others:
            return _Chain(first, providers, ends_embedded)
        chained = first.with_fallbacks(others, exceptions_to_handle=(AttemptFailed,), exception_key="failure")
        # Without a name of its own it would stand in traces under the name of its class.
        named = chained.with_config(run_name="providers")
        return _Chain(named, providers, ends_embedded)

    def _services_of(self, provider: Provider) -> Services:
        who = (provider.name, *provider.identity)
        if who not in self._breakers:
            self._breakers[who] = CircuitBreaker(f"{provider.name} ({provider.model})", self._settings)
        limits = self._limits if provider.name == "openrouter" else None
        return Services(self._breakers[who], limits, self._cache, self._flights)

    def _providers_for(self, question: Question) -> tuple[Provider, ...]:
        settings, wanted = self._settings, question.provider
        if settings.selector_embedded == "only" or wanted == "embedded":
            return ()
        if wanted == "openrouter" and settings.openrouter_api_key is None:
            raise SettingsError("provider openrouter needs OPENROUTER_API_KEY")
        if wanted == "openrouter" or (wanted == "auto" and settings.openrouter_api_key is not None):
            primary = OpenRouter(settings, question.model, self._models)
            return (primary,) if wanted == "openrouter" else (primary, Ollama(settings))
        return (Ollama(settings, question.model),)


def build_selection(settings: Settings, embedded: Runnable[Question, ModelSelectionPlan]) -> SelectionChain:
    """The selection chain for ``settings``, with ``embedded`` as its last resort."""
    return SelectionChain(settings, embedded)


def _open_limits(settings: Settings) -> UsageLimits | None:
    if settings.selector_requests_per_minute is None and settings.selector_budget_usd is None:
        return None
    from .limits.rate_limits import UsageLimits

    return UsageLimits(settings)


def _described(config: RunnableConfig | None) -> RunnableConfig:
    named = RunnableConfig(
        tags=["clinical-model-selector"], metadata={f"{k}_version": v for k, v in versions().items()}
    )
    return merge_configs(named, config)


def _provenance(answer: AttemptAnswer, seconds: float, digest: str) -> Provenance:
    attempts = answer.attempts
    final = attempts[-1]
    free: float | None = 0.0
    return Provenance(
        provider=final.provider,
        model=final.answered_by or final.model,
        structured_output=final.structured_output,
        upstream=final.upstream,
        attempts=attempts,
        fallback_reason=_fallback_reason(attempts[:-1]),
        cached=answer.cached,
        input_tokens=reduce(add_counts, (attempt.input_tokens for attempt in attempts), None),
        output_tokens=reduce(add_counts, (attempt.output_tokens for attempt in attempts), None),
        cost_usd=reduce(add_costs, (attempt.cost_usd for attempt in attempts), free),
        seconds=seconds,
        fingerprint=digest,
        versions=versions(),
    )


def _fallback_reason(failed: tuple[Attempt, ...]) -> str | None:
    return "; ".join(map(_describe, failed)) or None


def _describe(attempt: Attempt) -> str:
    status = f", HTTP {attempt.status}" if attempt.status is not None and attempt.status != 200 else ""
    model = f" ({attempt.model})" if attempt.model else ""
    return f"{attempt.provider}{model} {attempt.outcome}{status}: {attempt.message}"


def _log_attempts(failed: tuple[Attempt, ...], final: Attempt | None) -> None:
    """One warning per provider that did not answer, with its status and its own words, and what was changed to ask."""
    for attempt in (*failed, final):
        for note in attempt.notes if attempt is not None else ():
            _LOGGER.warning("%s", note)
    successors = [*failed[1:], final]
    for attempt, successor in zip(failed, successors, strict=False):
        then = f"falling back to {successor.provider}" if successor is not None else "nobody is left to ask"
        _LOGGER.warning("%s; %s", _describe(attempt), then)
