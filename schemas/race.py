"""What a race of candidates on the user's own table found."""

from __future__ import annotations

from typing import Any, Literal

from .base import Frozen

__all__ = ["RaceEntry", "RaceReport"]


class RaceEntry(Frozen):
    """One configuration that was in the race."""

    label: str
    """Method and level of caution, such as ``cart~0.25``."""
    method: str
    hyperparameters: dict[str, Any]
    proposed: bool
    """Named by the plan that the race started from."""
    expected_score: float
    """By measurements on other tables, before it was fitted here."""
    score: float | None
    """Expectation and fits together; None where it was never measured or failed."""
    error: float | None
    """Standard error of its distance to the leader."""
    fits: int
    fidelity: float | None = None
    """Mean over its fits, like the next two: independent columns 0, held-out real rows 1."""
    utility: float | None = None
    privacy: float | None = None
    """1 - risk; a copy of the rows has 0."""
    cpu_seconds: float = 0.0
    note: str = ""
    """Why it left the race; empty for who stayed."""


class RaceReport(Frozen):
    """All that was tried, best first, and how it ended."""

    ended: Literal["clear", "equal", "splits", "budget", "interrupted", "not raced"]
    splits: int
    cpu_seconds: float
    """Of all fits and scores, interpreters' starts estimated."""
    max_seconds: float
    entries: tuple[RaceEntry, ...]
    equals: tuple[str, ...] = ()
    """Labels that cannot be told from the leader."""
    about_proposal: str = ""
    """Whether the plan that the race started from was right."""

    @property
    def sentence(self) -> str:
        """How it ended, in words."""
        if self.ended == "not raced":
            return self.about_proposal
        endings = {
            "clear": "the best is clear",
            "equal": "the best are equal within error",
            "splits": "more splits would not separate the rest",
            "budget": "the time was spent",
            "interrupted": "it was interrupted",
        }
        fits = sum(entry.fits for entry in self.entries)
        return f"{fits} fits on {self.splits} splits of this table, {self.cpu_seconds:.0f} CPU s: {endings[self.ended]}"
