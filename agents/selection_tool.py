"""The selector as a tool for an agent: few arguments, and an answer in a few sentences without a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field

from ..schemas.errors import SelectorError
from ..schemas.options import Tradeoff
from ..schemas.result import SelectionResult

if TYPE_CHECKING:
    from .selector import ClinicalModelSelector

__all__ = ["selection_tool"]

_DESCRIPTION = (
    "Choose a synthesizer for a clinical table, with hyper-parameters, backups and a privacy budget. "
    "The table stays on this machine: only its name is needed."
)


class _Arguments(BaseModel):
    """What the agent's model fills in."""

    table: str = Field(description="name of the table, or its path")
    goal: str | None = Field(default=None, description="what the synthetic table is for", max_length=500)
    tradeoff: Tradeoff = Field(default="balanced", description="what matters most")
    require_dp: bool = Field(default=False, description="only differentially private synthesizers")


def selection_tool(
    selector: ClinicalModelSelector,
    tables: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    description: str | None = None,
) -> BaseTool:
    """A tool for ``create_agent``.

    Its message to the agent names methods and figures; the whole result is the message's artifact.

    Args:
        selector: Who plans.
        tables: Name → table, handle or sealed request (with its target and all that the agent need not know). Where it
            is given, no other table can be asked for; without it, ``table`` is a path.
        name: Of the tool.
        description: For the agent.
    """
    offered = dict(tables or {})

    def table_of(name: str) -> Any:
        if tables is not None and name not in offered:
            raise ToolException(f"no such table; known are {', '.join(offered) or 'none'}")
        return offered.get(name, name)

    def select(table: str, config: RunnableConfig, **options: Any) -> tuple[str, SelectionResult]:
        try:
            result = selector.select(table_of(table), config=config, **_said(options))
        except SelectorError as error:
            raise ToolException(str(error)) from None
        return _in_words(result), result

    async def aselect(table: str, config: RunnableConfig, **options: Any) -> tuple[str, SelectionResult]:
        try:
            result = await selector.aselect(table_of(table), config=config, **_said(options))
        except SelectorError as error:
            raise ToolException(str(error)) from None
        return _in_words(result), result

    return StructuredTool.from_function(
        select,
        aselect,
        name=name or "choose_synthesizer",
        description=description or _DESCRIPTION,
        args_schema=_Arguments,
        infer_schema=False,
        response_format="content_and_artifact",
        handle_tool_error=True,
    )


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """What the agent really asked for: a sealed request's own wishes stand against defaults."""
    return {key: value for key, value in options.items() if value != _Arguments.model_fields[key].default}


def _in_words(result: SelectionResult) -> str:
    plan, provenance = result.plan, result.provenance
    settings = ", ".join(f"{name}={value}" for name, value in plan.choice.knobs().items())
    backups = ", ".join(backup.method for backup in plan.backups) or "none"
    privacy = f"epsilon {plan.dp.epsilon:g}, delta {plan.dp.delta:g}" if plan.dp.enabled else "none"
    lines = [
        f"Choice: {plan.choice.method} ({settings}). Backups: {backups}. Differential privacy: {privacy}.",
        f"Why: {plan.rationale}",
        f"Answered by {provenance.provider}{f' ({provenance.model})' if provenance.model else ''}.",
        *(f"Warning: {warning}" for warning in result.warnings),
    ]
    return "\n".join(lines)
