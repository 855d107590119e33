"""The one way templates are rendered: everything is escaped, and nothing undefined is printed as nothing."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

__all__ = ["make_environment"]


def make_environment(*folders: Path) -> Environment:
    """Templates of ``folders``; where two have one of the same name, the first folder's is taken."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
