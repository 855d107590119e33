"""OpenRouter's list of models: which parameters each supports, and at what price."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from ...schemas.errors import ProvidersUnavailable
from ...schemas.result import Attempt
from ...schemas.settings import Settings
from .http import RequestFailed, send
from .private_loop import get_private_loop
from .redaction import mask_url

__all__ = ["STRUCTURED_OUTPUTS", "ListedModel", "ModelList", "StructuredOutput", "list_models", "without_suffix"]

StructuredOutput = Literal["json_schema", "function_calling", "json_mode"]
"""A way to ask for an answer that is a JSON object, under LangChain's names."""

_BY_PARAMETER: dict[str, StructuredOutput] = {
    "structured_outputs": "json_schema",
    "tools": "function_calling",
    "response_format": "json_mode",
}
"""OpenRouter's parameter → the way it stands for, best first."""

STRUCTURED_OUTPUTS: tuple[StructuredOutput, ...] = tuple(_BY_PARAMETER.values())
"""Best first."""

_KEPT_S = 3600.0
_RETRY_S = 60.0
_MAX_WAIT_S = 5.0
"""The list is a help and no need: it gets at most this, and at most a quarter of the time left."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model of the list."""

    id: str
    parameters: tuple[str, ...] | None
    """What a request for it may carry; None where the list does not say."""
    structured_outputs: tuple[StructuredOutput, ...]
    """Ways to ask for structure, best first; empty where there is none."""
    prompt_usd: float | None
    """USD per input token."""
    completion_usd: float | None
    """USD per output token."""
    context_length: int | None


def without_suffix(model: str) -> str:
    """The id without ``:nitro``, ``:floor``, ``:online`` and their like, which change how it is served."""
    return model.partition(":")[0]


class ModelList:
    """The list, read at most once an hour; a list that cannot be read is asked for again a minute later."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.openrouter_base
        self._key = settings.openrouter_key
        self._listed: dict[str, ListedModel] = {}
        self._until = 0.0
        self.edition = 0
        """How often the list was read."""

    @property
    def is_openrouters(self) -> bool:
        """Whether the base is OpenRouter's: by its host, or by a list that says which parameters models support."""
        host = urlsplit(self._base).hostname or ""
        if host == "openrouter.ai" or host.endswith(".openrouter.ai"):
            return True
        return any(model.parameters is not None for model in self._listed.values())

    @property
    def models(self) -> Iterable[ListedModel]:
        """All models, as last read."""
        return self._listed.values()

    def find(self, model: str) -> ListedModel | None:
        """``model`` as it stands in the list, else without its suffix."""
        return self._listed.get(model) or self._listed.get(without_suffix(model))

    async def refresh(self, deadline: float) -> None:
        """Read the list where it is not fresh; never fails."""
        if time.monotonic() < self._until:
            return
        wait = min(_MAX_WAIT_S, (deadline - time.monotonic()) / 4)
        try:
            listed = await get_private_loop().arun(self.fetch(time.monotonic() + wait))
        except RequestFailed:
            self._until = time.monotonic() + _RETRY_S
            return
        self.take(listed)

    def take(self, listed: Iterable[ListedModel]) -> None:
        """Keep a list that was read."""
        self._listed = {model.id: model for model in listed}
        self._until = time.monotonic() + _KEPT_S
        self.edition += 1

    async def fetch(self, deadline: float) -> list[ListedModel]:
        """Every model of the service; runs on the private loop.

        Raises:
            RequestFailed: The list cannot be read.
        """
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        response = await send(httpx.Request("GET", f"{self._base}/models", headers=headers), deadline)
        if response.status_code != 200:
            raise RequestFailed("invalid_response", f"HTTP {response.status_code}", status=response.status_code)
        try:
            rows = json.loads(response.content)["data"]
            return [_listed(row) for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
        except (ValueError, KeyError, TypeError):
            raise RequestFailed("invalid_response", "not a list of models", status=200) from None


def list_models(settings: Settings) -> list[ListedModel]:
    """The models that can answer, those with some way to ask for structure, by id.

    Raises:
        ProvidersUnavailable: The list cannot be read.
    """
    deadline = time.monotonic() + min(settings.selector_timeout_s, settings.selector_deadline_s)
    try:
        listed = get_private_loop().run(ModelList(settings).fetch(deadline))
    except RequestFailed as failure:
        message = f"the model list at {mask_url(settings.openrouter_base)} cannot be read: {failure.message}"
        attempt = Attempt(provider="openrouter", outcome=failure.outcome, status=failure.status, message=message[:500])
        raise ProvidersUnavailable([attempt]) from None
    return sorted((model for model in listed if model.structured_outputs), key=lambda model: model.id)


def _listed(row: dict[str, Any]) -> ListedModel:
    parameters = row.get("supported_parameters")
    supported = tuple(map(str, parameters)) if isinstance(parameters, list) else None
    pricing: dict[str, Any] = row["pricing"] if isinstance(row.get("pricing"), dict) else {}
    context = row.get("context_length")
    return ListedModel(
        id=row["id"],
        parameters=supported,
        structured_outputs=tuple(way for name, way in _BY_PARAMETER.items() if name in (supported or ())),
        prompt_usd=_price(pricing.get("prompt")),
        completion_usd=_price(pricing.get("completion")),
        context_length=context if isinstance(context, int) else None,
    )


def _price(value: Any) -> float | None:
    try:
        price = float(value)
    except (TypeError, ValueError):
        return None
    return price if price >= 0 else None
