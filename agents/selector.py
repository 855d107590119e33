"""``ClinicalModelSelector``: from a clinical table to a plan, as a LangChain Runnable."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from langchain_core.runnables import RunnableConfig, ensure_config

from ..chains.plan_check import plan_cautions
from ..chains.selection import Answered, build_selection
from ..evidence.recommender.expected_results import NOTHING_ALIKE
from ..evidence.recommender.ranking import EmbeddedRecommender, rate_config
from ..schemas.errors import MissingExtra, SettingsError
from ..schemas.question import Question
from ..schemas.request import EvidenceMetrics, SelectionRequest
from ..schemas.result import SelectionResult, Usage
from ..schemas.settings import Settings, load_tracing_variables
from ..synthesizers.feasibility import assess, require_feasible
from ..synthesizers.progress import in_words, notebook_line
from .composition import SealedRequest, SealsWhatItIsPartOf, refuse_exposed, seal
from .resolve_request import Resolved, coerce_request, previous_round, resolve

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["ClinicalModelSelector"]


class ClinicalModelSelector(SealsWhatItIsPartOf):
    """Chooses a synthesizer, its hyper-parameters and its privacy settings for a clinical table.

    OpenRouter is asked where its key is set, else Ollama, else the embedded recommender; each answer is checked against
    table, catalogue and policy before it counts, and the result says who gave it. The table is profiled on this machine
    before the traced run begins: neither its cells nor its column names reach a prompt, a trace, a log or a cache.

    Args:
        settings: Defaults to the environment and .env.

    Raises:
        SettingsError: A setting has a value that cannot be used.
    """

    name = "ClinicalModelSelector"

    def __init__(self, settings: Settings | None = None) -> None:
        if settings is None:
            load_tracing_variables()
        self.settings = settings if settings is not None else Settings()
        self._chain = build_selection(self.settings, EmbeddedRecommender())

    @property
    def InputType(self) -> type[SelectionRequest]:  # noqa: N802  (LangChain's name)
        """A request, a mapping of its fields, or a bare table."""
        return SelectionRequest

    @property
    def OutputType(self) -> type[SelectionResult]:  # noqa: N802  (LangChain's name)
        """The plan with its provenance."""
        return SelectionResult

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> SelectionResult:
        """The plan for a request, a mapping of its fields, or a bare table.

        Args:
            input: The same sealed is taken too: ``seal``.
            config: LangChain's.
            kwargs: Further fields of the request, such as ``target``.

        Raises:
            TableExposed: A table came in as it is inside somebody else's traced run.
            TableError: The table cannot be read or profiled, or a named column is not in it.
            SettingsError: A field of the request cannot be used.
            NoFeasibleSynthesizer: Nothing fits table and constraints.
            ProvidersUnavailable: Nobody could answer (only where the embedded recommender is switched off).
        """
        refuse_exposed(input, config)
        return self._select(coerce_request(input, kwargs), config)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> SelectionResult:
        """As ``invoke``; a table is profiled in a worker thread."""
        refuse_exposed(input, config)
        return await self._aselect(coerce_request(input, kwargs), config)

    def select(self, table: Any = None, *, config: RunnableConfig | None = None, **request: Any) -> SelectionResult:
        """The plan for ``table``; keyword arguments are the fields of ``SelectionRequest``.

        Raises:
            SelectorError: As for ``invoke``.
        """
        with notebook_line("select") as line:
            if line is not None:
                line(f"profiling, then asking for a plan, at most {in_words(self.settings.selector_deadline_s)}")
            return self._select(_request_of(table, request), config)

    async def aselect(
        self, table: Any = None, *, config: RunnableConfig | None = None, **request: Any
    ) -> SelectionResult:
        """As ``select``, asynchronously."""
        return await self._aselect(_request_of(table, request), config)

    def seal(self, table: Any = None, **request: Any) -> SealedRequest:
        """A request that shows nothing, to be handed around in chains, graphs and agents and at last to a selector.

        Args:
            table: Of any kind.
            request: Fields of ``SelectionRequest``.

        Raises:
            SettingsError: A field of the request cannot be used.
        """
        return seal(_request_of(table, request))

    def as_tool(
        self, args_schema: Any = None, *, name: str | None = None, description: str | None = None, **how: Any
    ) -> BaseTool:
        """``selection_tool`` of this selector."""
        from .selection_tool import selection_tool

        return selection_tool(self, name=name, description=description)

    def replan(
        self,
        result: SelectionResult,
        metrics: EvidenceMetrics | Mapping[str, Any],
        *,
        config: RunnableConfig | None = None,
    ) -> SelectionResult:
        """The next plan, given how the last one did when it was run.

        Args:
            result: What an earlier call returned, in this process.
            metrics: fidelity, utility, membership_auc, failed; all optional.
            config: LangChain's.

        Raises:
            SettingsError: The metrics cannot be used, or the result was loaded from JSON and holds no question.
            SelectorError: As for ``invoke``.
        """
        resolved = _next_round(result, metrics)
        _require_plan_exists(resolved.question)
        return _result(self._chain.invoke(resolved.question, self._named(config)), resolved)

    async def areplan(
        self,
        result: SelectionResult,
        metrics: EvidenceMetrics | Mapping[str, Any],
        *,
        config: RunnableConfig | None = None,
    ) -> SelectionResult:
        """As ``replan``, asynchronously."""
        resolved = _next_round(result, metrics)
        _require_plan_exists(resolved.question)
        return _result(await self._chain.ainvoke(resolved.question, self._named(config)), resolved)

    def tune(self, table: Any, **options: Any) -> SelectionResult:
        """The best plan by fits on this table; see :func:`~clinical_model_selector.agents.tune.tune` for the arguments.

        Raises:
            MissingExtra: The extra ``light`` is not installed.
            SelectorError: As for ``select``.
        """
        try:
            from .tune import tune  # fits need pandas and scikit-learn, which a selection does not
        except ModuleNotFoundError:
            raise MissingExtra("tune", "light") from None
        return tune(table, selector=self, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """A pickle holds the settings without what is secret, which is read anew where it is loaded."""
        return _restore, (type(self), self.settings.without_secrets())

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(self.settings)

    def _select(self, request: SelectionRequest, config: RunnableConfig | None) -> SelectionResult:
        resolved = self._resolve(request)
        _require_plan_exists(resolved.question)
        return _result(self._chain.invoke(resolved.question, self._named(config)), resolved)

    async def _aselect(self, request: SelectionRequest, config: RunnableConfig | None) -> SelectionResult:
        if request.profile is None:
            resolved = await asyncio.to_thread(self._resolve, request)
        else:
            resolved = resolve(request, self.settings)
        _require_plan_exists(resolved.question)
        return _result(await self._chain.ainvoke(resolved.question, self._named(config)), resolved)

    def _resolve(self, request: SelectionRequest) -> Resolved:
        if request.measure or (request.measure is None and self.settings.selector_measure):
            from .landmarks import with_landmarks  # which a selection that measures nothing need not wait for

            request = with_landmarks(request, self.settings)
        return resolve(request, self.settings)

    def breakers(self) -> dict[str, str]:
        """Provider → state of its circuit breaker (closed, open, half-open), for those asked so far."""
        return self._chain.breakers()

    def ping_cache(self) -> str | None:
        """What is wrong with the cache; None where it works or is off. May wait for a disk or a socket."""
        return self._chain.ping_cache()

    def usage(self) -> Usage:
        """Totals over every selection of this selector: who answered, tokens, cost, seconds, cache hits, fallbacks."""
        return self._chain.usage()

    def _named(self, config: RunnableConfig | None) -> RunnableConfig:
        config = ensure_config(config)
        return {**config, "run_name": config.get("run_name") or self.name}


def _request_of(table: Any, fields: Mapping[str, Any]) -> SelectionRequest:
    if isinstance(table, SealedRequest):
        return coerce_request(table, fields)
    return coerce_request({"table": table, **fields})


def _restore(kind: type[ClinicalModelSelector], values: dict[str, Any]) -> ClinicalModelSelector:
    return kind(Settings(**values))


def _require_plan_exists(question: Question) -> None:
    """Say what is infeasible before anyone is asked: no provider could answer it, and none should cost."""
    require_feasible(assess(question.profile, question.constraints), question.constraints)


def _result(answered: Answered, resolved: Resolved) -> SelectionResult:
    question, provenance = resolved.question, answered.provenance
    warnings = list(resolved.warnings)
    if provenance.fallback_reason:
        warnings.append(f"answered by {provenance.provider}: {provenance.fallback_reason}")
    warnings += dict.fromkeys(note for attempt in provenance.attempts for note in attempt.notes)
    if answered.evidence is not None and not answered.evidence.agrees:
        warnings.append(answered.evidence.sentence)
    if rate_config(answered.plan.choice, question).expectation.unlike:
        warnings.append(f"{NOTHING_ALIKE}: expectations are wide, and tune measures on the table itself")
    warnings += assess(question.profile, question.constraints)[answered.plan.choice.method].cautions
    warnings += plan_cautions(answered.plan, question)
    result = SelectionResult(
        plan=answered.plan,
        provenance=provenance,
        treatments=resolved.treatments,
        evidence=answered.evidence,
        compliance=question.constraints.compliance,
        target=question.profile.target.alias if question.profile.target else None,
        warnings=warnings,
    )
    result._question = question
    return result


def _next_round(result: SelectionResult, metrics: EvidenceMetrics | Mapping[str, Any]) -> Resolved:
    question = result._question
    if not isinstance(question, Question):
        raise SettingsError(
            "this result does not hold its question (it was loaded from JSON): call select with previous="
        )
    previous = previous_round(result.plan, metrics)
    return Resolved(question.model_copy(update={"previous": previous}), result.treatments, ())
