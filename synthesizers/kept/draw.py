"""Further rows of a kept model: as many as wanted, where asked only those that meet a condition, or balanced."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.base import count_of
from ...schemas.errors import SynthesisFailed, TableError
from ...schemas.methods import CATALOGUE, Hyperparameters
from ..encoding.restore_columns import restore_columns
from ..progress import Say, Step, say_nothing
from ..running.fit_process import FitFailed, FitLimits, draw_rows
from ..running.run_plan import Synthesis, rows_of
from ..sizing import START_SECONDS
from .model_folder import KeptModel

__all__ = ["sample_model"]

_MOST_DRAWS = 5
"""Times that rows are drawn until enough meet a condition."""
_MOST_ROWS = 500_000
"""Rows drawn in all."""

Take = Callable[[pd.DataFrame], pd.Series]
"""Drawn rows → which of them are taken."""


def sample_model(
    kept: KeptModel,
    *,
    rows: int | None = None,
    seed: int | None = None,
    where: Mapping[str, str] | None = None,
    balance: str | None = None,
    environments: Path,
    limits: FitLimits | None = None,
    say: Say | None = None,
) -> Synthesis:
    """Draw from a kept model; under differential privacy this spends no further budget.

    Args:
        kept: The model.
        rows: How many; by default as many as the real table has, the plan's multiplier and limit kept.
        seed: Makes the draw repeatable where the method is; by default other rows come each time.
        where: Column → value that each row must have. Rows that have another are drawn and thrown away.
        balance: A column whose levels shall be equally frequent, likewise.
        environments: Directory of the synthesizers' environments.
        limits: Time and memory of a draw.
        say: Told how many rows were drawn.

    Raises:
        TableError: A column is not among the modelled ones, or hardly any row meets the condition.
        MissingExtra: No interpreter here can run the method.
        SynthesisFailed: The draw failed.
    """
    card, recipe = kept.card, kept.recipe
    config = next(item for item in (card.plan.choice, *card.plan.backups) if item.method == card.method)
    tell = say or say_nothing
    wanted = rows or rows_of(card.plan, recipe.rows, tell)
    seed = secrets.randbits(31) if seed is None else seed
    quotas = _quotas(recipe.whole, wanted, where or {}, balance)
    parts: list[pd.DataFrame] = []
    drawn, taken, seconds = 0, 0, 0.0
    for turn in range(_MOST_DRAWS):
        # As many as are wanted; then as many more as those that were taken let expect, and a fifth.
        more = round(1.2 * (wanted - taken) * drawn / taken) if taken else wanted * 4**turn
        batch = min(max(wanted, more), max(_MOST_ROWS - drawn, wanted))
        expected = START_SECONDS + card.sample_seconds * batch / max(card.rows_made, 1)
        tell(Step(f"drawing {count_of(batch, 'row')} of {card.method}", expected))
        frame, spent = _draw(kept, config, batch, seed + turn, environments, limits)
        parts.append(quotas.take(frame))
        drawn, taken, seconds = drawn + batch, taken + len(parts[-1]), seconds + spent
        if quotas.full or drawn >= _MOST_ROWS:
            break
    if not quotas.full:
        raise TableError(f"{taken} of {drawn} drawn rows meet the condition, wanted are {wanted}: ask for fewer")
    if drawn > wanted:
        tell(f"drawn for {wanted} that meet the condition: {count_of(drawn, 'row')}")
    chosen = pd.concat(parts, ignore_index=True)
    if len(parts) > 1 or balance:
        chosen = chosen.iloc[np.random.default_rng(seed).permutation(len(chosen))].reset_index(drop=True)
    table = restore_columns(chosen, recipe.stand_in, recipe.treatments, seed=seed, k=recipe.k)
    told = {"rows_made": len(table), "seed": seed, "sample_seconds": seconds}
    return Synthesis(table, card.model_copy(update=told))


def _draw(
    kept: KeptModel,
    config: Hyperparameters,
    rows: int,
    seed: int,
    environments: Path,
    limits: FitLimits | None,
) -> tuple[pd.DataFrame, float]:
    native = CATALOGUE[config.method].native_missing
    try:
        run = draw_rows(
            kept.model, kept.versions, kept.recipe.encoding.describe(native_missing=native), config,
            rows=rows, seed=seed, environments=environments, limits=limits,
        )  # fmt: skip
    except FitFailed as error:
        raise SynthesisFailed({config.method: str(error)}) from None
    drawn = kept.recipe.encoding.decode(run.table)
    if kept.recipe.keeper is not None:
        drawn = kept.recipe.keeper.rebuild(drawn, seed).table
    return drawn, run.sample_seconds


class _Quotas:
    """How many rows of which kind are still wanted."""

    def __init__(self, where: Mapping[str, str], column: str | None, wanted: dict[str, int]) -> None:
        self._where, self._column, self._wanted = where, column, wanted

    @property
    def full(self) -> bool:
        return not any(self._wanted.values())

    def take(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows of ``frame`` that are still wanted, which are then not wanted again."""
        meets = pd.Series(True, index=frame.index)
        for name, value in self._where.items():
            meets &= frame[name].notna() & _equals(frame[name], value)
        frame = frame[meets]
        kinds = pd.Series("", index=frame.index) if self._column is None else frame[self._column].astype(str)
        parts = []
        for kind, number in self._wanted.items():
            part = frame[kinds == kind].head(number)
            self._wanted[kind] -= len(part)
            parts.append(part)
        return pd.concat(parts)


def _equals(cells: pd.Series, value: str) -> pd.Series:
    """Which cells are ``value`` as text or, where they are numbers, as a number: 50 is 50.0."""
    same = cells.astype(str) == value
    if pd.api.types.is_numeric_dtype(cells):
        same |= cells == pd.to_numeric(value, errors="coerce")
    return same


def _is_outside(code: Any, value: str) -> bool:
    """No row can have it: a plain number beyond the column's range."""
    number = pd.to_numeric(value, errors="coerce")
    return code.numeric and code.form == "number" and not (pd.isna(number) or code.lower <= number <= code.upper)


def _quotas(encoding: Any, rows: int, where: Mapping[str, str], balance: str | None) -> _Quotas:
    codes = {str(column.name): column for column in encoding.columns}
    for name in (*where, *([balance] if balance else [])):
        if name not in codes:
            raise TableError(f"{name!r} is not among the modelled columns")
    for name, value in where.items():
        if _is_outside(codes[name], value):
            raise TableError(f"{name!r} has no such number: nothing would meet the condition")
        if not codes[name].numeric and value not in map(str, codes[name].levels):
            raise TableError(f"{name!r} has no such level: nothing would meet the condition")
    if balance is None:
        return _Quotas(where, None, {"": rows})
    if codes[balance].numeric:
        raise TableError(f"{balance!r} is a number: only a column of levels can be balanced")
    levels = [str(level) for level in codes[balance].levels if where.get(balance, str(level)) == str(level)]
    share, rest = divmod(rows, max(len(levels), 1))
    return _Quotas(where, balance, {level: share + (number < rest) for number, level in enumerate(levels)})
