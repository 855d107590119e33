"""Exit codes, and a last resort for what nobody foresaw."""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

from ...schemas.errors import NoFeasibleSynthesizer, ProvidersUnavailable, SelectorError, SettingsError, TableError

__all__ = ["FAILED", "NOBODY_ANSWERS", "NOT_RELEASED", "error_lines", "exit_code", "install_quiet_excepthook"]

FAILED = 1
NOBODY_ANSWERS = 3
NOT_RELEASED = 5
"""Made or judged and refused, or not shown to be safe to release; what was made is written all the same."""

_EXIT_CODES: dict[type[SelectorError], int] = {
    TableError: 2,
    SettingsError: 2,
    ProvidersUnavailable: NOBODY_ANSWERS,
    NoFeasibleSynthesizer: 4,
}


def exit_code(error: SelectorError) -> int:
    """0 done, 1 failed at work, 2 wrong use or bad input, 3 no provider could answer, 4 nothing feasible."""
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), FAILED)


def error_lines(error: SelectorError) -> list[str]:
    """The message; reasons and attempts, of which there may be a dozen, on lines of their own."""
    details: list[str] = []
    if isinstance(error, NoFeasibleSynthesizer):
        details = [f"{method}: {reason}" for method, reason in error.reasons.items()]
    elif isinstance(error, ProvidersUnavailable):
        details = [f"{a.provider} ({a.model or 'no model'}): {a.outcome}: {a.message}" for a in error.attempts]
    head = str(error).partition(details[0])[0].rstrip() if details else str(error)
    return [head, *details]


def install_quiet_excepthook() -> None:
    """Report an unforeseen error by its type and place alone: its message or traceback might quote a cell."""
    sys.excepthook = _report


def _report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    frames = [(frame.f_globals.get("__name__", "?"), line) for frame, line in traceback.walk_tb(trace)]
    ours = [place for place in frames if place[0].startswith("clinical_model_selector.")]
    name, line = (ours or frames or [("?", 0)])[-1]
    print(f"error: unexpected {kind.__name__} in {name}, line {line}; this is a bug, please report it", file=sys.stderr)
