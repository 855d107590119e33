"""The folder of all jobs, which only the service's own user can read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...schemas.errors import SettingsError
from ...schemas.settings import Settings
from ...synthesizers.running.held_folders import HeldFolder, sweep_folders
from ...synthesizers.running.locks import hold, open_own, try_lock
from ..service.problem_details import Conflict, Overloaded, ShareUsedUp
from .queue import is_job_id
from .records import FINISHED, Job, JobKind, new_job_id, write_whole

__all__ = ["JobStore"]

_INCOMING = "incoming-"
_LOCK = "owner"


class JobStore:
    """Jobs by id; the files are the truth, whoever was killed when.

    Args:
        settings: SERVICE_DATA and what may be kept.

    Raises:
        SettingsError: The folder cannot be used, or is not this user's own.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.root = settings.service_folder
        self._jobs = self.root / "jobs"
        self._keys = self.root / "idempotency"
        for folder in (self.root, self._jobs, self._keys):
            _make_private(folder)
        self._incoming: HeldFolder | None = None

    def incoming(self) -> Path:
        """Where this service's uploads arrive, on the disk that jobs lie on."""
        if self._incoming is None:
            sweep_folders(_INCOMING, self.root)
            self._incoming = HeldFolder(_INCOMING, self.root)
        return self._incoming.path

    def close(self) -> None:
        """Remove uploads that have not become jobs."""
        if self._incoming is not None:
            self._incoming.close()
            self._incoming = None

    def create(
        self, owner: str, kind: JobKind, options: dict[str, Any], upload: Path, idempotency_key: str | None
    ) -> tuple[Job, bool]:
        """Make a job of the files in ``upload``, and whether it is new: the same key and request give the same job.

        Raises:
            Conflict: The key came before with another request.
            ShareUsedUp: The owner has as many jobs as it leaves room for others.
            Overloaded: No more jobs are kept, or the disk is nearly full.
        """
        digest = _digest(kind, options, upload) if idempotency_key is not None else ""
        with hold(self.root / "jobs.lock"):
            claim = self._keys / hashlib.sha256(f"{owner}\0{idempotency_key}".encode()).hexdigest()
            if idempotency_key is not None:
                before = self._claimed(claim, digest)
                if before is not None:
                    return before, False
            self._check_room(owner)
            job = Job(id=new_job_id(), owner=owner, kind=kind, created=time.time(), options=options, folder=upload)
            (upload / _LOCK).touch(0o600)
            write_whole(upload / "job.json", job.model_dump_json())
            folder = self._jobs / job.id
            upload.rename(folder)
            if idempotency_key is not None:
                write_whole(claim, json.dumps({"job": job.id, "digest": digest}))
        return job.model_copy(update={"folder": folder}), True

    def find(self, job_id: str, owner: str) -> Job | None:
        """The owner's job; None where it is gone, cancelled or somebody else's."""
        job = Job.read(self._jobs / job_id) if is_job_id(job_id) else None
        return job if job is not None and job.owner == owner and not job.is_cancelled else None

    def all(self) -> Iterator[Job]:
        """Every job, newest first."""
        for name in sorted(os.listdir(self._jobs), reverse=True):
            job = Job.read(self._jobs / name) if is_job_id(name) else None
            if job is not None:
                yield job

    def listed(self, owner: str, before: str | None, most: int) -> list[Job]:
        """The owner's jobs, newest first, from behind the one called ``before``."""
        wanted: list[Job] = []
        for job in self.all():
            if len(wanted) == most:
                break
            if job.owner == owner and not job.is_cancelled and (before is None or job.id < before):
                wanted.append(job)
        return wanted

    def cancel(self, job: Job) -> None:
        """Stop the job and remove all of it: at once where nobody works on it, else its worker does."""
        try:
            (job.folder / "cancel").touch(0o600)
        except FileNotFoundError:
            return
        self._remove_if_free(job)

    def lock(self, job: Job) -> int | None:
        """A descriptor that holds the job's lock until it is closed; None where somebody has it."""
        try:
            descriptor = open_own(job.folder / _LOCK)
        except OSError:
            return None
        if try_lock(descriptor) and job.folder.exists():
            return descriptor
        os.close(descriptor)
        return None

    def next(self) -> tuple[Job, int] | None:
        """The job to be carried out next, and its lock.

        Owners take turns: first whoever has the fewest under way, then whose last one began the longest ago.
        """
        waiting: list[Job] = []
        running: Counter[str] = Counter()
        last_begun: dict[str, float] = {}
        for job in self.all():
            state = job.state()
            last_begun[job.owner] = max(last_begun.get(job.owner, 0.0), state.started or 0.0)
            if state.state == "running" and not self._is_free(job):
                running[job.owner] += 1
            elif state.state not in FINISHED and not job.is_cancelled:
                waiting.append(job)
        waiting.sort(key=lambda job: (running[job.owner], last_begun[job.owner], job.id))
        for job in waiting:
            lock = self.lock(job)
            if lock is None:
                continue
            if job.state().state not in FINISHED:
                return job, lock
            os.close(lock)
        return None

    def tidy(self) -> None:
        """Remove what was cancelled and what has been kept long enough, and uploads of services that were killed.

        A job that nobody has carried out in that time, and the time that it may take, goes too.
        """
        sweep_folders(_INCOMING, self.root)
        kept = self._settings.service_job_keep_hours * 3600
        for job in self.all():
            finished = job.state().finished
            until = kept + (finished or job.created + self._settings.service_job_timeout_s)
            if time.time() > until or job.is_cancelled:
                self._remove_if_free(job)
        for claim in self._keys.iterdir():
            if time.time() - claim.lstat().st_mtime > kept * 2:
                claim.unlink(missing_ok=True)

    def _remove_if_free(self, job: Job) -> None:
        lock = self.lock(job)
        if lock is not None:
            shutil.rmtree(job.folder, ignore_errors=True)
            os.close(lock)

    def _is_free(self, job: Job) -> bool:
        lock = self.lock(job)
        if lock is not None:
            os.close(lock)
        return lock is not None

    def _claimed(self, claim: Path, digest: str) -> Job | None:
        try:
            before = json.loads(claim.read_bytes())
        except (OSError, ValueError):
            return None
        job = Job.read(self._jobs / str(before["job"]))
        if job is None or job.is_cancelled:
            return None
        if before["digest"] != digest:
            raise Conflict("this Idempotency-Key came before with another request")
        return job

    def _check_room(self, owner: str) -> None:
        owners = [job.owner for job in self.all() if not job.is_cancelled]
        free = self._settings.service_max_jobs - len(owners)
        if free <= 0:
            raise Overloaded("too many jobs are kept; those that are done can be removed with DELETE")
        if owners.count(owner) + 1 > free:
            raise ShareUsedUp("too many jobs of this key are kept; the rest is for others")
        if shutil.disk_usage(self.root).free < self._settings.service_job_disk_mb << 20:
            raise Overloaded("the disk of SERVICE_DATA has no room for another job")


def _digest(kind: str, options: dict[str, Any], upload: Path) -> str:
    """Of all that makes a request what it is."""
    total = hashlib.sha256(json.dumps([kind, options], sort_keys=True).encode())
    for path in sorted(upload.iterdir()):
        with path.open("rb") as file:
            total.update(f"\0{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}".encode())
    return total.hexdigest()


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise SettingsError(f"SERVICE_DATA: {folder} cannot be made: {error.strerror}") from None
    if os.name != "posix":
        return
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise SettingsError(f"SERVICE_DATA: {folder} is not a folder of the service's own user")
    if status.st_mode & 0o077:
        # Made by somebody's mkdir, or a volume: tables will lie in it.
        folder.chmod(0o700)
