"""What an evaluation compares: fitted, held-out and synthetic rows with the same columns, and whose row each one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..profiling import profile_table
from ..profiling.readers.to_pandas import read_table
from ..schemas.base import count_of
from ..schemas.column_treatment import Treatment
from ..schemas.errors import TableError
from ..schemas.profile import TableProfile
from ..synthesizers.encoding.apply_treatments import (
    KEY_ACTION,
    codes_in,
    group_column,
    mask_codes,
    relative_dates,
    treat_table,
)
from ..synthesizers.encoding.dates_and_ages import read_moments
from ..synthesizers.running.holdout import split_rows
from ..synthesizers.running.run_card import RunCard
from .metrics.comparable import Array, as_category, as_number, numeric_columns

__all__ = ["Comparison", "prepare", "quasi_identifiers_of"]

_LEAST_SHARED = 0.5
"""Share of the smaller table's columns that both must have to be called related (judgement)."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The tables of an evaluation, as they are compared."""

    fitted: pd.DataFrame
    held_out: pd.DataFrame
    """Empty where nothing was held out."""
    synthetic: pd.DataFrame
    fitted_persons: Array
    held_out_persons: Array
    whole: pd.DataFrame
    """All real rows, with every column that the synthetic table has, treated as they entered the fit."""
    whole_synthetic: pd.DataFrame
    whole_persons: Array
    persons_known: bool
    """Whether a column tells persons apart; else every row counts as one."""
    quasi: tuple[str, ...]
    profile: TableProfile | None
    rows_real: int
    notes: tuple[str, ...]
    raw_real: pd.DataFrame
    raw_synthetic: pd.DataFrame
    treatments: tuple[Treatment, ...]
    """Of the real table's columns; empty where nothing is known of them."""

    @property
    def persons(self) -> int:
        """Of the real table."""
        return len(pd.unique(self.whole_persons))

    @property
    def rows_per_person(self) -> int:
        """The most that one person has."""
        return int(pd.Series(self.whole_persons).value_counts().max()) if len(self.whole_persons) else 1


def prepare(
    real: Any,
    synthetic: Any,
    *,
    card: RunCard | None,
    holdout: Any = None,
    train: Any = None,
    target: str | None = None,
    patient_id: str | None = None,
    quasi_identifiers: Sequence[str] | None = None,
) -> Comparison:
    """Read, treat, split and align the tables.

    Args:
        real: The whole real table: a path or a frame of any kind.
        synthetic: The synthetic table.
        card: Tells which rows were held out and how columns were treated.
        holdout: Real rows that the fit never saw, where there is no run card.
        train: Real rows that the fit saw, where that is not all of ``real``.
        target: Must be among the columns that both have.
        patient_id: Column that tells persons apart; by default the run card's or the profile's.
        quasi_identifiers: By default the profile's.

    Raises:
        TableError: A table cannot be read, the tables are unrelated, or a column is not there.
    """
    reading = read_table(real, persons=patient_id or _person_of(card))
    real, synthetic = reading.frame, read_table(synthetic, like=reading).frame
    notes: list[str] = []
    profile = _profile(real, patient_id, notes)
    group = _person_column(real, card, profile, patient_id)
    treated = _treat(real, card, profile, notes)
    raw_synthetic = synthetic
    synthetic = synthetic if card is None else relative_dates(synthetic, card.treatments)
    shared = _shared(treated, synthetic, target, notes)
    owners = _owners(real, group)
    fitted_rows, held_out_rows = _split(real, card, holdout is not None or train is not None, group)
    fitted, held_out = treated.iloc[fitted_rows], treated.iloc[held_out_rows]
    fitted_persons, held_out_persons = owners[fitted_rows], owners[held_out_rows]
    if train is not None:
        extra = read_table(train, like=reading).frame
        fitted, fitted_persons = _treat(extra, card, profile, []), _owners(extra, group)
        if holdout is None:
            rest = _not_in(treated, fitted, shared, owners, fitted_persons, group is not None)
            held_out, held_out_persons = treated[rest], owners[rest]
            notes.append(f"{int(rest.sum())} rows of the real table are not among the training rows: held out")
    if holdout is not None:
        extra = read_table(holdout, like=reading).frame
        held_out, held_out_persons = _treat(extra, card, profile, []), _owners(extra, group)
        if train is None:
            rest = _not_in(fitted, held_out, shared, fitted_persons, held_out_persons, group is not None)
            if not rest.all():
                notes.append(f"{int((~rest).sum())} rows of the real table are among the held-out ones: not fitted")
            fitted, fitted_persons = fitted[rest], fitted_persons[rest]
    missing = [name for name in shared for part in (fitted, held_out) if len(part) and name not in part.columns]
    if missing:
        raise TableError(f"column {missing[0]!r} is not in the training or held-out table")
    fitted = fitted[shared] if len(fitted) else treated.head(0)[shared]
    held_out = held_out[shared] if len(held_out) else treated.head(0)[shared]
    if group is not None and len(held_out):
        both = np.isin(held_out_persons.astype(str), fitted_persons.astype(str))
        if both.any():
            notes.append(f"{int(both.sum())} held-out rows belong to persons of the fit and are left out")
            held_out, held_out_persons = held_out[~both], held_out_persons[~both]
    if not len(fitted):
        raise TableError("no rows are left that the fit saw")
    kinds = treated[shared]
    made = synthetic[shared] if card is None else mask_codes(synthetic[shared], codes_in(card.treatments))
    made, fitted, held_out = (_as_typed(part, kinds).reset_index(drop=True) for part in (made, fitted, held_out))
    _refuse_unrelated(kinds, made)
    if group is None:
        notes.append("no column tells persons apart: every row counts as one")
    every = [name for name in real.columns if name in synthetic.columns and name in treated.columns]
    return Comparison(
        fitted=fitted,
        held_out=held_out,
        synthetic=made,
        fitted_persons=fitted_persons,
        held_out_persons=held_out_persons,
        whole=treated[every].reset_index(drop=True),
        whole_synthetic=_as_typed(synthetic[every], treated[every]).reset_index(drop=True),
        whole_persons=owners,
        persons_known=group is not None,
        quasi=_quasi(shared, profile, quasi_identifiers),
        profile=profile,
        rows_real=len(real),
        notes=tuple(notes),
        raw_real=real,
        raw_synthetic=raw_synthetic,
        treatments=_treatments(card, profile),
    )


