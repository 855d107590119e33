"""A selector in chains, graphs and agents, with nothing raw in the runs around it.

LangChain logs the input of every run, and the outer run of ``selector | next`` begins before the selector is reached: a
table given to it would go to the tracer as it is. So whatever the selector is composed into takes its input in sealed
form: the request is put aside, and what passes through runs, traces and checkpoints shows nothing of it. A runnable
that somebody else wraps around the selector is beyond reach; there a raw table is refused, and what was sent is said.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.runnables import Runnable, RunnableBinding, RunnableConfig, ensure_config
from langsmith.run_helpers import get_current_run_tree
from langsmith.utils import tracing_is_enabled
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ..schemas.errors import TableError, TableExposed
from ..schemas.profile import TableProfile
from ..schemas.request import SelectionRequest
from ..schemas.table.table_handle import TableHandle

__all__ = [
    "CHECKPOINT_TYPES",
    "SealedRequest",
    "SealingRunnable",
    "SealsWhatItIsPartOf",
    "refuse_exposed",
    "seal",
    "unseal",
]

_REQUESTS: WeakKeyDictionary[SealedRequest, Any] = WeakKeyDictionary()
"""Sealed request → what was asked, for as long as it lives; in this process only."""


CHECKPOINT_TYPES = (
    ("clinical_model_selector.agents.composition", "SealedRequest"),
    ("clinical_model_selector.schemas.table.table_handle", "TableHandle"),
    ("clinical_model_selector.schemas.result", "SelectionResult"),
    ("clinical_model_selector.schemas.plan", "ModelSelectionPlan"),
)
"""What a LangGraph checkpoint may load of ours: ``JsonPlusSerializer(allowed_msgpack_modules=CHECKPOINT_TYPES)``."""


class SealedRequest:
    """A request that shows nothing: neither table nor names, nor the words of its goal.

    A copy is the same request. One that comes out of a pickle leads to nothing, and to use it is a ``TableError``.
    """

    __slots__ = ("__weakref__",)

    def __init__(self, request: Any = None) -> None:
        if request is not None:
            _REQUESTS[self] = request

    def __repr__(self) -> str:
        return "<SealedRequest>"

    def __copy__(self) -> SealedRequest:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> SealedRequest:
        return self

    def __reduce__(self) -> tuple[type[SealedRequest], tuple[()]]:
        return SealedRequest, ()

    def model_dump(self, **_how: Any) -> dict[str, Any]:
        """What a tracer or a LangGraph checkpoint keeps of it, under the name that both ask for: nothing."""
        return {}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(cls, serialization=core_schema.to_string_ser_schema())


def seal(input: Any) -> SealedRequest:
    """``input`` in sealed form."""
    return input if isinstance(input, SealedRequest) else SealedRequest(input)


def unseal(input: Any) -> Any:
    """What was sealed; anything else as it is.

    Raises:
        TableError: It was sealed in another process, or comes out of a pickle.
    """
    if not isinstance(input, SealedRequest):
        return input
    try:
        return _REQUESTS[input]
    except KeyError:
        message = "this sealed request was loaded from a pickle and leads to no table: make it again"
        raise TableError(message) from None


def refuse_exposed(input: Any, config: RunnableConfig | None) -> None:
    """Refuse a raw table that a traced run of somebody else's has been given.

    Raises:
        TableExposed: Its input is with the tracer by now; says what that was, and how to hand the table over.
    """
    watchers = _watchers(config)
    if watchers and _is_raw(input):
        _refuse(watchers)


def _refuse(watchers: Sequence[str]) -> NoReturn:
    raise TableExposed(
        "a table came in as it is inside a run that is traced "
        f"({', '.join(watchers)}): that run's input, the table as text or JSON, has been handed to the tracer already, "
        "and can only be deleted there. Hand over open_table(table) or selector.seal(table, …) instead, compose with "
        "the selector's own methods (selector | next, with_retry, …), or call selector.select(table, …) in a function"
    )


def _watchers(config: RunnableConfig | None) -> tuple[str, ...]:
    """Handlers of an outer run that see its input; none where this is the outermost run."""
    callbacks = ensure_config(config).get("callbacks")
    if isinstance(callbacks, BaseCallbackManager) and callbacks.parent_run_id is not None:
        names = [type(handler).__name__ for handler in callbacks.handlers if not handler.ignore_chain]
    elif tracing_is_enabled() and get_current_run_tree() is not None:
        names = ["a function traced by LangSmith"]
    else:
        names = []
    return tuple(dict.fromkeys(names))


def _is_raw(input: Any) -> bool:
    """Whether a run's log of ``input`` shows cells, columns' names or a password."""
    if isinstance(input, SelectionRequest):
        return _shows(input.table) or isinstance(input.profile, TableProfile)
    if isinstance(input, Mapping):
        return _shows(input.get("table")) or isinstance(input.get("profile"), TableProfile)
    return _shows(input)


def _shows(table: Any) -> bool:
    if table is None or isinstance(table, TableHandle | SealedRequest | Path):
        return False
    if isinstance(table, str):
        return "://" in table and urlsplit(table).password is not None
    return True


class SealsWhatItIsPartOf(Runnable[Any, Any]):
    """Ways of composing a runnable, each giving one whose input is sealed before any run begins."""

    def __or__(self, other: Any) -> SealingRunnable:
        return self._made(super().__or__(other))

    def pipe(self, *others: Any, name: str | None = None) -> Any:
        """As LangChain's, sealed."""
        return self._made(super().pipe(*others, name=name))

    def bind(self, **kwargs: Any) -> Runnable[Any, Any]:
        """As LangChain's, sealed; takes the fields of ``SelectionRequest``."""
        return self._made(super().bind(**kwargs))

    def with_config(self, config: RunnableConfig | None = None, **kwargs: Any) -> Runnable[Any, Any]:
        """As LangChain's, sealed."""
        return self._made(super().with_config(config, **kwargs))

    def with_listeners(self, **listeners: Any) -> Runnable[Any, Any]:
        """As LangChain's, sealed."""
        return self._made(super().with_listeners(**listeners))

    def with_alisteners(self, **listeners: Any) -> Runnable[Any, Any]:
        """As LangChain's, sealed."""
        return self._made(super().with_alisteners(**listeners))

    def with_types(self, input_type: Any = None, output_type: Any = None) -> Runnable[Any, Any]:
        """As LangChain's, sealed."""
        return self._made(super().with_types(input_type=input_type, output_type=output_type))

    def with_retry(self, **how: Any) -> Runnable[Any, Any]:
        """As LangChain's, sealed."""
        return self._made(super().with_retry(**how))

    def with_fallbacks(self, fallbacks: Sequence[Runnable[Any, Any]], **how: Any) -> Any:
        """As LangChain's, sealed."""
        return self._made(super().with_fallbacks(fallbacks, **how))

    def map(self) -> Runnable[Sequence[Any], list[Any]]:
        """As LangChain's, sealed item by item."""
        return SealingMap(bound=super().map())

    def _made(self, runnable: Runnable[Any, Any]) -> SealingRunnable:
        """``runnable``, which was made of this one, in a form that seals."""
        return runnable if isinstance(runnable, SealingRunnable) else SealingRunnable(bound=runnable)


