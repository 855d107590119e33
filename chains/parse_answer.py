"""From a model's message to a plan, or to what is wrong with it, said without quoting it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from pydantic import BaseModel, ValidationError

from ..schemas.base import list_errors
from ..schemas.methods import HYPERPARAMETERS
from ..schemas.plan import DPSettings, ModelSelectionPlan
from .plan_check import Violation

__all__ = ["Parsed", "describe_violations", "parse_answer", "repair_message"]

_MAX_VIOLATIONS = 12
"""More would not help a model, and cost tokens."""

_MAX_STARTS = 20
"""Opening braces tried as the beginning of the plan in an answer that holds prose as well."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """An answer's plan, or why there is none."""

    plan: ModelSelectionPlan | None
    violations: tuple[Violation, ...] = ()
    empty: bool = False
    """Nothing was said at all: there is nothing to repair."""

    @classmethod
    def of_nothing(cls) -> Self:
        """What an empty answer comes to."""
        return cls(None, (Violation((), "empty", "the answer is empty"),), empty=True)


def parse_answer(message: BaseMessage) -> Parsed:
    """The plan in ``message``, wherever the model put it: a tool call, the content, a fence, after its thinking."""
    texts = list(_candidates(message))
    if not texts:
        return Parsed.of_nothing()
    first: Parsed | None = None
    for text in texts:
        parsed = _validate(text)
        if parsed.plan is not None:
            return parsed
        first = first or parsed
    assert first is not None
    return first


def repair_message(violations: tuple[Violation, ...]) -> HumanMessage:
    """The one re-ask: places, types and rules, nothing of the answer itself."""
    lines = [f"- {_place(v)} ({v.type}): {v.msg}" for v in violations[:_MAX_VIOLATIONS]]
    return HumanMessage(
        "A first answer to this was rejected:\n" + "\n".join(lines) + "\nAnswer with the whole plan, corrected."
    )


def describe_violations(violations: tuple[Violation, ...]) -> str:
    """One line for provenance and logs."""
    shown = "; ".join(f"{_place(v)}: {v.msg}" for v in violations[:3])
    more = len(violations) - 3
    return shown + (f"; and {more} more" if more > 0 else "")


def _candidates(message: BaseMessage) -> Iterator[str | dict[str, Any]]:
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            yield call["args"]
        for broken in message.invalid_tool_calls:
            if broken["args"]:
                yield broken["args"]
    text = str(message.text)
    # A thinking model may think aloud in front of its answer.
    _, thought, after = text.rpartition("</think>")
    text = (after if thought else text).strip()
    if text:
        yield text


def _validate(answer: str | dict[str, Any]) -> Parsed:
    try:
        if isinstance(answer, dict):
            return Parsed(ModelSelectionPlan.model_validate(answer))
        return Parsed(ModelSelectionPlan.model_validate_json(answer))
    except ValidationError as error:
        inner = _find_object(answer) if isinstance(answer, str) and _is_broken_json(error) else None
        if inner is not None:
            return _validate(inner)
        return Parsed(None, tuple(_quiet(error)))


def _is_broken_json(error: ValidationError) -> bool:
    return any(item.type == "json_invalid" for item in list_errors(error))


def _find_object(text: str) -> dict[str, Any] | None:
    """The first JSON object in prose or a fence."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(_MAX_STARTS):
        if start < 0:
            return None
        try:
            value, _end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start = text.find("{", start + 1)
            continue
        # An object inside a broken one is not the plan.
        return value if isinstance(value, dict) and "choice" in value else None
    return None


def _quiet(error: ValidationError) -> Iterator[Violation]:
    """pydantic's errors without what they repeat of the input: unknown keys, unknown tags."""
    for location, kind, message in list_errors(error):
        loc = tuple(part if isinstance(part, int) or part in _known_names() else "…" for part in location)
        if kind == "union_tag_invalid":
            message = f"method must be one of {', '.join(HYPERPARAMETERS)}"
        elif kind == "json_invalid":
            message = "not valid JSON"
        yield Violation(loc, kind, message)


@cache
def _known_names() -> frozenset[str]:
    models: list[type[BaseModel]] = [ModelSelectionPlan, DPSettings, *HYPERPARAMETERS.values()]
    return frozenset(HYPERPARAMETERS) | {name for model in models for name in model.model_fields}


def _place(violation: Violation) -> str:
    return ".".join(str(part) for part in violation.loc) or "answer"
