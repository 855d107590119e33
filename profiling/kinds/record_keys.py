"""Keys that repeat: a person's or stay's number on each of its rows. One predicate for each way to tell them.

A predicate says what a column that passes it looks like in its docstring's first sentence, which the table's owner is
shown as the reason.
"""

from __future__ import annotations

from collections.abc import Callable

from .column_facts import ColumnFacts, NumberFacts
from .decision import Decision

__all__ = ["LABEL_KEYS", "NUMBER_KEYS", "record_key"]


def record_key(column: ColumnFacts) -> Decision | None:
    """Keys that repeat, by the first predicate that holds."""
    for holds in NUMBER_KEYS if column.number is not None else LABEL_KEYS:
        if holds(column):
            reason = (holds.__doc__ or "").partition("\n")[0]
            return Decision("identifier", direct=True, detail="record", reason=reason)
    return None


def _natural(column: ColumnFacts) -> NumberFacts | None:
    """Facts of whole numbers that are not negative."""
    number = column.number
    return number if number is not None and number.integer and number.minimum >= 0 else None


def _is_arbitrary(number: NumberFacts) -> bool:
    """Not rounded to fives and tens, as amounts and doses are."""
    return number.round_share < 0.3


def never_comes_back(column: ColumnFacts) -> bool:
    """Rows of one number stand together, although chance would bring some numbers back."""
    number = _natural(column)
    if number is None or number.sorted or column.distinct < 20 or column.unique_share >= 0.9:
        return False
    runs = column.distinct / column.blocks if column.blocks else 0.0
    # Birthday problem: pairs of equal numbers to expect among so many draws from the range.
    returns = runs * (runs - 1) / 2 / (number.maximum - number.minimum + 1)
    return column.blocks >= 0.999 and returns >= 3


def counts_blocks(column: ColumnFacts) -> bool:
    """Numbers from 0 or 1 without gaps, each on one block of rows."""
    number = _natural(column)
    if number is None or column.distinct < 20 or column.unique_share >= 0.7:
        return False
    return column.blocks >= 0.98 and number.dense and number.minimum in (0, 1)


def blocks_of_one_length(column: ColumnFacts) -> bool:
    """Numbers of one length, each on one block of rows."""
    number = _natural(column)
    if number is None or column.distinct < 20 or column.unique_share >= 0.98:
        return False
    return column.blocks >= 0.99 and column.values.width >= 5 and _is_arbitrary(number)


def spread_evenly(column: ColumnFacts) -> bool:
    """Numbers of one length that are spread evenly, as numbers given out one after another are."""
    number = _natural(column)
    if number is None or column.values.width < 5 or column.distinct < 30 or not _is_arbitrary(number):
        return False
    return (column.unique_share > 0.3 or column.blocks > 0.9) and _is_even(number)


def _is_even(number: NumberFacts) -> bool:
    q5, q25, q50, q75, q95 = number.quantiles
    width = q95 - q5
    return width > 0 and 0.15 <= (q50 - q5) / width <= 0.85 and (q75 - q25) / width >= 0.25


def sparse_runs(column: ColumnFacts) -> bool:
    """Numbers of one length that stay the same for many rows and lie far apart."""
    number = _natural(column)
    if number is None or column.values.width < 5 or column.distinct < 30 or not _is_arbitrary(number):
        return False
    sparse = number.maximum - number.minimum >= 20 * column.distinct and column.unique_share < 0.3
    return sparse and column.run >= 3


def many_large(column: ColumnFacts) -> bool:
    """A thousand and more different numbers up to millions, most of them once."""
    number = _natural(column)
    if number is None or column.distinct < 1000 or column.unique_share <= 0.5 or number.minimum <= 0:
        return False
    return number.maximum >= 1e6 and _is_arbitrary(number)


def _is_label(column: ColumnFacts) -> bool:
    """Single words with digits in them."""
    word = column.word
    return word is not None and word.mean_words <= 1.3 and word.digit_share >= 0.95 and column.distinct >= 20


def opaque(column: ColumnFacts) -> bool:
    """Letters and digits mixed beyond any template, all of one length: a hash or random key."""
    word = column.word
    if word is None or not _is_label(column) or word.width < 8 or word.template_share > 0.5:
        return False
    mixed = sum(t.isalnum() and any(c.isdigit() for c in t) and any(c.isalpha() for c in t) for t in column.texts)
    return mixed >= 0.9 * len(column.texts)


def one_form(column: ColumnFacts) -> bool:
    """Labels of one form with four digits and more, nearly once each or in runs of rows."""
    word = column.word
    if word is None or not _is_label(column) or word.template_share < 0.9 or word.median_length < 4:
        return False
    digits = sum(sum(c.isdigit() for c in text) for text in column.texts) / len(column.texts)
    kept = column.unique_share >= 0.5 or column.blocks >= 0.95 or (column.run >= 3 and column.unique_share < 0.3)
    return digits >= 4 and kept and not column.has("zip")


NUMBER_KEYS: tuple[Callable[[ColumnFacts], bool], ...] = (
    never_comes_back, counts_blocks, blocks_of_one_length, spread_evenly, sparse_runs, many_large,
)  # fmt: skip
LABEL_KEYS: tuple[Callable[[ColumnFacts], bool], ...] = (opaque, one_form)
