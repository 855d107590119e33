"""The files that settings are read from, and what one that somebody else may have written is not believed.

``.env`` lies in the folder that a command is run in, which may be one that was handed over. It may set what it likes
for itself, but it must not send a key of ours to an address of its own, nor name a folder that programs are run from.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dotenv import dotenv_values

from .errors import SettingsError

__all__ = ["CHECKED", "FOLDER_FILE", "check_foreign", "plain_surroundings", "read_env_file", "user_file"]

FOLDER_FILE = ".env"
"""In the folder that the program is run in: whoever made the folder wrote it."""

_LOGGER = logging.getLogger("clinical_model_selector.settings")

_KEPT_TOGETHER = (
    ("OPENROUTER_API_KEY", "OPENROUTER_BASE"),
    ("LANGSMITH_API_KEY", "LANGSMITH_ENDPOINT"),
    ("LANGCHAIN_API_KEY", "LANGCHAIN_ENDPOINT"),
    ("LANGSMITH_API_KEY", "LANGCHAIN_ENDPOINT"),
    ("LANGCHAIN_API_KEY", "LANGSMITH_ENDPOINT"),
)
"""A key, and the address that it is sent to."""

_LEAD_TO_CODE = ("SELECTOR_ENVIRONMENTS",)

CHECKED = ("OPENROUTER_BASE", *_LEAD_TO_CODE)
"""Settings whose defaults ``check_foreign`` needs."""

_said: set[Path] = set()


_SURROUNDINGS = ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_hiding = threading.Lock()


@contextmanager
def plain_surroundings() -> Iterator[None]:
    """Without the variables that tell an HTTP client of proxies and certificates; they are back afterwards.

    For the import of a library that makes a client while it is imported, and dies of a variable that no request of ours
    would have read.
    """
    with _hiding:
        names = [name for name in os.environ if name.upper() in _SURROUNDINGS]
        hidden = {name: os.environ.pop(name) for name in names}
        try:
            yield
        finally:
            os.environ.update(hidden)


def user_file() -> Path:
    """The user's own configuration: ``clinical-model-selector/settings.env`` below ``$XDG_CONFIG_HOME``."""
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(base) / "clinical-model-selector" / "settings.env"


def read_env_file(path: str | Path | None) -> dict[str, str]:
    """The variables of a file, names in capitals, none that is empty; nothing of what is no regular file.

    Raises:
        SettingsError: It is no text in UTF-8.
    """
    if path is None or not Path(path).is_file():
        return {}
    try:
        values = dotenv_values(path, encoding="utf-8", interpolate=False)
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: settings are read as UTF-8, and this is not") from None
    return {name.upper(): value for name, value in values.items() if value}


def check_foreign(folder_file: str | Path | None, given: Mapping[str, object], defaults: Mapping[str, str]) -> None:
    """Refuse a folder's file that reaches for a key or for code, and say, once, that a file was read.

    Args:
        folder_file: The folder's file.
        given: Settings that code gave, by their names in capitals.
        defaults: Defaults of settings; a file that repeats one changes nothing.

    Raises:
        SettingsError: Names the variable and where it may be set instead.
    """
    told = read_env_file(folder_file)
    if not told or folder_file is None:
        return
    _say_once(Path(folder_file))
    own = {name.upper() for name, value in os.environ.items() if value} | set(read_env_file(user_file()))
    own |= {name for name, value in given.items() if value}
    foreign = {name for name, value in told.items() if name not in own and value != defaults.get(name)}
    for key, address in _KEPT_TOGETHER:
        if address in foreign and key in own:
            raise SettingsError(
                f"{address} comes from {folder_file} and {key} does not: a key is never sent to an address that a "
                f"folder names. Set {address} in the environment or in {user_file()}"
            )
    for name in _LEAD_TO_CODE:
        if name in foreign:
            raise SettingsError(
                f"{name} comes from {folder_file}, and programs are run from there: set it in the environment or in "
                f"{user_file()}"
            )


def _say_once(path: Path) -> None:
    whole = path.absolute()
    if whole not in _said:
        _said.add(whole)
        _LOGGER.info("settings are read from %s", path)
