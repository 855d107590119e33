"""An OpenRouter that refuses what the real one refuses, as far as public sources tell.

Each rule stands in ``RULES`` with its source and the date of that source: no live key was at hand.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .formats import completion, plan_from_prompt, raw
from .server import Act, Recorded, ScriptedServer

__all__ = [
    "RETIRED",
    "RULES",
    "ModelFacts",
    "Refusal",
    "model_facts",
    "start_strict",
    "strict_openai",
    "strict_openrouter",
]

RETIRED = "anthropic/claude-3.5-sonnet"


@dataclass(frozen=True)
class ModelFacts:
    """What one model supports."""

    id: str
    structured_output: bool
    tool_calling: bool
    temperature: bool
    reasoning_output: bool
    context: int

    @property
    def parameters(self) -> list[str]:
        """OpenRouter's ``supported_parameters``."""
        names = ["max_tokens"]
        names += ["temperature"] if self.temperature else []
        names += ["reasoning", "include_reasoning"] if self.reasoning_output else []
        names += ["tools", "tool_choice"] if self.tool_calling else []
        names += ["response_format", "structured_outputs"] if self.structured_output else []
        return names

    @property
    def combination(self) -> tuple[bool, bool, bool, bool, str]:
        """What tells it apart from others: its facts and its vendor's ways."""
        return (
            self.structured_output,
            self.tool_calling,
            self.temperature,
            self.reasoning_output,
            upstream_of(self.id),
        )


@cache
def model_facts() -> dict[str, ModelFacts]:
    """Id → facts; ``openrouter_models.csv`` names its source."""
    lines = (Path(__file__).with_name("openrouter_models.csv")).read_text().splitlines()
    return {row["id"]: _facts(row) for row in csv.DictReader(line for line in lines if not line.startswith("#"))}


def _facts(row: dict[str, str]) -> ModelFacts:
    flags = {
        name: row[name] == "yes" for name in ("structured_output", "tool_calling", "temperature", "reasoning_output")
    }
    return ModelFacts(id=row["id"], context=int(row["max_input_tokens"] or 32_000), **flags)


def find(model: str) -> ModelFacts | None:
    """``model`` as listed, else without its suffix (rule 8)."""
    return model_facts().get(model) or model_facts().get(model.partition(":")[0])


def upstream_of(model: str) -> str:
    """Who serves a model: its vendor, or one of the hosts of open models."""
    vendor = model.lstrip("~").partition("/")[0]
    own = {"anthropic": "Anthropic", "openai": "OpenAI", "google": "Google"}
    return own.get(vendor, "Groq")


Refusal = tuple[int, dict[str, Any]]
"""Status and error."""


@dataclass(frozen=True)
class Rule:
    """One thing that the real service refuses."""

    name: str
    source: str
    date: str
    check: Callable[[dict[str, Any]], Refusal | None]


def _is_gone(body: dict[str, Any]) -> Refusal | None:
    asked = body.get("models") or [body["model"]]
    if any(find(model) for model in asked):
        return None
    successors = ["anthropic/claude-sonnet-4.5"] if asked[0] == RETIRED else []
    availability = {"code": "model_retired", "fallback_models": successors, "excluded_by": None}
    return 404, {"message": f"No endpoints found for {asked[0]}.", "metadata": {"availability": availability}}


def _lacks_a_parameter(body: dict[str, Any]) -> Refusal | None:
    if not (body.get("provider") or {}).get("require_parameters"):
        return None
    sent = {name for name in ("temperature", "max_tokens", "tools", "tool_choice", "response_format") if name in body}
    sent |= {"parallel_tool_calls"} & set(body)
    if (body.get("response_format") or {}).get("type") == "json_schema":
        sent |= {"structured_outputs"}
    for model in body.get("models") or [body["model"]]:
        facts = find(model)
        if facts and sent <= set(facts.parameters):
            return None
    message = "No endpoints found that can handle the requested parameters. To learn more about provider routing, visit"
    return 404, {"message": message}


def _schema_nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _schema_nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _schema_nodes(value)


def _schema(body: dict[str, Any]) -> Any:
    return (body.get("response_format") or {}).get("json_schema", {}).get("schema")


def _upstream_refusal(upstream: str, cause: str) -> Refusal:
    metadata = {"provider_name": upstream, "raw": json.dumps({"type": "error", "error": {"message": cause}})}
    return 400, {"message": "Provider returned error", "metadata": metadata}


