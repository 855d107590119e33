"""The catalogue as names lead to it: what is offered, what is known and not offered, and the existing backend's ids.

The entries themselves are in ``schemas/methods``, one file each.
"""

from __future__ import annotations

from ..schemas.methods import CATALOGUE, CATALOGUE_VERSION, CatalogueEntry

__all__ = ["CATALOGUE", "CATALOGUE_VERSION", "NOT_OFFERED", "CatalogueEntry", "resolve_method"]

NOT_OFFERED: dict[str, str] = {
    "pategan": "discards the caller's delta, and some teacher queries bypass its privacy accountant",
    "dpgan": "samples without Poisson sampling and fits its encoder on the raw data, so its epsilon does not hold",
    "argn_histories": (
        "mostlyai-engine's sequential mode: at 100 to 1,000 patients hardly better than rows dealt at random, and its "
        "value protection counts rows (measured)"
    ),
    "dpmm": (
        "its MST and AIM pin pandas 2.1 and took minutes, its AIM ended on 4 of 15 tables (measured); dp_mst and "
        "dp_aim are ours over mbi"
    ),
    "privbayes": "with one parent a column it is a tree as that of dp_mst, and noisier (judgement)",
    "aim": "synthcity's variant takes its domain from the raw data, so its epsilon does not hold; dp_aim is offered",
}
"""Known, to the existing backend or to us, and why we do not offer it (read in their code, or measured)."""

_BY_BACKEND_ID = {entry.backend_id or method: method for method, entry in CATALOGUE.items()}


def resolve_method(name: str) -> str | None:
    """Our id for ``name``, which may be the existing backend's id; None where nothing is known by that name."""
    name = name.strip()
    if name in CATALOGUE or name in NOT_OFFERED:
        return name
    return _BY_BACKEND_ID.get(name)
