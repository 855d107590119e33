"""OpenRouter's list of models: which way of asking for structure each supports, and at what price."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from ...schemas.settings import Settings
from .http import WireFailure, send

__all__ = ["ListedModel", "Method", "ModelList", "pick_method"]

Method = Literal["json_schema", "function_calling", "json_mode"]

_PARAMETERS: dict[str, Method] = {
    "structured_outputs": "json_schema",
    "tools": "function_calling",
    "response_format": "json_mode",
}
"""OpenRouter's parameter → method, best first."""

_FALLBACK: Method = "function_calling"
"""Understood by most models, and it fails loudly where it is not."""

_KEPT_S = 3600.0
_RETRY_S = 60.0
_MAX_WAIT_S = 5.0
"""The list is a help and no need: it gets at most this, and at most a quarter of the time left."""


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One model of the list."""

    id: str
    methods: tuple[Method, ...]
    """Ways to ask for structure, best first; empty where there is none."""
    prompt_usd: float | None
    """USD per input token."""
    completion_usd: float | None
    """USD per output token."""
    context_length: int | None


def pick_method(ids: tuple[str, ...], listed: dict[str, ListedModel]) -> Method:
    """The best method that all of ``ids`` support; ``function_calling`` where the list does not say."""
    known = [set(listed[name].methods) for name in ids if name in listed]
    if len(known) < len(ids) or not known:
        return _FALLBACK
    common = set.intersection(*known)
    return next((method for method in _PARAMETERS.values() if method in common), _FALLBACK)


class ModelList:
    """The list, read at most once an hour; a list that cannot be read is asked for again a minute later."""

    def __init__(self, settings: Settings) -> None:
        self._base = settings.openrouter_base
        self._key = settings.openrouter_api_key
        self._listed: dict[str, ListedModel] = {}
        self._until = 0.0

    def known_method(self, ids: tuple[str, ...]) -> Method | None:
        """How to ask ``ids``, where the list was read lately."""
        return pick_method(ids, self._listed) if time.monotonic() < self._until else None

    async def method_for(self, ids: tuple[str, ...], deadline: float) -> Method:
        """How to ask ``ids`` for structure; runs on the engine's loop and never fails."""
        if time.monotonic() >= self._until:
            wait = min(_MAX_WAIT_S, (deadline - time.monotonic()) / 4)
            try:
                self._listed = {item.id: item for item in await self.fetch(time.monotonic() + wait)}
                self._until = time.monotonic() + _KEPT_S
            except WireFailure:
                self._until = time.monotonic() + _RETRY_S
        return pick_method(ids, self._listed)

    async def fetch(self, deadline: float) -> list[ListedModel]:
        """Every model of the service; runs on the engine's loop.

        Raises:
            WireFailure: The list cannot be read.
        """
        headers = {"authorization": f"Bearer {self._key.get_secret_value().strip()}"} if self._key else {}
        response = await send(httpx.Request("GET", f"{self._base}/models", headers=headers), deadline)
        if response.status_code != 200:
            raise WireFailure("invalid_response", f"HTTP {response.status_code}", status=response.status_code)
        try:
            rows = json.loads(response.content)["data"]
            return [_listed(row) for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
        except (ValueError, KeyError, TypeError):
            raise WireFailure("invalid_response", "not a list of models", status=200) from None


def _listed(row: dict[str, Any]) -> ListedModel:
    parameters = row.get("supported_parameters")
    supported = set(map(str, parameters)) if isinstance(parameters, list) else set()
    pricing: dict[str, Any] = row["pricing"] if isinstance(row.get("pricing"), dict) else {}
    context = row.get("context_length")
    return ListedModel(
        id=row["id"],
        methods=tuple(method for parameter, method in _PARAMETERS.items() if parameter in supported),
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
