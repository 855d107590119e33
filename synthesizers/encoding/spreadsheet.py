"""Cells that a spreadsheet would run as formulas: told by their column, and made harmless where it is asked for."""

from __future__ import annotations

import re

import pandas as pd

__all__ = ["formula_columns", "without_formulas"]

_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20|]|[\t\r\n]")
"""How a cell begins that a spreadsheet may take for a formula (OWASP, CSV injection); full-width signs included."""
_NUMBER = re.compile(r"[+-]?\s*\d[\d\s.,'%eE+-]*")


def formula_columns(table: pd.DataFrame) -> tuple[str, ...]:
    """Names of columns whose texts, or whose own name, a spreadsheet would run."""
    return tuple(str(name) for name in table.columns if _is_formula(name) or _formulas(table[name]))


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an apostrophe before every such text, which spreadsheets take for "this is text"."""
    made = table.copy()
    for name in table.columns:
        formulas = _formulas(table[name])
        if formulas:
            cells = table[name].astype(object)
            made[name] = cells.where(~cells.isin(formulas), "'" + cells.astype(str))
    return made.rename(columns={name: f"'{name}" for name in table.columns if _is_formula(name)})


def _formulas(cells: pd.Series) -> set[str]:
    if pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return set()
    return {value for value in cells.dropna().unique() if _is_formula(value)}


def _is_formula(value: object) -> bool:
    return isinstance(value, str) and bool(_FORMULA.match(value)) and not _NUMBER.fullmatch(value.strip())
