"""What is known of a table: a local profile with names, and the safe profile, all that may leave the machine.

``SafeProfile`` cannot hold a raw value by its type: it has no free text. Strings are aliases (``c1``), members of
closed vocabularies, or level labels of a closed allow-list; numbers are counts, shares and quantiles that ``profiling``
has rounded and suppressed before (rules and reasons: profiling/disclosure_control.py).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from .base import Frozen
from .column_treatment import Treatment
from .meaning import CONCEPTS
from .table.reading import ReadingChange
from .table.safe_levels import is_safe_level

__all__ = [
    "Alias",
    "ColumnProfile",
    "ConceptName",
    "Grain",
    "HistoryStructure",
    "Kind",
    "LevelName",
    "Pattern",
    "Role",
    "RoundedNumber",
    "SafeColumn",
    "SafeProfile",
    "TableProfile",
    "TreatmentAction",
    "UnitCode",
]

Alias = Annotated[str, Field(pattern=r"^c[1-9][0-9]{0,5}$")]

Kind = Literal[
    "identifier",
    "quasi_identifier",
    "name",
    "address",
    "phone",
    "email",
    "ssn",
    "date",
    "datetime",
    "free_text",
    "code",
    "boolean",
    "categorical",
    "ordinal",
    "count",
    "continuous",
    "event_time",
    "event_indicator",
    "constant",
]

Role = Literal["target", "patient_id", "event_time", "event_indicator", "feature", "withheld"]
"""What the column is for. ``withheld``: never enters a fit (direct identifiers, free text)."""

Grain = Literal["patient", "visit", "event", "unknown"]
"""What one row stands for."""

TreatmentAction = Literal["keep", "drop", "pseudonymise", "generalise"]

Pattern = Literal[
    "ssn", "email", "phone", "ip", "uuid", "url", "street_address", "licence", "zip",
    "icd10", "icd9", "loinc", "atc", "ndc", "snomed", "date", "datetime", "clock_time",
    "integer", "decimal", "censored_number", "roman", "name_like", "text",
]  # fmt: skip
"""Shape most values of a column share."""


def _check_level(label: str) -> str:
    if not is_safe_level(label):
        raise ValueError("must be a word of the level vocabulary, or L1..Lk")
    return label


LevelName = Annotated[str, AfterValidator(_check_level)]
"""A level's label: a word of :mod:`.vocabulary`, or ``L1`` … ``Lk``; no other string is accepted."""


def _check_concept(name: str) -> str:
    if name not in CONCEPTS:
        raise ValueError("must be a concept of the closed vocabulary")
    return name


ConceptName = Annotated[str, AfterValidator(_check_concept)]
"""A clinical concept of :mod:`.meaning`; no other string is accepted."""


def _check_unit(code: str) -> str:
    if not any(unit.code == code for concept in CONCEPTS.values() for unit in concept.units):
        raise ValueError("must be a unit of the closed vocabulary")
    return code


UnitCode = Annotated[str, AfterValidator(_check_unit)]
"""A UCUM code that some concept of :mod:`.meaning` has."""


def _check_digits(number: float) -> float:
    if number != float(f"{number:.1e}"):
        raise ValueError("must have at most two significant digits")
    return number


RoundedNumber = Annotated[float, AfterValidator(_check_digits)]
"""A figure with at most two significant digits: no measured value as it is."""


class _Finite(Frozen):
    model_config = ConfigDict(allow_inf_nan=False)


class SafeColumn(_Finite):
    """One column as it may leave the machine."""

    alias: Alias
    kind: Kind
    role: Role
    action: TreatmentAction
    direct_identifier: bool
    missing_share: Annotated[float, Field(ge=0.0, le=1.0)]
    """Rounded to two significant digits; 0.0 only where nothing is missing."""
    distinct: Annotated[int, Field(ge=0)]
    """Distinct values that are not missing, rounded to two significant digits above 20."""
    encoded_levels: Annotated[int, Field(ge=0)]
    """Categories a one-hot encoder would make of it; 0 for numeric and date columns."""
    pattern: Pattern | None = None
    integer: bool = False
    """All values are whole numbers."""
    quantiles: tuple[RoundedNumber, ...] | None = None
    """Of numeric columns: 5, 25, 50, 75, 95 % (25, 50, 75 % below 100 rows), two significant digits."""
    skewed: bool = False
    zero_inflated: bool = False
    sentinel_missing: bool = False
    """Codes such as -9, 99 or 999 were taken as missing."""
    censored: bool = False
    """Holds values such as <5 or >90."""
    level_shares: tuple[Annotated[float, Field(ge=0.0, le=1.0)], ...] | None = None
    """Of categorical columns: shares of the commonest levels, descending, rare ones pooled into the last."""
    level_names: tuple[LevelName, ...] | None = None
    """Only labels from profiling's allow-list vocabulary, else L1..Lk; same order as ``level_shares``."""
    span_years: Annotated[int, Field(ge=0)] | None = None
    """Of date columns."""
    leaks_target: bool = False
    dirty_labels: bool = False
    quasi_identifier: bool = False
    birth_date: bool = False
    ages_over_89: bool = False
    concept: ConceptName | None = None
    """What the column holds, where name and values agree; a setting keeps it on the machine."""
    unit: UnitCode | None = None
    """Of ``quantiles``, where the concept has units and the figures tell which."""

    @model_validator(mode="after")
    def _levels_agree(self) -> Self:
        if self.level_names is not None and len(self.level_names) != len(self.level_shares or ()):
            raise ValueError("level_names and level_shares must be of one length")
        return self


