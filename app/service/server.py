"""``serve``: the service on its own, with its logs and an orderly end."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path

import typer

from ...schemas.errors import MissingExtra, SelectorError, SettingsError
from ...schemas.settings import Settings

__all__ = ["print_new_key", "read_or_make_key", "run_service", "run_worker_process"]

_FILE_KEY = "file"
"""The name that the key of --key-file is logged and counted under."""
_SHORTEST_KEY = 32


def print_new_key(name: str) -> None:
    """Make a key: the key itself once, and the line to keep.

    Raises:
        SettingsError: The name cannot stand in SERVICE_KEYS.
    """
    from .admission.auth import hash_key, new_key

    key = new_key()
    line = f"{name}={hash_key(key)}"
    try:
        Settings(service_keys=line)
    except SettingsError:
        raise SettingsError("--new-key: a name has letters, digits, dot, dash and underscore, 64 at most") from None
    sys.stderr.write("The key, shown this once; callers send it as `Authorization: Bearer KEY`:\n")
    sys.stdout.write(f"{key}\n")
    sys.stderr.write(f"Add to SERVICE_KEYS (comma-separated), which holds its hash alone:\n{line}\n")


def read_or_make_key(path: Path) -> str:
    """The key in a file that only this user can read; made where there is none.

    Raises:
        SettingsError: The file cannot be made or read, others can read it, or there is no key in it.
    """
    from .admission.auth import new_key

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise SettingsError(f"--key-file: {path} cannot be made: {error.strerror}") from None
    else:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_key() + "\n")
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"--key-file: others can read {path}: chmod 600 it")
        key = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise SettingsError(f"--key-file: {path} cannot be read") from None
    if len(key) < _SHORTEST_KEY:
        raise SettingsError(f"--key-file: {path} holds no key of {_SHORTEST_KEY} characters or more")
    return key


def run_service(host: str, port: int, key_file: Path | None = None) -> None:
    """Serve until told to stop; then take no more requests and finish those that run.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        key_file: File with a key that opens besides SERVICE_KEYS; made where it is not there.

    Raises:
        SettingsError: Others could reach the address, and no key is set; or the key's file cannot be used.
        MissingExtra: The service's libraries are not installed.
    """
    try:
        from ..jobs.worker_processes import WorkerProcesses
        from .admission.auth import hash_key
        from .admission.origin_rules import LOOPBACK
        from .lifecycle import make_server
        from .logs import LOGGER, configure_logging, describe_settings
        from .routes import create_app
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("clinical_model_selector"):
            raise
        raise MissingExtra("serve", "service") from None
    from ...agents import ClinicalModelSelector

    settings = Settings()
    if key_file is not None:
        line = f"{_FILE_KEY}={hash_key(read_or_make_key(key_file))}"
        settings = settings.updated(service_keys=",".join(filter(None, (settings.service_keys, line))))
    if host not in LOOPBACK and not settings.service_key_hashes:
        raise SettingsError(
            f"--host {host} can be reached from other machines, and no key is set: make one with "
            "`clinical-model-selector serve --new-key NAME` and put its line into SERVICE_KEYS"
        )
    configure_logging(settings.service_log_level)
    LOGGER.info("settings", host=host, port=port, **describe_settings(settings))
    app = create_app(ClinicalModelSelector(settings))
    _collect_seldom()
    server = make_server(app, host, port, settings)
    workers = WorkerProcesses(settings)
    workers.start()
    try:
        server.run()
    except SystemExit:
        # uvicorn's own exit code is 3, which here says that no provider could answer.
        raise SelectorError(
            f"cannot listen on {host}:{port}: the port is taken or may not be used; see --port"
        ) from None
    finally:
        workers.stop()
    if not server.started:
        raise typer.Exit(1)


def run_worker_process(with_parent: bool) -> None:
    """Carry out jobs until told to stop.

    Args:
        with_parent: Stop when stdin ends.

    Raises:
        MissingExtra: The service's libraries are not installed.
    """
    try:
        from ..jobs.worker import run_worker
        from .logs import configure_logging
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("clinical_model_selector"):
            raise
        raise MissingExtra("worker", "service") from None
    settings = Settings()
    configure_logging(settings.service_log_level)
    run_worker(settings, with_parent=with_parent)


def _collect_seldom() -> None:
    """Look for garbage in cycles seldom, and never among what is there at the start.

    By default it takes a fifth of the CPU time: a selection makes thousands of objects, and few that need it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
