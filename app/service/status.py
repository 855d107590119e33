"""What the service says about itself: who would be asked, and with which models."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Any

from ...agents import ClinicalModelSelector
from ...chains.providers.openrouter_models import list_models
from ...schemas.settings import Settings, is_redis_url
from .models import Readiness

__all__ = ["ReadinessProbe", "cache_kind", "configured_legs", "describe_models"]

_FRESH_SECONDS = 5.0


class ReadinessProbe:
    """Whether selections can be answered: looked at once in some seconds, however many ask.

    The probe is open to all. What it says does not depend on how many requests there are, or any caller could have the
    service taken out of its balancer.
    """

    def __init__(self, selector: ClinicalModelSelector) -> None:
        self._selector = selector
        self._looking: asyncio.Task[Readiness] | None = None
        self._until = 0.0

    async def look(self) -> Readiness:
        """What was seen last, or is seen now."""
        if self._looking is None or (self._looking.done() and time.monotonic() >= self._until):
            self._looking = asyncio.create_task(self._look())
        # Whoever asked first may go away: the others still want the answer.
        return await asyncio.shield(self._looking)

    async def _look(self) -> Readiness:
        settings = self._selector.settings
        states = self._selector.breakers()
        legs = {leg: states.get(leg, "closed") for leg in configured_legs(settings)}
        trouble = await asyncio.to_thread(self._selector.ping_cache)
        self._until = time.monotonic() + _FRESH_SECONDS
        return Readiness(
            status="ready" if any(state != "open" for state in legs.values()) else "unready",
            legs=legs,
            # Selections do without a cache that fails.
            cache=f"{cache_kind(settings)}: {trouble}" if trouble else cache_kind(settings),
        )


def configured_legs(settings: Settings) -> dict[str, str]:
    """Who would be asked, in order → the model."""
    legs: dict[str, str] = {}
    if settings.selector_embedded != "only":
        if settings.openrouter_api_key is not None:
            legs["openrouter"] = settings.openrouter_model
        legs["ollama"] = settings.ollama_model
    if settings.selector_embedded != "never":
        legs["embedded"] = "recommender"
    return legs


def cache_kind(settings: Settings) -> str:
    """off, memory, sqlite or redis; never the path or address."""
    value = settings.selector_cache
    if value in ("off", "memory"):
        return value
    return "redis" if is_redis_url(value) else "sqlite"


async def describe_models(settings: Settings) -> dict[str, Any]:
    """Who is asked with which model, and, where OpenRouter is asked, the models that a request may name.

    Raises:
        ProvidersUnavailable: OpenRouter's list cannot be read.
    """
    legs = configured_legs(settings)
    listed = await asyncio.to_thread(list_models, settings) if "openrouter" in legs else []
    return {"legs": legs, "models": [asdict(model) for model in listed]}
