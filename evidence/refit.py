"""Fit a run card's synthesizer again, in this process: for audits, where a fit costs less than starting a process."""

from __future__ import annotations

from functools import partial
from typing import Any

import pandas as pd

from ..schemas.column_treatment import OutcomePart
from ..synthesizers.adapters import load_adapter
from ..synthesizers.catalogue import CATALOGUE
from ..synthesizers.encoding.apply_treatments import outcome_in
from ..synthesizers.encoding.table_encoding import Encoding
from ..synthesizers.running.run_card import RunCard
from .disclosure.audit import Refit

__all__ = ["CHEAP_SECONDS", "refit_of"]

CHEAP_SECONDS = 1.0
"""CPU seconds of a fit above which it is not repeated dozens of times."""


def refit_of(card: RunCard) -> Refit | None:
    """How to fit it again; None where that is dear, needs an own environment, or would spend a privacy budget."""
    entry = CATALOGUE[card.method]
    config = next((one for one in (card.plan.choice, *card.plan.backups) if one.method == card.method), None)
    dear = card.fit_cpu_seconds > CHEAP_SECONDS or entry.environment is not None
    if config is None or dear or entry.histories or entry.dp is not None:
        return None
    return partial(_refit, entry.adapter, entry.native_missing, config.knobs(), outcome_in(card.treatments))


def _refit(
    adapter: str, native: bool, knobs: dict[str, Any], outcome: dict[str, OutcomePart], rows: pd.DataFrame, seed: int
) -> pd.DataFrame:
    encoding = Encoding.of(rows, outcome=outcome)
    model = load_adapter(adapter)(encoding.describe(native_missing=native))
    model.fit(encoding.encode(rows, seed, native_missing=native), knobs, seed)
    return encoding.decode(model.sample(len(rows)))
