"""Every error a caller may see.

    SelectorError
    ├── TableError                unreadable, empty, too small, no such column
    │   └── TableExposed          handed over as it is inside somebody else's traced run
    ├── SettingsError             a setting or a request field has a value we cannot use
    ├── ProvidersUnavailable      nobody could answer; holds every attempt
    ├── NoFeasibleSynthesizer     nothing fits table and constraints; holds each reason
    ├── SynthesisFailed           no synthesizer of the plan could be run; holds each failure
    └── MissingExtra              an optional library is not installed; names the command

No message holds a cell's value, a key, or a path other than the one the caller gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .result import Attempt

__all__ = [
    "MissingExtra",
    "NoFeasibleSynthesizer",
    "ProvidersUnavailable",
    "SelectorError",
    "SettingsError",
    "SynthesisFailed",
    "TableError",
    "TableExposed",
]


class SelectorError(Exception):
    """Base of all errors raised on purpose by this package."""


class TableError(SelectorError):
    """The table cannot be read or profiled, or a named column is not in it."""


class TableExposed(TableError):
    """A table came in as it is inside somebody else's traced run, whose input has been sent already."""


class SettingsError(SelectorError):
    """A setting or request field has a value that cannot be used.

    The message names the setting or field and what is accepted, never a secret.
    """


class ProvidersUnavailable(SelectorError):
    """No provider gave a plan that passed the check.

    Attributes:
        attempts: Every attempt in order, each with its provider, kind and message.
    """

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = tuple(attempts)
        causes = "; ".join(f"{a.provider} ({a.model or 'no model'}): {a.outcome}: {a.message}" for a in self.attempts)
        super().__init__(f"No provider could answer. {causes or 'None is configured.'}")


class NoFeasibleSynthesizer(SelectorError):
    """No plan can satisfy table and constraints.

    Attributes:
        reasons: Synthesizer id → why it cannot be used here.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        causes = (f"{name}: {why}" for name, why in self.reasons.items())
        super().__init__(" ".join(["No synthesizer is feasible.", *causes]))


class SynthesisFailed(SelectorError):
    """Neither the choice nor a backup of a plan could be run.

    Attributes:
        failures: Method id → what became of it, in the order tried.
    """

    def __init__(self, failures: Mapping[str, str]) -> None:
        self.failures = dict(failures)
        parts = (f"{method}: {why}" for method, why in self.failures.items())
        super().__init__(" ".join(["No synthesizer of the plan could be run.", *parts]))


class MissingExtra(SelectorError):
    """An optional library is needed and not installed."""

    def __init__(self, needed_for: str, extra: str, command: str | None = None) -> None:
        self.extra = extra
        self.command = command or f"pip install 'clinical-model-selector[{extra}]'"
        super().__init__(f"{needed_for} needs an optional library: {self.command}")
