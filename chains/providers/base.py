"""What OpenRouter and Ollama have in common: how a request looks, and the chat model that is bound for it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, cast

import httpx
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableBinding, RunnableSequence

from ...schemas.settings import Settings
from .http import Reply, RequestFailed
from .openrouter_models import StructuredOutput
from .plan_schema import SchemaForm, schema_text

__all__ = ["BoundModel", "Provider", "RequestForm", "asking_half", "with_schema_in_words"]

BoundModel = Runnable[Any, BaseMessage]

_MOST_BOUND = 64
"""Bound models kept: one for each form and set of methods; the oldest goes."""


@dataclass(frozen=True, slots=True)
class RequestForm:
    """How a provider is to be asked: where, whom, by which way, with what."""

    base: str
    models: tuple[str, ...]
    structured_output: StructuredOutput
    schema: SchemaForm
    parameters: frozenset[str]
    """Sampling parameters that the request names: temperature, max_tokens."""
    extensions: bool = False
    """With OpenRouter's own fields, which other services refuse."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What was changed on the way to this form, in sentences for the user."""


class Provider(ABC):
    """One LLM service with one model (or its own list of them)."""

    name: ClassVar[Literal["openrouter", "ollama"]]

    patient: ClassVar[bool] = False
    """Before the first byte only the deadline counts: it may be loading its model."""

    def __init__(self, settings: Settings, model: str | None = None) -> None:
        self.settings = settings
        self.model = model or self.default_model(settings)
        self._lock = threading.Lock()
        self._bound: dict[tuple[RequestForm, tuple[str, ...]], BoundModel] = {}

    @staticmethod
    @abstractmethod
    def default_model(settings: Settings) -> str:
        """Model id of the settings."""

    @abstractmethod
    async def first_form(self, deadline: float) -> RequestForm:
        """How to ask; looks up what it does not know.

        Raises:
            RequestFailed: Nobody is there to ask, or a setting makes it impossible.
        """

    @abstractmethod
    def other_form(self, form: RequestForm, failure: RequestFailed) -> RequestForm | None:
        """How to ask instead after ``failure``; None where another form would fail alike."""

    @abstractmethod
    def remember(self, form: RequestForm) -> None:
        """Begin with ``form`` from now on: it got an answer."""

    @property
    def remembered(self) -> RequestForm | None:
        """What ``remember`` was last told, for an answer from the cache; None where this process never asked."""
        return None

    @abstractmethod
    def judge(self, response: httpx.Response) -> Reply:
        """Read a response.

        Raises:
            RequestFailed: There is no answer in it.
        """

    @abstractmethod
    def errors(self) -> tuple[type[Exception], ...]:
        """What the SDK raises for an answer it cannot read; anything else is a bug of ours and must show."""

    @property
    @abstractmethod
    def identity(self) -> tuple[str, ...]:
        """What decides an answer besides the messages, for the fingerprint."""

    def messages(self, messages: list[BaseMessage], form: RequestForm, methods: tuple[str, ...]) -> list[BaseMessage]:
        """The prompt as this form needs it: JSON mode sends no schema, so it is told in words."""
        if form.structured_output != "json_mode":
            return messages
        return with_schema_in_words(messages, form.schema, methods)

    def is_bound(self, form: RequestForm, methods: tuple[str, ...]) -> bool:
        """Whether ``bind`` has nothing left to do."""
        return (form, methods) in self._bound

    def bind(self, form: RequestForm, methods: tuple[str, ...]) -> BoundModel:
        """The chat model bound to the schema of a plan of these methods, kept for the next question with the same ones.

        The first call imports the provider's package.
        """
        key = form, methods
        with self._lock:
            if key not in self._bound:
                if len(self._bound) >= _MOST_BOUND:
                    self._bound.pop(next(iter(self._bound)))
                self._bound[key] = self._bind(form, methods)
            return self._bound[key]

    @abstractmethod
    def _bind(self, form: RequestForm, methods: tuple[str, ...]) -> BoundModel: ...


def asking_half(model: BaseChatModel, schema: dict[str, Any], **how: Any) -> RunnableBinding[Any, BaseMessage]:
    """``model`` with the schema bound to it, without LangChain's parser behind.

    That one's errors quote the answer, and a trace keeps errors. What it would parse, ``parse_answer`` does: with what
    can be salvaged, and with errors that quote nothing.
    """
    structured = cast("RunnableSequence[Any, Any]", model.with_structured_output(schema, **how))
    return cast("RunnableBinding[Any, BaseMessage]", structured.first)


def with_schema_in_words(
    messages: list[BaseMessage], schema: SchemaForm, methods: tuple[str, ...]
) -> list[BaseMessage]:
    """``messages`` with the schema told behind the first one."""
    told = SystemMessage(f"Answer with one JSON object of this JSON schema:\n{schema_text(schema, methods)}")
    return [*messages[:1], told, *messages[1:]]
