"""Read a table where it lives, recognise kinds and identifiers, and make a profile that may leave the machine."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .kinds_file import load_columns_file
    from .profiler import profile_table
    from .prompt_description import describe_for_prompt, estimate_tokens
    from .readers.open_table import open_table

__all__ = ["describe_for_prompt", "estimate_tokens", "load_columns_file", "open_table", "profile_table"]

_HOMES = {
    "describe_for_prompt": "prompt_description",
    "estimate_tokens": "prompt_description",
    "load_columns_file": "kinds_file",
    "open_table": "readers.open_table",
    "profile_table": "profiler",
}


def __getattr__(name: str) -> Any:
    # The engine takes half a second to import, which help texts and ready profiles need not wait for.
    if name in _HOMES:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
