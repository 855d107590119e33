"""One table's profile: sample, one pass over the whole, kinds, structure, suppression, treatments."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..schemas.column_treatment import Treatment
from ..schemas.errors import TableError
from ..schemas.profile import ColumnProfile, Kind, Pattern, Role, SafeColumn, SafeProfile, TableProfile
from .disclosure_control import floor_count, safe_facts
from .kinds.column_facts import FEW_VALUES, MOST_VALUES, Evidence, gather
from .kinds.column_names import read_header
from .kinds.column_values import Cells, read_cells
from .kinds.decision import Verdict
from .kinds.neighbour_rules import reconsider
from .kinds.rules import KINDS_BY_USER, judge
from .kinds_file import check_kind
from .readers.asked import ColumnQuery, Totals
from .readers.engines import Engine, Tick, silent
from .readers.open_table import open_engine, open_table
from .table_structure import Structure, find_patient, find_structure, person_codes, roles_of
from .treatment_rules import treat

__all__ = ["FEWEST_ROWS", "MOST_COLUMNS", "Progress", "profile_table"]

FEWEST_ROWS = 11
"""Below this any figure would speak of fewer than 11 persons, the smallest cell that may be published."""
MOST_COLUMNS = 10_000
MANY_COLUMNS = 300
"""Beyond them the text rules look at fewer values of each."""

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and the stage."""


def profile_table(
    table: Any,
    *,
    target: str | None = None,
    patient_id: str | None = None,
    kinds: Mapping[str, Kind] | None = None,
    table_name: str | None = None,
    progress: Progress | None = None,
) -> TableProfile:
    """Profile a table where it lives.

    Args:
        table: Whatever ``open_table`` takes, or the handle that it gave.
        target: Column to predict.
        patient_id: Column that tells patients apart; counts then are of patients.
        kinds: Column → kind where the user knows better than the rules.
        table_name: Which table of a database.
        progress: Told how far the work is.

    Raises:
        TableError: The table cannot be read, is too small, or a named column is not in it.
    """
    told = progress or _silent
    told(0.0, "open")
    engine = open_engine(open_table(table, table_name=table_name))
    try:
        return _profile(engine, target, patient_id, kinds or {}, told)
    finally:
        engine.close()


def _silent(share: float, stage: str) -> None:
    """Progress that nobody asked for."""


def _profile(
    engine: Engine, target: str | None, patient_id: str | None, kinds: Mapping[str, Kind], told: Progress
) -> TableProfile:
    names = engine.names
    if len(names) > MOST_COLUMNS:
        raise TableError(f"the table has {len(names)} columns; at most {MOST_COLUMNS} can be profiled")
    goal = _place(names, target, "target column")
    patient = _place(names, patient_id, "patient column")
    given = {_place(names, name, "column"): check_kind(name, kind) for name, kind in kinds.items()}
    told(0.05, "sample")
    sample = engine.sample()
    if engine.whole:
        _refuse_small(sample.num_rows)
    told(0.2, "read columns")
    if len(names) < MANY_COLUMNS:
        cells = [read_cells(column) for column in sample.columns]
    else:
        with ThreadPoolExecutor(max_workers=4) as pool:  # Arrow works outside Python's lock
            cells = list(pool.map(read_cells, sample.columns))
    headers = [read_header(name) for name in names]
    totals: Sequence[Totals | None] = [None] * len(names)
    if not engine.whole:
        told(0.35, "count")
        tick = silent if told is _silent else lambda share: told(0.35 + 0.35 * share, "count")
        totals = _whole_totals(engine, sample, cells, tick)
    told(0.7, "judge")
    evidence = [
        gather(header, column, total, whole=engine.whole, most=FEW_VALUES if len(names) > MANY_COLUMNS else MOST_VALUES)
        for header, column, total in zip(headers, cells, totals, strict=True)
    ]
    rows = evidence[0].totals.rows
    _refuse_small(rows)
    if not any(item.totals.present for item in evidence):
        raise TableError("every cell of the table is missing")
    judged = reconsider(evidence, [judge(item)[0] for item in evidence])
    judged = [KINDS_BY_USER[given[place]] if place in given else verdict for place, verdict in enumerate(judged)]
    profile = _assemble(names, evidence, judged, goal, patient)
    told(1.0, "done")
    return profile


