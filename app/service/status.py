"""What the service says about itself: who would be asked, and with which models."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from ...chains.providers.openrouter_models import list_models
from ...schemas.settings import Settings

__all__ = ["cache_kind", "configured_legs", "describe_models"]


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
    return "redis" if value.startswith(("redis://", "rediss://")) else "sqlite"


async def describe_models(settings: Settings) -> dict[str, Any]:
    """Who is asked with which model, and, where OpenRouter is asked, the models that a request may name.

    Raises:
        ProvidersUnavailable: OpenRouter's list cannot be read.
    """
    legs = configured_legs(settings)
    listed = await asyncio.to_thread(list_models, settings) if "openrouter" in legs else []
    return {"legs": legs, "models": [asdict(model) for model in listed]}