class HistoryStructure(_Finite):
    """How a table of several rows a patient hangs together, by alias."""

    time: Alias | None = None
    """When a row was, in days, dates or visit numbers; None where rows have no time of their own."""
    statics: tuple[Alias, ...] = ()
    """The same in every row of a patient."""
    end: Alias | None = None
    """End of follow-up, on the scale of ``time``: no row lies after it."""
    event: Alias | None = None
    """Whether follow-up ended by the event."""
    once: tuple[Alias, ...] = ()
    """Columns some of whose codes come once a patient."""
    ordered: bool = True
    """A patient's rows have an order; without one they are a bag."""
    rows_per_patient: RoundedNumber = 1.0
    """Mean."""

    @property
    def aliases(self) -> frozenset[str]:
        """Every column that it names."""
        single = (alias for alias in (self.time, self.end, self.event) if alias is not None)
        return frozenset((*single, *self.statics, *self.once))


class SafeProfile(_Finite):
    """All that may leave: no name, no value, no path."""

    rows: Annotated[int, Field(ge=0)]
    """Rounded down: to tens below 1,000, to three significant digits above."""
    patients: Annotated[int, Field(ge=0)] | None = None
    """Distinct patients where a patient identifier is known, rounded down likewise; counts and suppression use them."""
    grain: Grain = "unknown"
    columns: tuple[SafeColumn, ...]
    survival: bool = False
    """There is a time-to-event column with its indicator."""
    history: HistoryStructure | None = None
    """Where a patient has several rows: what is the same in all of them, and what moves."""

    @model_validator(mode="after")
    def _aliases_agree(self) -> Self:
        aliases = [column.alias for column in self.columns]
        if len(set(aliases)) != len(aliases):
            raise ValueError("two columns have the same alias")
        if self.history is not None and not self.history.aliases <= set(aliases):
            raise ValueError("history names an alias that is no column's")
        return self

    @property
    def persons(self) -> int:
        """Patients where known, else rows: the number that privacy rules count."""
        return self.rows if self.patients is None else self.patients

    @property
    def modelled(self) -> tuple[SafeColumn, ...]:
        """Columns that enter a fit: not dropped or withheld, not constant."""
        return tuple(
            c
            for c in self.columns
            if c.action in ("keep", "generalise") and c.role != "withheld" and c.kind != "constant"
        )

    @property
    def target(self) -> SafeColumn | None:
        """The column to predict, where one is known."""
        return next((c for c in self.columns if c.role == "target"), None)


class ColumnProfile(_Finite):
    """One column as its owner sees it: the safe facts plus the name and exact counts."""

    name: str
    safe: SafeColumn
    missing: Annotated[int, Field(ge=0)]
    """Exact number of missing cells, sentinel codes included."""
    distinct: Annotated[int, Field(ge=0)]
    """Exact (or, on long tables, approximate) number of distinct values."""
    quasi_identifier: bool = False
    recognised_by: str = ""
    """Which rule gave it its kind, in one sentence; names no value."""
    treatment: Treatment


class TableProfile(_Finite):
    """The local profile: stays on the machine; ``safe`` is what may leave."""

    rows: Annotated[int, Field(ge=0)]
    columns: tuple[ColumnProfile, ...]
    safe: SafeProfile
    patient_id: str | None = None
    """Name of the patient identifier, given or found."""
    target_candidates: tuple[str, ...] = ()
    """Names of columns that look like an outcome, likeliest first; empty where a target was given."""
    warnings: tuple[str, ...] = ()
    changes: tuple[ReadingChange, ...] = ()
    """What reading made of the table: what was taken for missing, taken apart or skipped."""

    def column(self, name: str) -> ColumnProfile | None:
        """The column called ``name``, or None."""
        return next((c for c in self.columns if c.name == name), None)

    @property
    def names(self) -> dict[str, str]:
        """Alias → column name."""
        return {c.safe.alias: c.name for c in self.columns}
