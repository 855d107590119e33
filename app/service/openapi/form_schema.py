"""Request bodies that are read as they arrive, and that FastAPI therefore does not know."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ....schemas.base import Frozen

__all__ = ["request_body"]

_FILES = {
    "file": "The table: CSV, TSV (.gz too) or Parquet",
    "synthetic": "The synthetic table to judge: CSV, TSV (.gz too) or Parquet",
    "plan": "JSON: a plan, or a selection's result with its treatments",
    "card": "JSON: the run card of the synthetic table",
    "public_bounds": "JSON: column → [low, high] or [levels] that are public knowledge",
}


def request_body(
    form: type[Frozen],
    form_examples: dict[str, Any],
    body: type[Frozen] | None = None,
    body_examples: dict[str, Any] | None = None,
    files: Mapping[str, bool] = MappingProxyType({"file": True}),
) -> dict[str, Any]:
    """OpenAPI's requestBody of an address that takes a form with files, or JSON.

    Args:
        form: The form's fields.
        form_examples: Examples of the form.
        body: The JSON body.
        body_examples: Examples of it.
        files: Field → whether a file must come in it.
    """
    fields = _inlined(form.model_json_schema())
    properties = {name: _as_form_field(schema) for name, schema in fields["properties"].items()}
    for name in files:
        properties[name] = {"type": "string", "format": "binary", "description": _FILES[name]}
    needed = [name for name, must in files.items() if must]
    schema = {**fields, "properties": properties, "required": [*needed, *fields.get("required", [])]}
    content: dict[str, Any] = {"multipart/form-data": {"schema": schema, "examples": form_examples}}
    if body is not None:
        json_body = {"schema": _inlined(body.model_json_schema()), "examples": body_examples or {}}
        content = {"application/json": json_body, **content}
    return {"requestBody": {"required": True, "content": content}}


def _as_form_field(schema: dict[str, Any]) -> dict[str, Any]:
    """A form's field is text: what is no string in JSON is written as one, ``null`` by leaving the field out."""
    if schema.get("contentMediaType") == "application/json":
        return {"type": "string", "contentMediaType": "application/json", **_kept(schema)}
    choices = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    choice = choices[0]
    if choice.get("type") == "array":
        kept = _kept(schema)
        return {"type": "string", **kept, "description": f"{kept.get('description', '')} Commas between them.".strip()}
    return {**{key: value for key, value in choice.items() if key != "title"}, **_kept(schema)}


def _kept(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: schema[key] for key in ("description", "examples", "default") if schema.get(key) not in (None, {})}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` without ``$defs``: a request body written by hand cannot add to OpenAPI's components."""
    definitions = schema.pop("$defs", {})
    resolved: dict[str, Any] = _resolve(schema, definitions)
    return resolved


def _resolve(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_resolve(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        return _resolve({**target, **{key: value for key, value in node.items() if key != "$ref"}}, definitions)
    return {key: _resolve(value, definitions) for key, value in node.items()}
