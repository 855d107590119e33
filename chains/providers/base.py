"""OpenRouter and Ollama, each as LangChain's chat model bound to the plan's schema.

A provider's package is imported when it is first asked and not before: together they cost two seconds of CPU.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast
from urllib.parse import urlsplit

import httpx
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableBinding, RunnableParallel, RunnableSequence
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import SecretStr

from ...schemas.plan import ModelSelectionPlan
from ...schemas.settings import Settings
from .http import AsyncWire, Reply, SyncWire, WireFailure
from .openrouter_models import Method, ModelList
from .redaction import mask_url
from .responses import read_ollama, read_openrouter

if TYPE_CHECKING:
    from langchain_openai import ChatOpenAI

__all__ = ["Bound", "Ollama", "OpenRouter", "Provider", "Route"]

Bound = Runnable[Any, BaseMessage]

_PROBE_S = 1.0
"""Longest wait for a connection to one of several Ollama bases; they are tried side by side."""

_BASE_KEPT_S = 30.0
"""How long the base that answered is taken for granted."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where and how a provider is to be asked right now."""

    base: str
    method: Method


class Provider(ABC):
    """One LLM service with one model (or its own list of them)."""

    name: ClassVar[Literal["openrouter", "ollama"]]

    def __init__(self, settings: Settings, model: str | None = None) -> None:
        self.settings = settings
        self.model = model or self.default_model(settings)
        self._lock = threading.Lock()
        self._bound: dict[Route, Bound] = {}

    @staticmethod
    @abstractmethod
    def default_model(settings: Settings) -> str:
        """Model id of the settings."""

    @abstractmethod
    def known_route(self) -> Route | None:
        """How to ask, where nothing needs to be looked up."""

    @abstractmethod
    async def find_route(self, deadline: float) -> Route:
        """Look up how to ask; runs on the engine's loop.

        Raises:
            WireFailure: Nobody is there to ask.
        """

    @abstractmethod
    def read(self, response: httpx.Response) -> Reply:
        """Judge a response."""

    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """What the SDK raises for a failed request; anything else is a bug of ours and must show."""

    @property
    @abstractmethod
    def identity(self) -> tuple[str, ...]:
        """What decides an answer besides the messages and the method, for the fingerprint."""

    @staticmethod
    def messages(messages: list[BaseMessage], method: Method) -> list[BaseMessage]:
        """The prompt as this method needs it: JSON mode sends no schema, so it is told in words."""
        if method != "json_mode":
            return messages
        return [
            *messages[:1],
            SystemMessage(f"Answer with one JSON object of this JSON schema:\n{_schema_text()}"),
            *messages[1:],
        ]

    def is_bound(self, route: Route) -> bool:
        """Whether ``bind`` has nothing left to do."""
        return route in self._bound

    def bind(self, route: Route) -> Bound:
        """The chat model bound to the plan's schema; the first call imports the provider's package."""
        with self._lock:
            if route not in self._bound:
                self._bound[route] = self._bind(route.base, route.method)
            return self._bound[route]

    @abstractmethod
    def _bind(self, base: str, method: Method) -> Bound: ...