def _refuse_small(rows: int) -> None:
    if rows == 0:
        raise TableError("the table has a header but no rows")
    if rows < FEWEST_ROWS:
        raise TableError(
            f"the table has {rows} rows; at least {FEWEST_ROWS} are needed, "
            "since any figure about fewer persons could point to one of them"
        )


def _place(names: Sequence[str], wanted: str | None, what: str) -> int | None:
    if wanted is None:
        return None
    if wanted in names:
        return names.index(wanted)
    close = difflib.get_close_matches(wanted, names, n=3)
    hint = f"; did you mean {', '.join(map(repr, close))}?" if close else ""
    raise TableError(f"there is no {what} {wanted!r} among the {len(names)} columns{hint}")


def _whole_totals(engine: Engine, sample: pa.Table, cells: Sequence[Cells], tick: Tick) -> list[Totals]:
    """Ask the whole table only what the sample leaves open."""
    queries = [_query(place, sample.schema.field(place).type, column) for place, column in enumerate(cells)]
    answers = engine.totals(queries, tick)
    return [_fill(answer, column) for answer, column in zip(answers, cells, strict=True)]


def _query(place: int, kind: pa.DataType, cells: Cells) -> ColumnQuery:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    number = cells.numbers is not None
    measured = number and not cells.integer and len(cells.values) > 100
    limit = (pc.max(cells.numbers).as_py() or 0.0) if number else 0.0
    return ColumnQuery(
        column=f"c{place}",
        tokens=tuple(sorted(cells.tokens)) if text else (),
        text=text,
        floating=pa.types.is_floating(kind),
        distinct=not measured,
        # Ages over 89 are few: the largest of all is asked for where the sample could be ages.
        maximum=number and 40 <= limit <= 130,
    )


def _fill(answer: Totals, cells: Cells) -> Totals:
    seen = len(cells.values)
    if answer.distinct >= 0:
        return Totals(answer.rows, answer.present, max(answer.distinct, seen), answer.maximum)
    # Measurements: what the sample saw, scaled up where nearly every value in it was new.
    share = seen / cells.present if cells.present else 0.0
    distinct = round(share * answer.present) if share > 0.9 else seen
    return Totals(answer.rows, answer.present, distinct, answer.maximum)


def _assemble(
    names: Sequence[str], evidence: Sequence[Evidence], verdicts: list[Verdict], goal: int | None, patient: int | None
) -> TableProfile:
    given_patient = patient is not None
    if patient is None:
        patient = find_patient(evidence, verdicts)
    elif not verdicts[patient].direct:
        verdicts[patient] = Verdict("identifier", direct=True, detail="record")
    structure = find_structure(evidence, verdicts, patient, goal)
    verdicts = _paired(verdicts, structure)
    roles = roles_of(structure, goal)
    persons = person_codes(evidence[patient]) if patient is not None else None
    scale = evidence[0].cells.rows / evidence[0].totals.rows
    columns = [
        _safe_column(evidence[place], verdicts[place], roles.get(place), place in structure.leaks, persons, scale)
        for place in range(len(names))
    ]
    order = sorted(range(len(names)), key=lambda place: (_canonical(columns[place]), names[place]))
    aliases = {place: f"c{rank}" for rank, place in enumerate(order, 1)}
    safe = {place: columns[place].model_copy(update={"alias": aliases[place]}) for place in range(len(names))}
    rows = evidence[0].totals.rows
    if given_patient and patient is not None and evidence[patient].totals.distinct < FEWEST_ROWS:
        raise TableError(
            f"the table has {evidence[patient].totals.distinct} patients; at least {FEWEST_ROWS} are needed, "
            "since any figure about fewer persons could point to one of them"
        )
    patients = floor_count(evidence[patient].totals.distinct) if patient is not None else None
    profile = SafeProfile(
        rows=floor_count(rows),
        patients=patients,
        grain=structure.grain,
        columns=tuple(safe[place] for place in order),
        survival=structure.event_time is not None,
    )
    return TableProfile(
        rows=rows,
        columns=tuple(
            _column_profile(names[place], safe[place], evidence[place], verdicts[place], scale)
            for place in range(len(names))
        ),
        safe=profile,
        patient_id=names[patient] if patient is not None else None,
        target_candidates=tuple(names[place] for place in structure.candidates),
        warnings=_warnings(profile),
    )


