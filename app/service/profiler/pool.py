"""Profiles uploads in processes of their own, a few at a time, each within limits of time and memory."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from ....schemas.errors import SettingsError, TableError
from ....schemas.profile import Kind, TableProfile
from ....schemas.settings import Settings
from ..admission.shares import Caller, Turns
from ..problem_details import TooLarge
from .upload_check import UploadLimits

__all__ = ["ProfilePool"]

_MEMORY = 4 << 30
"""Address space of one worker, besides what an upload may unpack to."""
_MAX_ANSWER = 64 << 20


class ProfilePool:
    """Worker processes, started when first needed and kept; one that fails is replaced.

    Args:
        settings: Number of workers, time and size limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = UploadLimits.of(settings)
        self._turns = Turns(settings.service_profile_workers)
        self._idle: list[asyncio.subprocess.Process] = []
        self._all: set[asyncio.subprocess.Process] = set()

    async def profile(
        self, folder: Path, caller: Caller, *, target: str | None, patient_id: str | None, kinds: Mapping[str, Kind]
    ) -> TableProfile:
        """The profile of ``folder / "file"``.

        Raises:
            TableError: The table cannot be profiled, or a named column is not in it.
            SettingsError: A kind cannot be used.
            TooLarge: A limit of size, memory or time was reached.
        """
        task = {
            "folder": str(folder),
            "memory_bytes": _MEMORY + self._limits.unpacked_bytes,
            "limits": self._limits._asdict(),
            "target": target,
            "patient_id": patient_id,
            "kinds": dict(kinds),
        }
        async with self._turns.turn(caller):
            answer = await self._ask(json.dumps(task).encode() + b"\n")
        detail = answer.get("detail", "")
        match answer.get("error"):
            case None:
                return TableProfile.model_validate_json(answer["profile"])
            case "table":
                raise TableError(detail)
            case "settings":
                raise SettingsError(detail)
            case _:
                raise TooLarge(detail)

    async def close(self) -> None:
        """End the workers."""
        self._idle.clear()
        for worker in list(self._all):
            await self._end(worker)

    async def _ask(self, task: bytes) -> dict[str, str]:
        worker = self._idle.pop() if self._idle else await self._start()
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(task)
            async with asyncio.timeout(self._settings.service_profile_timeout_s):
                await worker.stdin.drain()
                line = await worker.stdout.readline()
            answer: dict[str, str] = json.loads(line)
        except TimeoutError:
            await self._end(worker)
            raise TooLarge("profiling the table takes longer than SERVICE_PROFILE_TIMEOUT_S allows") from None
        except (ValueError, ConnectionError):
            # The worker died of this table: out of memory, or the engine crashed.
            await self._end(worker)
            raise TableError(
                "upload: the profiler stopped on this table; it may need more memory than allowed"
            ) from None
        except BaseException:
            await self._end(worker)
            raise
        self._idle.append(worker)
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        worker = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            f"{__package__}.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
            limit=_MAX_ANSWER,
        )
        self._all.add(worker)
        return worker

    async def _end(self, worker: asyncio.subprocess.Process) -> None:
        self._all.discard(worker)
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