def _person_of(card: RunCard | None) -> str | None:
    """The column by which a table too large for a fit was sampled."""
    return None if card is None else next((item.column for item in card.treatments if item.patient), None)


def _treatments(card: RunCard | None, profile: TableProfile | None) -> tuple[Treatment, ...]:
    if card is not None:
        return card.treatments
    return () if profile is None else tuple(column.treatment for column in profile.columns)


def _profile(real: pd.DataFrame, patient_id: str | None, notes: list[str]) -> TableProfile | None:
    try:
        return profile_table(real, patient_id=patient_id)
    except TableError:
        if patient_id is not None and patient_id not in map(str, real.columns):
            raise
        notes.append("the real table cannot be profiled: no quasi-identifiers are known")
        return None


def _person_column(
    real: pd.DataFrame, card: RunCard | None, profile: TableProfile | None, patient_id: str | None
) -> Any:
    """The column that keeps a person's rows together; None where every row is a person."""
    wanted = patient_id
    if wanted is None and card is not None:
        wanted = card.held_out.group if card.held_out is not None else None
        if wanted is None:
            by_treatment = group_column(real, card.treatments)
            wanted = None if by_treatment is None else str(by_treatment)
        elif wanted not in map(str, real.columns):
            raise TableError(
                "the run card belongs to another table: it has no column that keeps a person's rows together"
            )
    elif wanted is None and profile is not None:
        wanted = profile.patient_id
    return next((name for name in real.columns if str(name) == wanted), None)


def _treat(table: pd.DataFrame, card: RunCard | None, profile: TableProfile | None, notes: list[str]) -> pd.DataFrame:
    """Columns as they entered the fit; without a card all that name nobody, dates as dates."""
    if card is not None:
        treated = mask_codes(treat_table(table, card.treatments, card.treated_on), codes_in(card.treatments))
        keys = sum(item.action == KEY_ACTION for item in card.treatments)
        if keys:
            notes.append(f"{keys} column{'s' * (keys != 1)} of arbitrary keys left out")
        return treated
    notes.append("no run card: columns are compared as they are")
    if profile is None:
        return table
    dropped = {column.name for column in profile.columns if column.treatment.action in ("drop", KEY_ACTION)}
    dates = {column.name for column in profile.columns if column.safe.kind in ("date", "datetime")}
    kept = {
        name: _as_dates(table[name]) if str(name) in dates else table[name]
        for name in table.columns
        if str(name) not in dropped
    }
    if dropped:
        notes.append(f"{count_of(len(dropped), 'column')} that would name persons or records left out of it")
    return pd.DataFrame(kept, index=table.index) if kept else table


def _as_dates(cells: pd.Series) -> pd.Series:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype) or pd.api.types.is_numeric_dtype(cells.dtype):
        return cells
    dates = read_moments(cells)
    # A column that does not read as dates is compared as it is.
    return dates if dates.notna().sum() >= 0.9 * cells.notna().sum() else cells


