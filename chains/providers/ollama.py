"""Ollama as LangChain's chat model bound to the plan's schema."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
from langchain_core.messages import BaseMessage

from ...profiling import estimate_tokens
from ...schemas.env_files import plain_surroundings
from ...schemas.settings import Settings
from .base import BoundModel, Provider, RequestForm, asking_half, with_schema_in_words
from .http import PrivateLoopTransport, Reply, RequestFailed
from .ollama_responses import judge_ollama
from .plan_schema import plan_schema, schema_text
from .private_loop import get_private_loop
from .redaction import mask_url

__all__ = ["Ollama", "runs_in_the_cloud"]

_PROBE_S = 1.0
"""Longest wait for a connection to one of several bases; they are tried side by side."""

_BASE_KEPT_S = 30.0
"""How long the base that answered is taken for granted."""


_ANSWER_TOKENS = 1000
"""Kept for the answer: a plan with three backups has a third of it."""

_BYTES_PER_TOKEN = 4
"""Of a JSON schema: the plan's was counted at 4.1."""


class Ollama(Provider):
    """An Ollama server, the first of the settings' bases that is there."""

    name = "ollama"
    patient = True

    def __init__(self, settings: Settings, model: str | None = None) -> None:
        super().__init__(settings, model)
        self._base: tuple[str, float] | None = None
        self._plain = False

    @staticmethod
    def default_model(settings: Settings) -> str:
        """OLLAMA_MODEL."""
        return settings.ollama_model

    @property
    def identity(self) -> tuple[str, ...]:
        """Bases, model and context length."""
        return (*self.settings.ollama_bases, self.model, str(self.settings.ollama_num_ctx))

    async def first_form(self, deadline: float) -> RequestForm:
        """The one base there is, or the first of several that takes a connection."""
        bases = self.settings.ollama_bases
        if len(bases) == 1:
            base = bases[0]
        elif self._base is not None and time.monotonic() < self._base[1]:
            base = self._base[0]
        else:
            base = await get_private_loop().arun(_find_listening(bases, deadline))
            self._base = (base, time.monotonic() + _BASE_KEPT_S)
        return RequestForm(
            base=base,
            models=(self.model,),
            structured_output="json_schema",
            schema="plain" if self._plain else "bounded",
            parameters=frozenset({"temperature", "max_tokens"}),
            notes=(describe_cloud(self.model),) if runs_in_the_cloud(self.model) else (),
        )

    def other_form(self, form: RequestForm, failure: RequestFailed) -> RequestForm | None:
        """Without bounds in the schema, where they may be what was refused."""
        if failure.status != 400 or form.schema == "plain":
            return None
        return replace(form, schema="plain", notes=(*form.notes, "the schema's bounds are refused: told in words"))

    def remember(self, form: RequestForm) -> None:
        """Whether the bounds were refused."""
        self._plain = form.schema == "plain"

    def judge(self, response: httpx.Response) -> Reply:
        """Read a chat stream."""
        return judge_ollama(response, self.settings.ollama_num_ctx, charged=runs_in_the_cloud(self.model))

    def errors(self) -> tuple[type[Exception], ...]:
        """The SDK's one error, and httpx's, which it lets through."""
        from ollama import ResponseError

        return (ResponseError, httpx.HTTPError)

    def messages(self, messages: list[BaseMessage], form: RequestForm, methods: tuple[str, ...]) -> list[BaseMessage]:
        """With the schema in words where the context has room: ``format`` binds the grammar, but no model reads it."""
        tokens = sum(estimate_tokens(str(message.content)) for message in messages)
        room = self.settings.ollama_num_ctx - tokens - _ANSWER_TOKENS
        fits = len(schema_text(form.schema, methods)) / _BYTES_PER_TOKEN <= room
        return with_schema_in_words(messages, form.schema, methods) if fits else messages

    def _bind(self, form: RequestForm, methods: tuple[str, ...]) -> BoundModel:
        # It makes a client as it is imported, which a wrong proxy or a missing certificate file would break.
        with plain_surroundings():
            from langchain_ollama import ChatOllama

        settings = self.settings
        model = ChatOllama(
            model=self.model,
            base_url=form.base,
            temperature=settings.selector_temperature,
            num_predict=settings.selector_max_tokens,
            # Not sent by default; the server's own default may cut the prompt without a word.
            num_ctx=settings.ollama_num_ctx,
            keep_alive=settings.ollama_keep_alive,
            validate_model_on_init=False,
            disable_streaming=True,
            cache=False,
            sync_client_kwargs={"transport": httpx.BaseTransport(), "trust_env": False},
            async_client_kwargs={"transport": PrivateLoopTransport(), "trust_env": False},
        )
        return asking_half(model, plan_schema(form.schema, methods), method="json_schema")


def runs_in_the_cloud(model: str) -> bool:
    """Whether Ollama hands the model's requests on to its own service."""
    return model.endswith(("-cloud", ":cloud"))


def describe_cloud(model: str) -> str:
    """What to say of a cloud model."""
    return f"{model} is one of Ollama's cloud models: the prompt leaves this machine, and its cost is not told"


async def _find_listening(bases: tuple[str, ...], deadline: float) -> str:
    """The first of ``bases``, in their order, that takes a TCP connection; runs on the private loop.

    Raises:
        RequestFailed: None does.
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
    raise RequestFailed("connection", f"nobody listens at {tried}", sent=False)


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
