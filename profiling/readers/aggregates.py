"""The one pass over the whole table, described once and rendered by sqlglot for every engine.

Columns are addressed by position (``c0`` … ``cN``), so that no name of the caller's ever enters a statement's text on
files and frames; on databases the names are quoted identifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlglot import exp

from ..values.asked import ColumnQuery, Totals

__all__ = ["read_totals", "render"]


def render(queries: Sequence[ColumnQuery], source: exp.Expr, dialect: str) -> str:
    """One SELECT of aggregates: rows, then per column present, distinct and maximum (null where not asked).

    Args:
        queries: What is asked, in order.
        source: The table or subquery.
        dialect: ``duckdb``, ``postgres``, ``spark`` or any other of sqlglot's.
    """
    fields: list[exp.Expr] = [exp.Count(this=exp.Star()).as_("n")]
    for position, query in enumerate(queries):
        value = _value(query, dialect)
        fields.append(exp.Count(this=value).as_(f"p{position}"))
        fields.append((_distinct(value, dialect) if query.distinct else exp.null()).as_(f"d{position}"))
        fields.append((_maximum(value, query, dialect) or exp.null()).as_(f"m{position}"))
    return exp.select(*fields).from_(source).sql(dialect=dialect)


def read_totals(
    run: Callable[[str], Sequence[Any]],
    queries: Sequence[ColumnQuery],
    source: exp.Expr | str,
    dialect: str,
    most: int,
    tick: Callable[[float], None] | None = None,
) -> list[Totals]:
    """Render, run and read the aggregates.

    Args:
        run: Runs a statement and gives its one row.
        queries: What is asked, in the order of the answers.
        source: Name of the table, or a subquery.
        dialect: As in ``render``.
        most: Columns per statement, for engines that limit a select list.
        tick: Told after each statement the share that is done.
    """
    table = exp.to_table(source) if isinstance(source, str) else source
    totals: list[Totals] = []
    for start in range(0, len(queries), most):
        batch = queries[start : start + most]
        rows, *figures = run(render(batch, table.copy(), dialect))
        for present, distinct, maximum in zip(figures[::3], figures[1::3], figures[2::3], strict=True):
            number = None if maximum is None else float(maximum)
            totals.append(Totals(int(rows), int(present), -1 if distinct is None else int(distinct), number))
        if tick is not None:
            tick(len(totals) / len(queries))
    return totals


_LENIENT = frozenset(("duckdb", "spark", "snowflake", "bigquery", "trino"))
"""Dialects with an approximate distinct count and a cast that gives null where text is no number."""


def _value(query: ColumnQuery, dialect: str) -> exp.Expr:
    """The column with its missing tokens, or NaN, as null."""
    column = exp.column(query.column, quoted=True)
    if query.floating:
        test = _is_nan(column, dialect)
        return column if test is None else exp.Case().when(test, exp.null()).else_(column)
    if not query.tokens:
        return column
    listed = exp.In(this=column.copy(), expressions=[exp.Literal.string(token) for token in query.tokens])
    return exp.Case().when(listed, exp.null()).else_(column)


def _is_nan(column: exp.Expr, dialect: str) -> exp.Expr | None:
    if dialect in _LENIENT:
        return exp.IsNan(this=column.copy())
    if dialect == "postgres":  # NaN equals itself there
        return exp.EQ(this=column.copy(), expression=exp.cast(exp.Literal.string("NaN"), "double"))
    return None


def _distinct(value: exp.Expr, dialect: str) -> exp.Expr:
    if dialect in _LENIENT:
        return exp.ApproxDistinct(this=value.copy())
    return exp.Count(this=exp.Distinct(expressions=[value.copy()]))


def _maximum(value: exp.Expr, query: ColumnQuery, dialect: str) -> exp.Expr | None:
    if not query.maximum:
        return None
    if not query.text:
        return exp.Max(this=value.copy())
    # Elsewhere a cast of text fails on the first cell that is no number.
    if dialect in _LENIENT:
        return exp.Max(this=exp.TryCast(this=value.copy(), to=exp.DataType.build("double")))
    return None