def _shared(treated: pd.DataFrame, synthetic: pd.DataFrame, target: str | None, notes: list[str]) -> list[Any]:
    shared = [name for name in treated.columns if name in synthetic.columns]
    if not shared or synthetic.empty:
        raise TableError("the two tables share no column, or one of them has no rows")
    if len(shared) < _LEAST_SHARED * min(len(treated.columns), len(synthetic.columns)):
        raise TableError(
            f"the two tables share {len(shared)} of {len(treated.columns)} and {len(synthetic.columns)} columns: "
            "they are not of one source"
        )
    if len(shared) < len(treated.columns):
        notes.append(
            f"not in the synthetic table: {count_of(len(treated.columns) - len(shared), 'column')} of the real one"
        )
    if target is not None and target not in shared:
        raise TableError(f"column {target!r} is not among the columns that both tables have")
    return shared


def _split(real: pd.DataFrame, card: RunCard | None, given: bool, group: Any) -> tuple[Sequence[int], Sequence[int]]:
    if card is None or card.held_out is None or given:
        return range(len(real)), []
    inside, outside = split_rows(real, card.held_out.share, card.held_out.seed, group if card.held_out.group else None)
    if len(inside) != card.rows_fitted:
        raise TableError("the run card belongs to another table: its fit had another number of rows")
    return inside, outside


def _owners(table: pd.DataFrame, group: Any) -> Array:
    if group is None:
        return np.arange(len(table))
    if group not in table.columns:
        raise TableError(f"column {group!r}, which tells persons apart, is not in the training or held-out table")
    return np.asarray(table[group].astype(str).to_numpy(dtype=object))


def _not_in(
    table: pd.DataFrame, other: pd.DataFrame, shared: list[Any], owners: Array, others: Array, by_person: bool
) -> Array:
    """Which rows of ``table`` are not among those of ``other``: by person where known, else row for row."""
    if by_person:
        return ~np.isin(owners, np.unique(others))
    names = [name for name in shared if name in other.columns]
    keys = [
        pd.util.hash_pandas_object(
            pd.DataFrame({i: as_category(part[name]) for i, name in enumerate(names)}), index=False
        )
        for part in (_as_typed(table[names], table[names]), _as_typed(other[names], table[names]))
    ]
    left = keys[1].value_counts().to_dict()
    rest = np.ones(len(table), dtype=bool)
    for row, key in enumerate(keys[0]):
        if left.get(key, 0):
            left[key] -= 1
            rest[row] = False
    return rest


def _quasi(shared: list[Any], profile: TableProfile | None, given: Sequence[str] | None) -> tuple[str, ...]:
    if given is not None:
        unknown = [name for name in given if name not in shared]
        if unknown:
            raise TableError(f"quasi-identifier {unknown[0]!r} is not among the columns that both tables have")
        return tuple(given)
    if profile is None:
        return ()
    flagged = quasi_identifiers_of(profile)
    return tuple(name for name in shared if str(name) in flagged)


def quasi_identifiers_of(profile: TableProfile) -> frozenset[str]:
    """Columns that outsiders know, by the profile."""
    return frozenset(
        c.name
        for c in profile.columns
        if c.quasi_identifier or c.safe.quasi_identifier or c.safe.kind == "quasi_identifier"
    )


def _refuse_unrelated(real: pd.DataFrame, synthetic: pd.DataFrame) -> None:
    """Same names are no kinship: where most columns have no value or range in common, nothing can be compared."""
    numeric = set(numeric_columns(real))
    apart = sum(_apart(real[name], synthetic[name], name in numeric) for name in real.columns)
    if apart > len(real.columns) / 2:
        raise TableError(
            f"{apart} of {len(real.columns)} columns have no value or range in common: the tables are not of one source"
        )


def _apart(real: pd.Series, synthetic: pd.Series, numeric: bool) -> bool:
    if numeric:
        a, b = as_number(real), as_number(synthetic)
        a, b = a[~np.isnan(a)], b[~np.isnan(b)]
        return bool(len(a) and (not len(b) or b.min() > a.max() or b.max() < a.min()))
    if real.notna().sum() == 0:
        return False
    return not set(np.unique(as_category(real.dropna()).astype(str))) & set(
        np.unique(as_category(synthetic.dropna()).astype(str))
    )


def _as_typed(table: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    """Columns as numbers or dates where those of ``kinds`` are: a CSV file forgets types."""
    typed = {}
    for name in table.columns:
        cells, wanted = table[name], kinds[name].dtype
        if pd.api.types.is_datetime64_any_dtype(wanted) and not pd.api.types.is_datetime64_any_dtype(cells.dtype):
            cells = read_moments(cells)
        elif pd.api.types.is_numeric_dtype(wanted) and not pd.api.types.is_numeric_dtype(cells.dtype):
            cells = pd.to_numeric(cells, errors="coerce")
        typed[name] = cells
    return pd.DataFrame(typed)
