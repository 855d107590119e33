"""What a fit sees of a table, and the way back.

Every column becomes a number (float64) or a category (a code such as ``"3"``), under an alias ``c1``…``cN``, without
missing cells: libraries differ in what else they take, and none of them can then print a value or a name. ``Encoding``
remembers names, order, types, levels and decimals, and restores them on synthetic rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.column_treatment import OutcomePart
from ...schemas.errors import TableError
from .column_encoding import Bounds, ColumnCode, code_column, decode_column, to_codes, to_number

__all__ = ["Bounds", "ColumnCode", "Encoding"]

_MISSING = "missing"
_INDICATOR = "_missing"


@dataclass(frozen=True, slots=True)
class Encoding:
    """The coding of a whole table."""

    columns: tuple[ColumnCode, ...]

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        public: Mapping[str, Bounds] | None = None,
        missing_codes: Mapping[str, tuple[float, ...]] | None = None,
        outcome: Mapping[str, OutcomePart] | None = None,
    ) -> Encoding:
        """How ``table`` is coded.

        Args:
            table: What enters the fit.
            public: Column name → bounds or levels that are public knowledge, in days since 1970 for dates.
            missing_codes: Column name → numbers that stand for a missing cell; they are no part of its range.
            outcome: Column name → what it is of a time-to-event outcome.

        Raises:
            TableError: The table has no rows or no columns, or a value lies outside its public levels.
        """
        if table.empty:
            raise TableError("nothing is left to fit: the table has no rows or no columns after its treatments")
        public, missing_codes, outcome = public or {}, missing_codes or {}, outcome or {}
        codes = [
            code_column(table[name], name, f"c{i}", public.get(str(name)), missing_codes.get(str(name), ()))
            for i, name in enumerate(table.columns, start=1)
        ]
        return cls(tuple(replace(column, outcome=outcome.get(str(column.name))) for column in codes))

    @property
    def public(self) -> bool:
        """Every column's bounds or levels are public."""
        return all(column.public for column in self.columns)

    @property
    def survival(self) -> bool:
        """There are a time and an event."""
        return {"time", "event"} <= {column.outcome for column in self.columns}

    def encode(
        self, table: pd.DataFrame, seed: int, *, native_missing: bool = False, private: bool = False
    ) -> pd.DataFrame:
        """The rows of ``table`` as numbers and category codes.

        Missing numbers are filled by draws from the column, next to an indicator category; missing categories are a
        level of their own. With ``native_missing`` they stay missing. With ``private`` the fill is the middle of the
        bounds, for a draw would let one person's value into another's row.
        """
        rng = np.random.default_rng(seed)
        parts: dict[str, Any] = {}
        for column in self.columns:
            cells = table[column.name]
            if column.numeric:
                values = to_number(cells, column)
                coded = np.isin(values, column.codes)
                gone = np.isnan(values) | coded
                if _has_indicator(column, native_missing):
                    reasons = np.where(gone, "1", "0").astype(object)
                    for position, code in enumerate(column.codes):
                        reasons[values == code] = str(position + 2)
                    parts[column.alias + _INDICATOR] = reasons
                values[coded] = np.nan
                if column.has_missing and not native_missing:
                    present = values[~gone]
                    middle = (column.lower + column.upper) / 2
                    draws = rng.choice(present, gone.sum()) if len(present) and not private else middle
                    values[gone] = draws
                if column.public:
                    values = np.clip(values, column.lower, column.upper)
                parts[column.alias] = values
            else:
                codes = to_codes(cells, column)
                labels = codes.astype(str).astype(object)
                labels[codes < 0] = None if native_missing else _MISSING
                parts[column.alias] = labels
        return pd.DataFrame(parts)

    def describe(self, *, native_missing: bool = False) -> dict[str, dict[str, Any]]:
        """Alias of each encoded column → kind, bounds or levels, and whether cells are missing, for an adapter.

        The columns of a time-to-event outcome, and their indicators, tell which part of it they are.
        """
        facts: dict[str, dict[str, Any]] = {}
        for column in self.columns:
            part = {} if column.outcome is None else {"outcome": column.outcome}
            missing = column.has_missing and native_missing
            if column.numeric:
                if _has_indicator(column, native_missing):
                    facts[column.alias + _INDICATOR] = {
                        "kind": "categorical",
                        "levels": list(column.reasons),
                        "missing": False,
                        **part,
                    }
                facts[column.alias] = {
                    "kind": "numeric",
                    "lower": column.lower,
                    "upper": column.upper,
                    "integer": column.decimals == 0,
                    "public": column.public,
                    "missing": missing,
                    **part,
                }
            else:
                levels = [str(i) for i in range(len(column.levels))]
                if column.has_missing and not native_missing:
                    levels.append(_MISSING)
                facts[column.alias] = {"kind": "categorical", "levels": levels, "missing": missing, **part}
        return facts

    def decode(self, encoded: pd.DataFrame) -> pd.DataFrame:
        """Synthetic rows with names, order, types, levels, decimals and missing cells as in the original."""
        return pd.DataFrame(
            {
                column.name: decode_column(
                    encoded[column.alias],
                    encoded.get(column.alias + _INDICATOR),
                    column,
                )
                for column in self.columns
            }
        )


def _has_indicator(column: ColumnCode, native_missing: bool) -> bool:
    """Beside a number that may be missing; the reason for it, where there are several, no library models."""
    return column.has_missing and (bool(column.codes) or not native_missing)
