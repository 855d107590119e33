"""The models that can answer: those of OpenRouter's list that do structured output, with their price."""

from __future__ import annotations

import time

from ...schemas.errors import ProvidersUnavailable
from ...schemas.result import Attempt
from ...schemas.settings import Settings
from .http import WireFailure, get_engine
from .openrouter_models import ListedModel, ModelList
from .redaction import mask_url

__all__ = ["list_models"]


def list_models(settings: Settings) -> list[ListedModel]:
    """Models with some way to ask for structure, by id.

    Raises:
        ProvidersUnavailable: The list cannot be read.
    """
    deadline = time.monotonic() + min(settings.selector_timeout_s, settings.selector_deadline_s)
    try:
        listed = get_engine().run(ModelList(settings).fetch(deadline))
    except WireFailure as failure:
        message = f"the model list at {mask_url(settings.openrouter_base)} cannot be read: {failure.message}"
        attempt = Attempt(provider="openrouter", outcome=failure.outcome, status=failure.status, message=message[:500])
        raise ProvidersUnavailable([attempt]) from None
    return sorted((model for model in listed if model.methods), key=lambda model: model.id)
