"""What is kept of a job, each part in a file of its folder."""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

__all__ = ["FINISHED", "Job", "JobKind", "JobState", "State", "new_job_id", "write_whole"]

JobKind = Literal["auto", "synthesize", "evaluate", "tune"]
State = Literal["queued", "running", "succeeded", "failed"]
FINISHED: tuple[State, ...] = ("succeeded", "failed")


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class JobState(_Record):
    """How far a job is; written by whoever holds its lock."""

    state: State = "queued"
    attempts: int = 0
    """Times that it was begun."""
    started: float | None = None
    """Seconds since 1970, as all times here."""
    finished: float | None = None
    problem: dict[str, Any] | None = None
    """Of a failed one: type, detail and tree of the error."""


class Job(_Record):
    """One job: who wants what, written once.

    Attributes:
        folder: Where its files lie; not part of the record.
    """

    id: str
    owner: str
    """The name of the key that made it."""
    kind: JobKind
    created: float
    options: dict[str, Any]
    folder: Path = Field(exclude=True, default=Path())

    @classmethod
    def read(cls, folder: Path) -> Job | None:
        """The job in ``folder``; None where there is none, or it has just been removed."""
        try:
            return cls.model_validate({**json.loads((folder / "job.json").read_bytes()), "folder": folder})
        except (OSError, ValueError):
            return None

    @property
    def table(self) -> Path:
        """The uploaded table."""
        return self.folder / "upload"

    @property
    def results(self) -> Path:
        """What it made."""
        return self.folder / "results"

    @property
    def events(self) -> Path:
        """What it said, one JSON object a line."""
        return self.folder / "events.jsonl"

    @property
    def is_cancelled(self) -> bool:
        """Nobody wants it any more: it is removed as soon as it can be."""
        return (self.folder / "cancel").exists()

    def state(self) -> JobState:
        """How far it is."""
        try:
            return JobState.model_validate_json((self.folder / "state.json").read_bytes())
        except (OSError, ValidationError):
            return JobState()

    def write_state(self, state: JobState) -> None:
        """Say how far it is."""
        write_whole(self.folder / "state.json", state.model_dump_json())

    def last_event(self) -> dict[str, Any]:
        """What it said last; empty where it has said nothing."""
        try:
            with self.events.open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
                lines = file.read().splitlines()
            return dict(json.loads(lines[-1])) if lines else {}
        except (OSError, ValueError):
            return {}


def new_job_id() -> str:
    """An id that sorts by time and cannot be guessed."""
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(10)}"


def write_whole(path: Path, text: str) -> None:
    """Write so that whoever reads, and whoever comes after a crash, finds the old text or the new."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
