"""A folder that holds a fitted model: as sensitive as the table it was fitted to, and opened only where it was made.

``model.pickle`` is the library's model, ``recipe.pickle`` what turns its rows into a table, ``card.json`` the run card,
``manifest.json`` the checksums and versions, ``signature`` the manifest's HMAC-SHA256 with a key that lies in the
user's own configuration. Whoever unpickles runs what is in the file: a folder that somebody else made is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pickle
import secrets
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...schemas.env_files import user_file
from ...schemas.errors import SettingsError
from ..running.files import write_atomically
from ..running.run_card import RunCard
from ..running.run_plan import Recipe, Synthesis

__all__ = ["KeptModel", "check_model_folder", "open_model", "write_model"]

_MODEL, _RECIPE, _CARD = "model.pickle", "recipe.pickle", "card.json"
_FILES = (_MODEL, _RECIPE, _CARD)
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A model that may be drawn from."""

    model: Path
    recipe: Recipe
    form: Any
    """How cells are written, as the caller gave it to ``write_model``."""
    card: RunCard
    versions: dict[str, str]


def check_model_folder(folder: Path, *, force: bool = False) -> None:
    """Refuse a folder that holds something, before any work is done.

    Raises:
        SettingsError: It is there and not empty, and ``force`` was not given; or it is no folder of a model.
    """
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    if names - {*_FILES, "manifest.json", "signature"}:
        raise SettingsError(f"{folder} holds other things than a model")
    if names and not force:
        raise SettingsError(f"{folder} holds a model already: --force replaces it")


def write_model(folder: Path, model: Path, made: Synthesis, form: Any = None) -> None:
    """Keep the model in the file ``model`` with what it takes to draw from it.

    Args:
        folder: Where; made if it is not there.
        model: The fitted model's file.
        made: The synthesis, with its recipe.
        form: How cells are written; anything that can be pickled.

    Raises:
        SettingsError: The folder cannot be written.
    """
    assert made.recipe is not None
    recipe, card = made.recipe, made.card.model_dump_json(indent=2)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The signature goes first and comes last: a folder that is half written is refused.
        (folder / "signature").unlink(missing_ok=True)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}") from None
    write_atomically(folder / _MODEL, lambda path: shutil.copyfile(model, path))
    write_atomically(folder / _RECIPE, lambda path: path.write_bytes(pickle.dumps((recipe, form))))
    write_atomically(folder / _CARD, lambda path: path.write_text(card, encoding="utf-8"))
    manifest = {
        "format": _FORMAT,
        "package": version("clinical-model-selector"),
        "method": made.card.method,
        "versions": made.card.versions,
        "sha256": {name: _digest(folder / name) for name in _FILES},
    }
    text = json.dumps(manifest, indent=2, sort_keys=True)
    write_atomically(folder / "manifest.json", lambda path: path.write_text(text, encoding="utf-8"))
    signature = _sign(text, _key(make=True))
    write_atomically(folder / "signature", lambda path: path.write_text(signature, encoding="ascii"))
    for path in folder.iterdir():
        path.chmod(0o600)


def open_model(folder: Path) -> KeptModel:
    """The model that lies in ``folder``.

    Raises:
        SettingsError: There is none, it was not made with this user's key, was changed, or by another version.
    """
    try:
        text = (folder / "manifest.json").read_text(encoding="utf-8")
        signature = (folder / "signature").read_text(encoding="ascii")
        manifest: dict[str, Any] = json.loads(text)
    except (OSError, ValueError):
        raise SettingsError(f"{folder} holds no whole model") from None
    if not hmac.compare_digest(signature, _sign(text, _key(make=False))):
        raise SettingsError(
            f"{folder} was not kept by this user on this machine, and opening a model runs what is in it: refused"
        )
    if manifest.get("format") != _FORMAT or manifest.get("package") != version("clinical-model-selector"):
        raise SettingsError(f"{folder} was kept by version {manifest.get('package')}: use that one, or fit anew")
    changed = [name for name in _FILES if not _is_unchanged(folder / name, manifest["sha256"][name])]
    if changed:
        raise SettingsError(f"{folder}: {', '.join(changed)} was changed since it was kept: refused")
    recipe, form = pickle.loads((folder / _RECIPE).read_bytes())
    card = RunCard.model_validate_json((folder / _CARD).read_bytes())
    return KeptModel(folder / _MODEL, recipe, form, card, dict(manifest["versions"]))


def _is_unchanged(path: Path, digest: str) -> bool:
    return path.is_file() and hmac.compare_digest(_digest(path), digest)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sign(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _key(*, make: bool) -> bytes:
    """The user's own key; without one nothing can have been signed here."""
    path = user_file().with_name("model-key")
    try:
        if make and not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                stream.write(secrets.token_bytes(32))
        return path.read_bytes()
    except FileNotFoundError:
        return secrets.token_bytes(32)
    except OSError as error:
        raise SettingsError(f"{path} cannot be used: {error.strerror}") from None
