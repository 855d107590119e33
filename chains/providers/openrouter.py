"""OpenRouter, or any service that speaks its format, as LangChain's chat model bound to the plan's schema.

What a request may carry differs by model, so the model list decides; where it says nothing, or is wrong, the service's
refusal does. What protects the user, ``data_collection`` and ``zdr``, is never left out to get an answer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from ...schemas.settings import Settings
from .base import BoundModel, Provider, RequestForm, asking_half
from .http import PrivateLoopTransport, Reply, RequestFailed, unused_client
from .openrouter_models import STRUCTURED_OUTPUTS, ListedModel, ModelList, StructuredOutput
from .openrouter_responses import judge_openrouter
from .plan_schema import SCHEMA_NAME, plan_schema
from .successors import nearest_successor

__all__ = ["OpenRouter", "describe_retired", "header_value", "pick_structured_output"]

_SAMPLING = frozenset({"temperature", "max_tokens"})

_UNLISTED: StructuredOutput = "function_calling"
"""Understood by most models, and it fails loudly where it is not."""

_GONE = re.compile(r"no endpoints found for|model .*not (found|exist|available)|not a valid model|no longer|deprecated")
_DATA_POLICY = re.compile(r"data polic|privacy|zdr|zero data retention")
_PARAMETERS = re.compile(r"requested parameters|support(s|ed)? (the )?parameters")
_STRUCTURE = re.compile(
    r"schema|response_format|response format|structured|grammar|tool|function|too many states|json|"
    r"minimum|maximum|minitems|maxitems|minlength|maxlength|strict|thinking"
)
_OPAQUE = frozenset({"provider returned error", "bad request", "invalid request"})
"""Refusals that name no cause."""


class OpenRouter(Provider):
    """OpenRouter with the models of one request."""

    name = "openrouter"

    def __init__(self, settings: Settings, model: str | None, models: ModelList) -> None:
        super().__init__(settings, model)
        self._models = models
        self._proven: tuple[RequestForm, int] | None = None

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

    async def first_form(self, deadline: float) -> RequestForm:
        """What lately got an answer, else what the model list says of these models."""
        if problem := self.settings.openrouter_key_problem:
            raise RequestFailed("authentication", problem, sent=False)
        await self._models.refresh(deadline)
        if self._proven is not None and self._proven[1] == self._models.edition:
            return self._proven[0]
        ids, notes = self._living()
        listed = [self._models.find(model) for model in ids]
        if unable := [model.id for model in listed if model and model.parameters and not model.structured_outputs]:
            message = f"{', '.join(unable)} can be asked for no structured output, says the model list: choose another"
            raise RequestFailed("bad_request", message, sent=False)
        extensions = self._models.is_openrouters
        method = self.settings.openrouter_method
        return RequestForm(
            base=self.settings.openrouter_base,
            models=ids,
            structured_output=pick_structured_output(listed) if method == "auto" else method,
            schema="plain" if extensions else "bounded",
            parameters=_SAMPLING & _supported(listed),
            extensions=extensions,
            notes=notes,
        )

    def other_form(self, form: RequestForm, failure: RequestFailed) -> RequestForm | None:
        """With a successor, without a parameter, by another way, or with a plain schema: as the refusal says."""
        cause = failure.cause
        if failure.status == 404:
            if _DATA_POLICY.search(cause):
                return None
            if failure.successors or _GONE.search(cause):
                return self._succeeded(form, failure.successors)
            if not _PARAMETERS.search(cause):
                return None
        elif failure.status not in (400, 422):
            return None
        return self._without_refused(form, cause, failure.status)

    def remember(self, form: RequestForm) -> None:
        """Begin with ``form``, successor and all, until the list is read again."""
        self._proven = (form, self._models.edition)

    @property
    def remembered(self) -> RequestForm | None:
        """The form that got an answer."""
        return self._proven[0] if self._proven is not None else None

    def judge(self, response: httpx.Response) -> Reply:
        """Read a chat completion."""
        return judge_openrouter(response, self.settings.openrouter_key)

    def errors(self) -> tuple[type[Exception], ...]:
        """The SDK's own tree."""
        from openai import OpenAIError

        return (OpenAIError, httpx.HTTPError)

    def _living(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The ids with those replaced that the list no longer has, and what to say of it."""
        if not self.settings.openrouter_follow_retired or not self._models.is_openrouters:
            return self.ids, ()
        ids, notes = [], []
        for model in self.ids:
            successor = None
            if self._models.find(model) is None:
                successor = nearest_successor(model, self._models.models)
            ids.append(successor or model)
            if successor is not None:
                notes.append(describe_retired(model, successor, self.ids))
        return tuple(dict.fromkeys(ids)), tuple(notes)

    def _succeeded(self, form: RequestForm, offered: tuple[str, ...]) -> RequestForm | None:
        # A second time in one attempt would be a chain of guesses.
        if not self.settings.openrouter_follow_retired or form.models != self.ids or len(form.models) > 1:
            return None
        gone = form.models[0]
        living = [name for name in offered if name != gone and self._can_answer(name)]
        successor = living[0] if living else nearest_successor(gone, self._models.models)
        if successor is None:
            return None
        listed = [self._models.find(successor)]
        method = self.settings.openrouter_method
        return replace(
            form,
            models=(successor,),
            structured_output=pick_structured_output(listed) if method == "auto" else method,
            parameters=_SAMPLING & _supported(listed),
            notes=(*form.notes, describe_retired(gone, successor, self.ids)),
        )

    def _can_answer(self, model: str) -> bool:
        listed = self._models.find(model)
        return listed is None or listed.parameters is None or bool(listed.structured_outputs)

    def _without_refused(self, form: RequestForm, cause: str, status: int | None) -> RequestForm | None:
        named = next((name for name in sorted(form.parameters) if name in cause), None)
        if named is None and status == 404 and "temperature" in form.parameters and not self._vouched(form):
            # The service says that a parameter is too many, and not which.
            named = "temperature"
        if named is not None:
            note = f"{named} is refused by {', '.join(form.models)}: left out"
            return replace(form, parameters=form.parameters - {named}, notes=(*form.notes, note))
        if status != 404 and not _STRUCTURE.search(cause) and cause.strip(" .") not in _OPAQUE:
            return None
        if form.schema == "bounded":
            return replace(form, schema="plain", notes=(*form.notes, "the schema's bounds are refused: told in words"))
        way = self._next_way(form)
        if way is None:
            return None
        note = f"{form.structured_output} is refused by {', '.join(form.models)}: asked by {way}"
        return replace(form, structured_output=way, notes=(*form.notes, note))

    def _vouched(self, form: RequestForm) -> bool:
        """Whether the list says that these models take the sampling parameters sent."""
        listed = [self._models.find(model) for model in form.models]
        return all(model is not None and model.parameters is not None for model in listed)

    def _next_way(self, form: RequestForm) -> StructuredOutput | None:
        later = STRUCTURED_OUTPUTS[STRUCTURED_OUTPUTS.index(form.structured_output) + 1 :]
        listed = [model for name in form.models if (model := self._models.find(name)) and model.parameters is not None]
        return next((way for way in later if all(way in model.structured_outputs for model in listed)), None)

    def _bind(self, form: RequestForm, methods: tuple[str, ...]) -> BoundModel:
        from langchain_openai import ChatOpenAI

        settings = self.settings
        extra: dict[str, Any] = {}
        if "max_tokens" in form.parameters:
            # Under its real name: ChatOpenAI renames it, and providers behind a router ignore the new one.
            extra["max_tokens"] = settings.selector_max_tokens
        if form.extensions:
            extra["provider"] = {"data_collection": "deny", "require_parameters": True}
            if settings.openrouter_zdr:
                extra["provider"]["zdr"] = True
            if len(form.models) > 1:
                extra["models"] = list(form.models)
        model = ChatOpenAI(
            model=form.models[0],
            base_url=form.base,
            api_key=SecretStr(settings.openrouter_key),
            temperature=settings.selector_temperature if "temperature" in form.parameters else None,
            timeout=None,
            max_retries=0,
            use_responses_api=False,
            # A streaming handler would switch to a stream, which is not what the transport hands on.
            disable_streaming=True,
            # An answer from LangChain's global cache would count as asked.
            cache=False,
            # Explicit, or the environment decides.
            openai_proxy=None,
            # Not every provider behind a router knows it, and one forced call is not parallel anyway.
            disabled_params={"parallel_tool_calls": None},
            default_headers={
                "HTTP-Referer": header_value(settings.openrouter_referer),
                "X-Title": header_value(settings.openrouter_title),
            },
            http_client=unused_client(),
            http_async_client=httpx.AsyncClient(transport=PrivateLoopTransport(), trust_env=False),
        )
        schema = plan_schema(form.schema, methods)
        if form.structured_output == "json_schema":
            schema = {"name": SCHEMA_NAME, "schema": schema, "strict": True}
        strict = True if form.structured_output == "json_schema" else None
        bound = asking_half(model, schema, method=form.structured_output, strict=strict)
        kwargs = dict(bound.kwargs)
        if "response_format" in kwargs:
            # As a field of the body: given as an argument, the SDK walks through the whole schema at every call, which
            # takes a third of a selection's CPU time.
            extra["response_format"] = kwargs.pop("response_format")
        return bound.bound.bind(**kwargs, extra_body=extra)


def pick_structured_output(listed: list[ListedModel | None]) -> StructuredOutput:
    """The best way that all of these models support; ``function_calling`` where the list does not say."""
    ways = [set(model.structured_outputs) if model is not None else set[StructuredOutput]() for model in listed]
    common = set.intersection(*ways) if ways else set()
    return next((way for way in STRUCTURED_OUTPUTS if way in common), _UNLISTED)


def describe_retired(gone: str, successor: str, ids: tuple[str, ...]) -> str:
    """What to say where ``successor`` is asked instead, with the line that ends it."""
    line = ",".join(successor if model == gone else model for model in ids)
    return f"{gone} is no longer served: {successor} is asked instead; to settle it, set OPENROUTER_MODEL={line}"


def header_value(text: str) -> str:
    """``text`` as a header can carry it: what is not printable ASCII percent-encoded."""
    printable = "".join(map(chr, range(0x20, 0x7F)))
    return quote(text.strip(), safe=printable)


def _supported(listed: list[ListedModel | None]) -> frozenset[str]:
    """Sampling parameters that all of these models support, as far as the list says."""
    supported = [model.parameters for model in listed if model is not None and model.parameters is not None]
    return _SAMPLING.intersection(*supported)
