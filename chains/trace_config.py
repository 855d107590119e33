"""Where the steps of a selection stand in a trace, and what is told of its progress."""

from __future__ import annotations

from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun, adispatch_custom_event
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, patch_config

__all__ = ["PROGRESS_EVENT", "below", "of_this_context", "say"]

PROGRESS_EVENT = "selection_progress"
"""Name of the custom events; their data are ``step`` (asking, checking), ``provider`` and ``model``."""


def below(
    config: RunnableConfig,
    run_manager: CallbackManagerForChainRun | AsyncCallbackManagerForChainRun,
    name: str | None = None,
    **metadata: str,
) -> RunnableConfig:
    """``config`` for a step below the run of ``run_manager``."""
    child = patch_config(config, callbacks=run_manager.get_child(), run_name=name)
    return {**child, "metadata": {**child.get("metadata", {}), **metadata}} if metadata else child


def of_this_context(name: str, **metadata: str) -> RunnableConfig:
    """The config for an attempt's own run.

    LangChain's fallbacks hand each runnable their own config, with their own name and parent; the config of the context
    is the right one: an attempt then stands below the fallbacks, under its own name.
    """
    config = ensure_config()
    return {**config, "run_name": name, "metadata": {**config.get("metadata", {}), **metadata}}


async def say(run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig, step: str, **told: str) -> None:
    """Tell callbacks, as a custom event, what is being done."""
    if run_manager.handlers:
        await adispatch_custom_event(PROGRESS_EVENT, {"step": step, **told}, config=below(config, run_manager))
