"""The plan's JSON schema as services take it: with its bounds, or plain, with the bounds told in words.

Anthropic's structured outputs refuse a schema with numeric bounds or lengths (HTTP 400), Groq and Cerebras
``minItems``, and Gemini many bounds at once; all take the plain one. Ollama's and llama.cpp's grammars hold lengths and
whole-number bounds, which helps a small model to stop. Pydantic checks every bound either way.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Literal

from ...schemas.plan import ModelSelectionPlan

__all__ = ["SCHEMA_NAME", "SchemaForm", "plan_schema", "schema_text"]

SchemaForm = Literal["plain", "bounded"]

SCHEMA_NAME = ModelSelectionPlan.__name__

_BOUNDS = {
    "minimum": "at least {:g}",
    "exclusiveMinimum": "above {:g}",
    "maximum": "at most {:g}",
    "exclusiveMaximum": "below {:g}",
    "minLength": "at least {:g} characters",
    "maxLength": "at most {:g} characters",
    "minItems": "at least {:g} items",
    "maxItems": "at most {:g} items",
}
"""JSON schema's keyword → how it is told."""

_RANGE = re.compile(r"at least (\S+)(?: \w+)?, at most (\S+)")


@lru_cache(maxsize=64)
def plan_schema(form: SchemaForm, methods: tuple[str, ...] | None = None) -> dict[str, Any]:
    """The schema, derived once: given the class, LangChain and the SDK would derive it again with every call.

    Args:
        form: With its bounds, or with the bounds in words.
        methods: The synthesizers that may be named, since every token of the others is billed; None names all.
    """
    schema = ModelSelectionPlan.model_json_schema()
    if methods is not None:
        schema = _of(methods, schema)
    return _told_in_words(schema) if form == "plain" else schema


@lru_cache(maxsize=64)
def schema_text(form: SchemaForm, methods: tuple[str, ...] | None = None) -> str:
    """The schema as compact JSON, for a prompt."""
    return json.dumps(plan_schema(form, methods), separators=(",", ":"))


def _of(methods: tuple[str, ...], schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` without the members of other methods."""
    others = {
        name
        for name, member in schema["$defs"].items()
        if "method" in member["properties"] and member["properties"]["method"]["const"] not in methods
    }
    gone = {f"#/$defs/{name}" for name in others}

    def cut(node: Any) -> Any:
        if isinstance(node, list):
            return [cut(item) for item in node if not (isinstance(item, dict) and item.get("$ref") in gone)]
        return {key: cut(value) for key, value in node.items()} if isinstance(node, dict) else node

    made: dict[str, Any] = cut({**schema, "$defs": {n: m for n, m in schema["$defs"].items() if n not in others}})
    return made


def _told_in_words(node: Any) -> Any:
    """``node`` with every bound moved into a description."""
    if isinstance(node, list):
        return [_told_in_words(item) for item in node]
    if not isinstance(node, dict):
        return node
    # Among properties a keyword would be a field's name, whose value is no number.
    bounds = {key for key in node if key in _BOUNDS and isinstance(node[key], int | float)}
    plain = {key: _told_in_words(value) for key, value in node.items() if key not in bounds}
    told = ", ".join(words.format(node[key]) for key, words in _BOUNDS.items() if key in bounds)
    if told := _RANGE.sub(r"\1 to \2", told):
        plain["description"] = f"{plain['description']} ({told})" if "description" in plain else told
    return plain