class OpenRouter(Provider):
    """OpenRouter, or any service that speaks its format."""

    name = "openrouter"

    def __init__(self, settings: Settings, model: str | None, models: ModelList) -> None:
        super().__init__(settings, model)
        self._models = models

    @staticmethod
    def default_model(settings: Settings) -> str:
        """The list of the settings, as it stands."""
        return ",".join(settings.openrouter_models)

    @property
    def ids(self) -> tuple[str, ...]:
        """Model ids in order; more than one is OpenRouter's own fallback."""
        return tuple(part.strip() for part in self.model.split(",") if part.strip())

    @property
    def identity(self) -> tuple[str, ...]:
        """Base, way of asking, and models."""
        return (self.settings.openrouter_base, self.settings.openrouter_method, *self.ids)

    def known_route(self) -> Route | None:
        """The method is the settings', or what the model list said lately."""
        method = self.settings.openrouter_method
        known = self._models.known_method(self.ids) if method == "auto" else method
        return None if known is None else Route(self.settings.openrouter_base, known)

    async def find_route(self, deadline: float) -> Route:
        """By the method that the model list says these models support."""
        return Route(self.settings.openrouter_base, await self._models.method_for(self.ids, deadline))

    def read(self, response: httpx.Response) -> Reply:
        """Judge a chat completion."""
        return read_openrouter(response, self._key)

    def errors(self) -> tuple[type[Exception], ...]:
        """The SDK's own tree."""
        from openai import OpenAIError

        return (OpenAIError, httpx.HTTPError)

    @property
    def _key(self) -> str:
        key = self.settings.openrouter_api_key
        return key.get_secret_value().strip() if key is not None else ""

    def _bind(self, base: str, method: Method) -> Bound:
        settings = self.settings
        extra: dict[str, Any] = {
            # max_tokens under its real name: ChatOpenAI renames it, and providers behind a router ignore the new one.
            "max_tokens": settings.selector_max_tokens,
            "provider": {"data_collection": "deny", "require_parameters": True},
            "usage": {"include": True},
        }
        if len(self.ids) > 1:
            extra["models"] = list(self.ids)
        model = _chat_openai()(
            model=self.ids[0],
            base_url=base,
            api_key=SecretStr(self._key),
            temperature=settings.selector_temperature,
            timeout=settings.selector_timeout_s,
            max_retries=0,
            use_responses_api=False,
            # Explicit, or the environment decides.
            openai_proxy=None,
            default_headers={"HTTP-Referer": settings.openrouter_referer, "X-Title": settings.openrouter_title},
            http_client=httpx.Client(transport=SyncWire()),
            http_async_client=httpx.AsyncClient(transport=AsyncWire()),
        )
        return _bind_schema(model, method, extra)


class Ollama(Provider):
    """An Ollama server, the first of the settings' bases that is there."""

    name = "ollama"

    def __init__(self, settings: Settings, model: str | None = None) -> None:
        super().__init__(settings, model)
        self._base: tuple[str, float] | None = None

    @staticmethod
    def default_model(settings: Settings) -> str:
        """OLLAMA_MODEL."""
        return settings.ollama_model

    @property
    def identity(self) -> tuple[str, ...]:
        """Bases, model and context length."""
        return (*self.settings.ollama_bases, self.model, str(self.settings.ollama_num_ctx))

    def known_route(self) -> Route | None:
        """The one base there is, or the one that answered lately."""
        bases = self.settings.ollama_bases
        if len(bases) == 1:
            return Route(bases[0], "json_schema")
        known = self._base
        return Route(known[0], "json_schema") if known is not None and time.monotonic() < known[1] else None

    async def find_route(self, deadline: float) -> Route:
        """Of several bases, the first that takes a connection."""
        base = await _find_listening(self.settings.ollama_bases, deadline)
        self._base = (base, time.monotonic() + _BASE_KEPT_S)
        return Route(base, "json_schema")

    def read(self, response: httpx.Response) -> Reply:
        """Judge a chat stream."""
        return read_ollama(response, self.settings.ollama_num_ctx)

    def errors(self) -> tuple[type[Exception], ...]:
        """The SDK's one error, and httpx's, which it lets through."""
        from ollama import ResponseError

        return (ResponseError, httpx.HTTPError)

    def _bind(self, base: str, method: Method) -> Bound:
        from langchain_ollama import ChatOllama

        settings = self.settings
        model = ChatOllama(
            model=self.model,
            base_url=base,
            temperature=settings.selector_temperature,
            num_predict=settings.selector_max_tokens,
            # Not sent by default; the server's own default may cut the prompt without a word.
            num_ctx=settings.ollama_num_ctx,
            validate_model_on_init=False,
            sync_client_kwargs={"transport": SyncWire()},
            async_client_kwargs={"transport": AsyncWire()},
        )
        return _take_raw_branch(
            model.with_structured_output(ModelSelectionPlan, include_raw=True, method="json_schema")
        )


