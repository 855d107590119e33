"""Where requests' bodies arrive and stay until they are answered: counted, shared out, and gone whatever happens."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Request

from ...schemas.base import Frozen
from ...schemas.settings import Settings
from ...synthesizers.running.held_folders import HeldFolder, sweep_folders
from .admission.shares import Caller, Shares
from .models import parse
from .problem_details import TooLarge
from .request_body import FILE_FIELD, in_turn, read_form, read_json

__all__ = ["UPLOAD_FOLDER", "Intake"]

UPLOAD_FOLDER = "clinical-model-selector-uploads-"
"""How the name of a service's folder of uploads begins, in the system's temporary directory."""

TABLE_ONLY: Mapping[str, bool] = {FILE_FIELD: True}


class Intake:
    """Bodies of requests.

    Args:
        settings: Limits of size, time and number.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._arriving = Shares(settings.service_max_waiting, "requests that are still being sent")
        self._bytes = Shares(settings.service_max_spool_mb << 20, "bytes of tables and requests")
        self._spool: HeldFolder | None = None

    def sweep(self) -> None:
        """Remove what services that were killed left behind."""
        sweep_folders(UPLOAD_FOLDER)

    def close(self) -> None:
        """Remove every upload."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    @asynccontextmanager
    async def json(self, request: Request, caller: Caller, model: type[Frozen]) -> AsyncIterator[Any]:
        """The body as ``model``.

        Raises:
            RequestRefused: It cannot be taken.
        """
        size = 0

        def count(amount: int) -> None:
            nonlocal size
            meter(amount)
            size += amount

        with self._metered(caller) as meter:
            with self._arriving.hold(caller):
                value = await read_json(request, self._settings, count)
            self._check_columns(value)
            yield await in_turn(size, partial(parse, model, value))

    @asynccontextmanager
    async def form(
        self,
        request: Request,
        caller: Caller,
        model: type[Frozen],
        files: Mapping[str, bool] = TABLE_ONLY,
        parent: Path | None = None,
    ) -> AsyncIterator[tuple[Path, Any]]:
        """A folder with the form's files, gone at the end, and its fields as ``model``.

        Args:
            request: The request.
            caller: Who is asking.
            model: What the fields are.
            files: Field → whether a file must come in it.
            parent: Where the folder is made; among the uploads by default.

        Raises:
            RequestRefused: It cannot be taken.
        """
        with self._metered(caller) as meter, self._folder(parent) as folder:
            with self._arriving.hold(caller):
                fields = await read_form(request, folder, self._settings, meter, files)
            yield folder, parse(model, fields)

    @contextmanager
    def _metered(self, caller: Caller) -> Iterator[Callable[[int], None]]:
        """Counts bytes until the request is answered."""
        taken = 0

        def take(amount: int) -> None:
            nonlocal taken
            self._bytes.take(caller, amount)
            taken += amount

        try:
            yield take
        finally:
            self._bytes.give_back(caller, taken)

    @contextmanager
    def _folder(self, parent: Path | None) -> Iterator[Path]:
        if parent is None:
            self._spool = self._spool or HeldFolder(UPLOAD_FOLDER)
            parent = self._spool.path
        with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def _check_columns(self, value: object) -> None:
        """Before each of them is looked at."""
        profile = value.get("profile") if isinstance(value, dict) else None
        columns = profile.get("columns") if isinstance(profile, dict) else None
        if isinstance(columns, list) and len(columns) > self._settings.service_max_columns:
            raise TooLarge(f"the profile has more than {self._settings.service_max_columns} columns")
