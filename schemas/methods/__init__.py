"""The synthesizers' entries, one file each, in folders by family; imports pydantic and the schemas beside it, no more.

A module in one of the family folders that holds an ``ENTRY`` is in the catalogue: plan, prompt, checks, recommender,
command line and adapters derive from it, and nothing else names it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from typing import TYPE_CHECKING, Literal

from .entry import CatalogueEntry, DPGuarantee, Sizing
from .hyperparameters import Default, Hyperparameters
from .table_shape import TableShape

__all__ = [
    "BACKEND_IDS",
    "CATALOGUE",
    "CATALOGUE_VERSION",
    "HYPERPARAMETERS",
    "CatalogueEntry",
    "DPGuarantee",
    "Default",
    "Hyperparameters",
    "Method",
    "Sizing",
    "TableShape",
]


def _discover() -> dict[str, CatalogueEntry]:
    """Every entry of the family folders, in the order they are shown."""
    families = [folder for folder in pkgutil.iter_modules(__path__, f"{__name__}.") if folder.ispkg]
    names = [
        module.name
        for family in families
        for module in pkgutil.iter_modules(importlib.import_module(family.name).__path__, f"{family.name}.")
    ]
    modules = [importlib.import_module(name) for name in names]
    entries: list[CatalogueEntry] = [module.ENTRY for module in modules if hasattr(module, "ENTRY")]
    return {entry.method: entry for entry in sorted(entries, key=lambda entry: (entry.order, entry.method))}


CATALOGUE: dict[str, CatalogueEntry] = _discover()
"""Method id → entry."""

HYPERPARAMETERS: dict[str, type[Hyperparameters]] = {
    method: entry.hyperparameters for method, entry in CATALOGUE.items()
}
"""Method id → its typed object."""

BACKEND_IDS: dict[str, str] = {method: entry.backend_id for method, entry in CATALOGUE.items() if entry.backend_id}
"""Our id → the existing backend's id; every other method keeps its own id there."""

if TYPE_CHECKING:
    Method = str
else:
    Method = Literal[tuple(CATALOGUE)]


def _digest() -> str:
    """Changes with every fact, range, default and size, so that nobody must remember to raise a number."""
    shapes = [TableShape(rows, 12, 6, 40, 20, 0, 0.1) for rows in (100, 1000, 20_000)]
    stated = [
        [
            entry.facts(),
            entry.hyperparameters.model_json_schema(),
            entry.hyperparameters.defaults(),
            [entry.size(Sizing(shape, 3600.0, 0.5, 1.0, entry.target_steps)) for shape in shapes],
        ]
        for entry in CATALOGUE.values()
    ]
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()[:12]


CATALOGUE_VERSION = _digest()
"""Part of every fingerprint: a plan kept from another catalogue is not used."""
