"""A service as a process of its own, and what of it is left."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import psutil

from .programs import command, environment, wait_until


class Served(NamedTuple):
    """A running service."""

    process: subprocess.Popen[bytes]
    origin: str
    log: Path


@contextmanager
def serving(folder: Path, **variables: str) -> Iterator[Served]:
    """``serve`` in ``folder``; killed at the end if it still runs."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
    origin, log = f"http://127.0.0.1:{port}", folder / "serve.log"
    settings = {"SELECTOR_EMBEDDED": "only", "SERVICE_JOB_WORKERS": "0", **variables}
    with (
        log.open("ab") as out,
        subprocess.Popen(
            command("serve", "--port", str(port)), cwd=folder, env=environment(folder, **settings), stderr=out
        ) as process,
    ):
        try:
            wait_until(lambda: process.poll() is not None or _answers(origin), "the service did not start")
            assert process.poll() is None, log.read_text()
            yield Served(process, origin, log)
        finally:
            process.kill()


def _answers(origin: str) -> bool:
    try:
        return httpx.get(f"{origin}/healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def children(served: Served) -> list[psutil.Process]:
    """All its descendants."""
    return list(psutil.Process(served.process.pid).children(recursive=True))


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def rows_left(folder: Path, mark: bytes) -> list[Path]:
    """Files below ``folder`` that hold ``mark``."""
    left = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and mark in path.read_bytes():
                left.append(path)
        except OSError:
            continue
    return left
