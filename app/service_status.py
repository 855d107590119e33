"""What the service says about itself: who would be asked, and with which models."""

from __future__ import annotations

from typing import Any

from ..schemas.settings import Settings

__all__ = ["cache_kind", "configured_legs"]


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


def describe_models(settings: Settings) -> dict[str, Any]:
    """The models of the settings."""
    return {"legs": configured_legs(settings)}
