"""Digests that say when two questions are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from langchain_core.messages import BaseMessage

from ..schemas.plan import ModelSelectionPlan
from ..schemas.question import Question
from ..schemas.settings import Settings
from ..synthesizers.catalogue import CATALOGUE_VERSION
from .prompt import PROMPT_VERSION

__all__ = ["digest", "fingerprint", "versions"]


_NOT_ASKED = ("goal", "instructions", "provider", "model", "evidence_policy")
"""Options that the messages or the providers already say, or that act on an answer afterwards."""


def digest(*parts: object) -> str:
    """SHA-256 over ``parts`` as JSON, in hex."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint(
    question: Question, messages: list[BaseMessage], settings: Settings, chain: Sequence[Sequence[str]]
) -> str:
    """Digest of all that decides an answer.

    Args:
        question: Its constraints count; its profile does through the messages.
        messages: As rendered.
        settings: Temperature and token limit.
        chain: What identifies each provider that may answer, in order.
    """
    return digest(
        [(message.type, message.content) for message in messages],
        question.constraints.model_dump(mode="json", exclude={*_NOT_ASKED}),
        [list(link) for link in chain],
        settings.selector_temperature,
        settings.selector_max_tokens,
        versions(),
    )


@cache
def versions() -> dict[str, str]:
    """Versions of package, prompt, catalogue and plan schema."""
    try:
        package = version("clinical-model-selector")
    except PackageNotFoundError:
        package = "unknown"
    return {
        "package": package,
        "prompt": PROMPT_VERSION,
        "catalogue": CATALOGUE_VERSION,
        "schema": digest(ModelSelectionPlan.model_json_schema())[:12],
    }