class SealingRunnable(SealsWhatItIsPartOf, RunnableBinding[Any, Any]):
    """A runnable made of a selector; it has no run of its own."""

    @classmethod
    def is_lc_serializable(cls) -> bool:
        """A selector is not written down."""
        return False

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As the runnable that was composed."""
        return super().invoke(self._sealed(input, config), config, **kwargs)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As the runnable that was composed."""
        return await super().ainvoke(self._sealed(input, config), config, **kwargs)

    def batch(self, inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Any]:
        """As the runnable that was composed."""
        return super().batch(self._all_sealed(inputs, config), config, **kwargs)

    async def abatch(self, inputs: list[Any], config: Any = None, **kwargs: Any) -> list[Any]:
        """As the runnable that was composed."""
        return await super().abatch(self._all_sealed(inputs, config), config, **kwargs)

    def batch_as_completed(self, inputs: Sequence[Any], config: Any = None, **kwargs: Any) -> Iterator[Any]:
        """As the runnable that was composed."""
        return super().batch_as_completed(self._all_sealed(inputs, config), config, **kwargs)

    def abatch_as_completed(self, inputs: Sequence[Any], config: Any = None, **kwargs: Any) -> AsyncIterator[Any]:
        """As the runnable that was composed."""
        return super().abatch_as_completed(self._all_sealed(inputs, config), config, **kwargs)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Any]:
        """As the runnable that was composed."""
        return super().stream(self._sealed(input, config), config, **kwargs)

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Any]:
        """As the runnable that was composed."""
        return super().astream(self._sealed(input, config), config, **kwargs)

    def astream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As the runnable that was composed."""
        return super().astream_events(self._sealed(input, config), config, **kwargs)

    def astream_log(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As the runnable that was composed."""
        return super().astream_log(self._sealed(input, config), config, **kwargs)

    def _sealed(self, input: Any, config: RunnableConfig | None) -> Any:
        refuse_exposed(input, config)
        return seal(input)

    def _all_sealed(self, inputs: Sequence[Any], config: Any) -> list[Any]:
        configs = config if isinstance(config, list) else [config] * len(inputs)
        return [self._sealed(input, each) for input, each in zip(inputs, configs, strict=True)]


class SealingMap(SealingRunnable):
    """As ``SealingRunnable`` for a list of requests, each sealed by itself."""

    def _sealed(self, input: Any, config: RunnableConfig | None) -> Any:
        for item in input:
            refuse_exposed(item, config)
        return [seal(item) for item in input]

    def _made(self, runnable: Runnable[Any, Any]) -> SealingRunnable:
        return runnable if isinstance(runnable, SealingMap) else SealingMap(bound=runnable)