@cache
def _chat_openai() -> type[ChatOpenAI]:
    """LangChain's class without two detours that take a fifth of the CPU time of a call.

    The SDK holds every message against a dozen types to rename fields that none of ours has; what stands in
    ``extra_body`` it sends unseen. And LangChain hides a warning about ``dict()`` from itself by changing the warning
    filters of the whole process.
    """
    from langchain_openai import ChatOpenAI

    class Chat(ChatOpenAI):
        def _dict_for_compat(self) -> dict[str, Any]:
            return self.asdict()

        def _get_request_payload(self, *arguments: Any, **options: Any) -> dict[str, Any]:
            payload = super()._get_request_payload(*arguments, **options)
            body = {**(payload.get("extra_body") or {}), "messages": payload["messages"]}
            return {**payload, "messages": [], "extra_body": body}

    Chat.__name__ = ChatOpenAI.__name__
    return Chat


def _bind_schema(model: ChatOpenAI, method: Method, extra_body: dict[str, Any]) -> Bound:
    """Bind the plan's schema, derived once: given the class, the SDK would derive it again with every call."""
    if method == "function_calling":
        raw = _take_raw_branch(model.with_structured_output(_tool(), include_raw=True, method=method))
        # With require_parameters a router passes over every provider that does not know a parameter sent, and one
        # forced call is not parallel anyway.
        kwargs = {key: value for key, value in raw.kwargs.items() if key != "parallel_tool_calls"}
        return raw.bound.bind(**kwargs, extra_body=extra_body)
    # The strict mode needs no conversion of the schema: it is written for it, and a test compares the two.
    schema = {"name": ModelSelectionPlan.__name__, "schema": _schema(), "strict": True}
    strict = True if method == "json_schema" else None
    raw = _take_raw_branch(model.with_structured_output(schema, include_raw=True, method=method, strict=strict))
    # Sent as a field of the body, the format takes the SDK's plain path: the parsing one makes a class for every call,
    # and raises where the plain one reports.
    kwargs = dict(raw.kwargs)
    body = {**extra_body, "response_format": kwargs.pop("response_format")}
    return raw.bound.bind(**kwargs, extra_body=body)


def _take_raw_branch(structured: Runnable[Any, Any]) -> RunnableBinding[Any, BaseMessage]:
    """The bound model without LangChain's parser: that one's errors quote the answer, and a trace keeps errors.

    What it would parse, ``answer.py`` does: with what to salvage, and with errors that quote nothing.
    """
    first = cast("RunnableSequence[Any, Any]", structured).first
    return cast("RunnableBinding[Any, BaseMessage]", cast("RunnableParallel[Any]", first).steps__["raw"])


@cache
def _schema() -> dict[str, Any]:
    return ModelSelectionPlan.model_json_schema()


@cache
def _tool() -> dict[str, Any]:
    return convert_to_openai_tool(ModelSelectionPlan)


@cache
def _schema_text() -> str:
    return json.dumps(_schema(), separators=(",", ":"))


async def _find_listening(bases: tuple[str, ...], deadline: float) -> str:
    """The first of ``bases``, in their order, that takes a TCP connection.

    Raises:
        WireFailure: None does.
    """
    wait = min(_PROBE_S, max(0.0, deadline - time.monotonic()))
    probes = [asyncio.ensure_future(_takes_connection(base, wait)) for base in bases]
    try:
        for base, probe in zip(bases, probes, strict=True):
            if await probe:
                return base
    finally:
        for probe in probes:
            probe.cancel()
    tried = ", ".join(mask_url(base) for base in bases)
    raise WireFailure("connection", f"nobody listens at {tried}", sent=False)


async def _takes_connection(base: str, wait: float) -> bool:
    parts = urlsplit(base)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(wait):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
