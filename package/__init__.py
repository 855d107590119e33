"""Choose, run and judge a synthesizer for a clinical table."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agents.selector import ClinicalModelSelector
    from .evidence.evaluation import evaluate

__all__ = ["ClinicalModelSelector", "evaluate"]

_HOMES = {"ClinicalModelSelector": ".agents.selector", "evaluate": ".evidence.evaluation"}


def __getattr__(name: str) -> Any:
    # LangChain and pandas take seconds to import, which nobody pays for who does not use them.
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
