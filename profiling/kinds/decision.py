"""What the rules say about one column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...schemas.profile import Kind

__all__ = ["Detail", "Decision"]

Detail = Literal[
    "", "postcode", "coordinate", "place", "birth", "year", "lone_date",
    "age", "age_written", "age_over_89", "age_in_days", "age_in_months", "record", "icd",
]  # fmt: skip
"""What a treatment needs to know beyond the kind."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Kind of one column, and what it means for privacy.

    Attributes:
        kind: The kind.
        direct: One of the 18 identifiers of 45 CFR 164.514(b)(2)(i), taken at face value.
        quasi: Identifies together with other columns.
        withheld: Never enters a fit and no figure of its values leaves, without being an identifier (text).
        detail: What its treatment depends on.
        reason: Why, in one sentence for the table's owner; it names no value.
    """

    kind: Kind
    direct: bool = False
    quasi: bool = False
    withheld: bool = False
    detail: Detail = ""
    reason: str = ""