_ANTHROPIC_BARS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems",
)  # fmt: skip


def _anthropic_refuses_bounds(body: dict[str, Any]) -> Refusal | None:
    if upstream_of(body["model"]) != "Anthropic":
        return None
    for node in _schema_nodes(_schema(body)):
        for key in _ANTHROPIC_BARS:
            if isinstance(node.get(key), int | float):
                cause = f"output_config.format.schema: For 'number' type, property '{key}' is not supported"
                return _upstream_refusal("Anthropic", cause)
        if isinstance(node.get("minItems"), int) and node["minItems"] > 1:
            cause = (
                "output_config.format.schema: For 'array' type, 'minItems' values other than 0 or 1 are not supported"
            )
            return _upstream_refusal("Anthropic", cause)
    return None


def _groq_refuses_min_items(body: dict[str, Any]) -> Refusal | None:
    if upstream_of(body["model"]) != "Groq":
        return None
    if any(isinstance(node.get("minItems"), int) for node in _schema_nodes(_schema(body))):
        return _upstream_refusal("Groq", "invalid JSON schema for response_format: 'minItems' is not permitted")
    return None


def _gemini_counts_states(body: dict[str, Any]) -> Refusal | None:
    if upstream_of(body["model"]) != "Google":
        return None
    bounds = sum(key in node for node in _schema_nodes(_schema(body)) for key in ("minimum", "maximum", "maxItems"))
    if bounds > 20:
        return _upstream_refusal("Google", "The specified schema produces a constraint that has too many states")
    return None


RULES = (
    Rule("a retired model has no endpoint", "OpenRouterTeam/ai-sdk-provider #512", "2026-06-25", _is_gone),
    Rule(
        "required parameters must be supported", "raif PR 507; OpenRouter, provider routing", "2026-07-17",
        _lacks_a_parameter,
    ),
    Rule(
        "Anthropic's structured outputs take no bounds", "the-llm-council PR 55; Kiln PR 1549", "2026-07-08",
        _anthropic_refuses_bounds,
    ),
    Rule("Groq's and Cerebras' take no minItems", "issue threads of both", "2026", _groq_refuses_min_items),
    Rule("Gemini's take few bounds", "issue threads", "2025-11", _gemini_counts_states),
)  # fmt: skip


def strict_openrouter(recorded: Recorded) -> Act:
    """A valid plan, or the first refusal of ``RULES``; tells model, upstream provider and id."""
    body = recorded.body
    for rule in RULES:
        if refusal := rule.check(body):
            status, error = refusal
            return raw(json.dumps({"error": {"code": status, **error}}).encode(), code=status)
    asked = next(model for model in body.get("models") or [body["model"]] if find(model))
    answer = completion(body, json.dumps(plan_from_prompt(body)))
    answer |= {"model": asked.lstrip("~"), "provider": upstream_of(asked), "id": "gen-strict-1"}
    return raw(json.dumps(answer).encode())


_OPENAI_FIELDS = frozenset(
    {
        "model", "messages", "temperature", "max_tokens", "response_format", "tools", "tool_choice", "stream",
        "parallel_tool_calls",
    }
)  # fmt: skip


def strict_openai(recorded: Recorded) -> Act:
    """A service that speaks OpenAI's format alone and refuses fields that it does not know (rule 10)."""
    for name in recorded.body:
        if name not in _OPENAI_FIELDS:
            error = {"message": f"Unrecognized request argument supplied: {name}", "type": "invalid_request_error"}
            return raw(json.dumps({"error": error}).encode(), code=400)
    answer = completion(recorded.body, json.dumps(plan_from_prompt(recorded.body)))
    del answer["provider"]
    return raw(json.dumps(answer).encode())


def model_list() -> Act:
    """The model list with real ``supported_parameters``."""
    rows = [
        {
            "id": facts.id,
            "context_length": facts.context,
            "pricing": {"prompt": "0.000003", "completion": "0.000015"},
            "supported_parameters": facts.parameters,
        }
        for facts in model_facts().values()
    ]
    return raw(json.dumps({"data": rows}).encode())


def start_strict(*, listed: bool = True) -> ScriptedServer:
    """A strict OpenRouter on a free port; ``listed`` serves the model list."""
    missing = raw(b'{"error": {"message": "down"}}', code=503)
    return ScriptedServer(strict_openrouter, {"/models": model_list() if listed else missing})
