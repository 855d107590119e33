"""From a clinical table to a synthetic one: a plan by a language model or by measurements, carried out and judged.

What stands here, and the package ``schemas``, follow semantic versioning; everything else is internal. Each name is
loaded when it is first used: ``import clinical_model_selector`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .agents.auto import run_auto
    from .agents.auto_sets import run_auto_set, tune_set
    from .agents.composition import CHECKPOINT_TYPES
    from .agents.linked import synthesize_set
    from .agents.selection_tool import selection_tool
    from .agents.selector import ClinicalModelSelector
    from .agents.synthesize import sample, synthesize
    from .agents.tune import tune
    from .evidence.evaluation import evaluate
    from .evidence.evaluation_sets import evaluate_set
    from .profiling import open_table, profile_table
    from .schemas.errors import (
        MissingExtra,
        NoFeasibleSynthesizer,
        ProvidersUnavailable,
        SelectorError,
        SettingsError,
        SynthesisFailed,
        TableError,
        TableExposed,
    )
    from .schemas.plan import ModelSelectionPlan
    from .schemas.request import SelectionRequest
    from .schemas.result import SelectionResult
    from .schemas.settings import Settings

    __version__: str

__all__ = [
    "CHECKPOINT_TYPES",
    "ClinicalModelSelector",
    "MissingExtra",
    "ModelSelectionPlan",
    "NoFeasibleSynthesizer",
    "ProvidersUnavailable",
    "SelectionRequest",
    "SelectionResult",
    "SelectorError",
    "Settings",
    "SettingsError",
    "SynthesisFailed",
    "TableError",
    "TableExposed",
    "__version__",
    "evaluate",
    "evaluate_set",
    "open_table",
    "profile_table",
    "run_auto",
    "run_auto_set",
    "sample",
    "selection_tool",
    "synthesize",
    "synthesize_set",
    "tune",
    "tune_set",
]

_HOMES = {
    "CHECKPOINT_TYPES": "agents.composition",
    "ClinicalModelSelector": "agents.selector",
    "ModelSelectionPlan": "schemas.plan",
    "SelectionRequest": "schemas.request",
    "SelectionResult": "schemas.result",
    "Settings": "schemas.settings",
    "evaluate": "evidence.evaluation",
    "evaluate_set": "evidence.evaluation_sets",
    "open_table": "profiling",
    "profile_table": "profiling",
    "run_auto": "agents.auto",
    "run_auto_set": "agents.auto_sets",
    "sample": "agents.synthesize",
    "selection_tool": "agents.selection_tool",
    "synthesize": "agents.synthesize",
    "synthesize_set": "agents.linked",
    "tune": "agents.tune",
    "tune_set": "agents.auto_sets",
}
"""Name → the module that holds it; errors are all in one."""

_LIGHT = frozenset(
    {
        "evaluate",
        "evaluate_set",
        "run_auto",
        "run_auto_set",
        "sample",
        "synthesize",
        "synthesize_set",
        "tune",
        "tune_set",
    }
)
"""Need the extra ``light``: they can be imported without it, and say so when they are called."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("clinical-model-selector")
    elif name in __all__:
        value = _load(name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]


def _load(name: str) -> Any:
    try:
        return getattr(import_module(f".{_HOMES.get(name, 'schemas.errors')}", __name__), name)
    except ModuleNotFoundError as error:
        if name not in _LIGHT or (error.name or "").startswith(__name__):
            raise
        return _without_extra(name, "light")


def _without_extra(name: str, extra: str) -> Any:
    from .schemas.errors import MissingExtra

    def call(*arguments: object, **options: object) -> NoReturn:
        raise MissingExtra(name, extra)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Needs the extra ``{extra}``, which is not installed."
    return call
