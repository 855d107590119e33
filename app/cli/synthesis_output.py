"""A synthesis as the commands leave it: the table, its run card beside it, and what there is to tell of its rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...schemas.base import count_of
from .terminal import say

if TYPE_CHECKING:
    from ...synthesizers.running.run_plan import Synthesis

__all__ = ["tell_rules", "write_synthesis"]


def tell_rules(made: Synthesis) -> None:
    """How many rules were kept, and each that somebody proposed in vain."""
    report = made.card.rules
    if report is None:
        return
    if report.kept:
        still = sum(rule.broken > 0 for rule in report.kept)
        rest = f", {still} of them not in every row" if still else ""
        say(f"{count_of(len(report.kept), 'rule')} between columns kept{rest}")
    for refused in report.refused:
        if refused.origin != "mined":
            say(f"a rule was refused: {refused.rule}: {refused.reason}")


def write_synthesis(made: Synthesis, output: Path, spreadsheet_safe: bool) -> None:
    """Table and run card; texts that a spreadsheet would run as formulas are told or made harmless."""
    from ...synthesizers.encoding.spreadsheet import formula_columns, without_formulas
    from ...synthesizers.running.files import write_result

    table = without_formulas(made.table) if spreadsheet_safe else made.table
    columns = formula_columns(table) if output.suffix in (".csv", ".tsv") else ()
    if columns:
        say(
            f"a spreadsheet would run texts of {', '.join(columns)} as formulas: "
            "--spreadsheet-safe puts an apostrophe before them"
        )
    write_result(table, made.card.model_dump_json(indent=2), output)
