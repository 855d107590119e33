from __future__ import annotations

import pandas as pd
import pytest
from clinical_model_selector.synthesizers.encoding.spreadsheet import formula_columns, without_formulas

RUN = ["=cmd|' /C calc'!A0", "@SUM(1)", "+1+cmd", "-2+3+cmd", " =1", "\t=1", "\r=1", "|x", "\uff1d1+1"]
HARMLESS = ["-1.5", "+3", "- 4,5", "1e-5", "a=b", "", "north", "3-4", "-12 %"]


@pytest.mark.parametrize("text", RUN)
def test_what_a_spreadsheet_would_run_is_told_and_made_text(text: str) -> None:
    table = pd.DataFrame({"x": ["a", text, None], "y": [1, 2, 3]})
    assert formula_columns(table) == ("x",)
    safe = without_formulas(table)
    assert safe["x"].tolist()[:2] == ["a", "'" + text]
    assert formula_columns(safe) == ()
    assert safe["y"].equals(table["y"])


@pytest.mark.parametrize("text", HARMLESS)
def test_numbers_and_words_are_left_alone(text: str) -> None:
    table = pd.DataFrame({"x": pd.Categorical(["a", text])})
    assert formula_columns(table) == ()
    assert without_formulas(table).equals(table)


def test_names_of_columns_are_cells_too() -> None:
    table = pd.DataFrame({"=1+1": [1]})
    assert formula_columns(table) == ("=1+1",)
    assert list(without_formulas(table).columns) == ["'=1+1"]