def _paired(verdicts: Sequence[Verdict], structure: Structure) -> list[Verdict]:
    """The survival pair has its own kinds."""
    changed = list(verdicts)
    if structure.event_time is not None and structure.event_indicator is not None:
        changed[structure.event_time] = Verdict("event_time")
        changed[structure.event_indicator] = Verdict("event_indicator")
    return changed


def _safe_column(
    evidence: Evidence, verdict: Verdict, role: str | None, leaks: bool, persons: pa.Array | None, scale: float
) -> SafeColumn:
    repeats = verdict.kind == "identifier" and evidence.unique_share < 0.95
    treatment = treat(verdict, role or "feature", repeats=repeats)  # type: ignore[arg-type]
    out = treatment.action in ("drop", "pseudonymise") and verdict.kind != "constant"
    found: Role = role or ("withheld" if out else "feature")  # type: ignore[assignment]
    facts = safe_facts(evidence, verdict, persons, scale)
    number = evidence.number
    return SafeColumn(
        alias="c1",
        kind=verdict.kind,
        role=found,
        action=treatment.action,
        direct_identifier=verdict.direct,
        missing_share=facts.missing_share,
        distinct=facts.distinct,
        encoded_levels=facts.encoded_levels,
        pattern=_pattern(evidence),
        integer=number is not None and number.integer,
        quantiles=facts.quantiles,
        skewed=facts.skewed,
        zero_inflated=facts.zero_inflated,
        sentinel_missing=number is not None and bool(number.sentinels),
        censored=evidence.cells.censored > 0,
        level_shares=facts.level_shares,
        level_names=facts.level_names,
        span_years=facts.span_years,
        leaks_target=leaks,
        dirty_labels=number is None and not verdict.direct and (evidence.cells.padded or evidence.cells.cased),
        quasi_identifier=verdict.quasi,
        birth_date=verdict.detail == "birth",
        ages_over_89=verdict.detail == "age_over_89",
    )


def _pattern(evidence: Evidence) -> Pattern | None:
    if evidence.date is not None and evidence.date.share >= 0.9:
        return "datetime" if evidence.date.clock else "date"
    if evidence.patterns:
        return max(evidence.patterns.items(), key=lambda item: item[1])[0]
    if evidence.number is not None:
        return "integer" if evidence.number.integer else "decimal"
    if evidence.word is not None:
        return "name_like" if evidence.word.title_share >= 0.8 else "text"
    return None


_ROLE_ORDER = ("target", "event_time", "event_indicator", "patient_id", "feature", "withheld")


def _canonical(column: SafeColumn) -> tuple[object, ...]:
    """Sort key of content alone: role, kind, then the facts as text."""
    return (_ROLE_ORDER.index(column.role), column.kind, column.model_dump_json(exclude={"alias"}))


def _column_profile(name: str, safe: SafeColumn, evidence: Evidence, verdict: Verdict, scale: float) -> ColumnProfile:
    rule = treat(verdict, safe.role, repeats=verdict.kind == "identifier" and evidence.unique_share < 0.95)
    coded = 0
    if evidence.number is not None and evidence.number.sentinels and evidence.cells.numbers is not None:
        tally = dict(zip(evidence.cells.numbers.to_pylist(), evidence.cells.counts.to_pylist(), strict=True))
        coded = round(sum(tally.get(code, 0) for code in evidence.number.sentinels) / scale)
    return ColumnProfile(
        name=name,
        safe=safe,
        missing=min(evidence.totals.rows - evidence.totals.present + coded, evidence.totals.rows),
        distinct=evidence.distinct,
        quasi_identifier=verdict.quasi,
        treatment=Treatment(
            alias=safe.alias,
            column=name,
            action=rule.action,
            how=rule.how,
            patient=safe.role == "patient_id",
            missing_codes=evidence.number.sentinels if evidence.number is not None else (),
            rule=rule.rule,
            reference=rule.reference,
        ),
    )


def _warnings(profile: SafeProfile) -> tuple[str, ...]:
    """Sentences about the table that name aliases only."""
    found = []
    leaks = [column.alias for column in profile.columns if column.leaks_target]
    if leaks:
        found.append(f"{', '.join(leaks[:10])} give the target away; a fit that keeps them learns nothing else")
    if profile.rows < 100:
        found.append("below 100 rows quartiles at most are told, and most synthesizers have too little to learn from")
    if profile.patients is not None and profile.patients < 0.9 * profile.rows:
        found.append("a patient has several rows: counts are of patients, and rows of one patient belong together")
    return tuple(found)
