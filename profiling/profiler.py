"""One table's profile: six passes over one draft per column, from the sample to what may leave."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..schemas.base import count_of
from ..schemas.column_treatment import Treatment
from ..schemas.errors import TableError
from ..schemas.meaning.layout import recognise_layout
from ..schemas.profile import ColumnProfile, HistoryStructure, Kind, Pattern, SafeColumn, SafeProfile, TableProfile
from ..schemas.table.reading import ReadingChange
from .column_draft import ColumnDraft
from .concept_recogniser import check_concept, recognise_concept
from .disclosure_control import floor_count, safe_facts, two_digits
from .history_structure import HistoryColumns, find_history, part_of
from .kinds.column_facts import FEW_VALUES, MOST_VALUES, ColumnFacts, gather
from .kinds.column_names import read_header
from .kinds.decision import Decision
from .kinds_file import check_kind
from .layout_rules import concepts_of, decide_kinds, key_of
from .readers.engines import Engine, Tick, silent
from .readers.open_table import open_engine, open_table
from .table_structure import Structure, find_patient, find_structure, person_index, set_lone_date, set_roles
from .values.asked import ColumnQuery, Totals
from .values.column_values import ColumnValues
from .values.table_values import read_table_values

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
    concepts: Mapping[str, str] | None = None,
    time: str | None = None,
    static: Sequence[str] = (),
    table_name: str | None = None,
    progress: Progress | None = None,
) -> TableProfile:
    """Profile a table where it lives.

    Args:
        table: Whatever ``open_table`` takes, or the handle that it gave.
        target: Column to predict.
        patient_id: Column that tells patients apart; counts then are of patients.
        kinds: Column → kind where the user knows better than the rules.
        concepts: Column → clinical concept (``schemas.meaning``) where the user knows better.
        time: Column that tells when a row was, where a patient has several.
        static: Columns that are the same in all rows of a patient, besides those found to be.
        table_name: Which table of a database.
        progress: Told how far the work is.

    Raises:
        TableError: The table cannot be read, is too small, or a named column is not in it.
    """
    told = progress or _silent
    told(0.0, "open")
    engine = open_engine(open_table(table, table_name=table_name))
    try:
        return _profile(engine, target, patient_id, kinds or {}, concepts or {}, time, static, told)
    finally:
        engine.close()


def _silent(share: float, stage: str) -> None:
    """Progress that nobody asked for."""


def _profile(
    engine: Engine,
    target: str | None,
    patient_id: str | None,
    kinds: Mapping[str, Kind],
    concepts: Mapping[str, str],
    time: str | None,
    static: Sequence[str],
    told: Progress,
) -> TableProfile:
    names = engine.names
    if len(names) > MOST_COLUMNS:
        raise TableError(f"the table has {len(names)} columns; at most {MOST_COLUMNS} can be profiled")
    goal = _position(names, target, "target column")
    patient = _position(names, patient_id, "patient column")
    for name in concepts:
        _position(names, name, "column")
    given = {_position(names, name, "column"): check_kind(name, kind) for name, kind in kinds.items()}
    when = _position(names, time, "time column")
    same = [place for name in static if (place := _position(names, name, "static column")) is not None]
    told(0.05, "sample")
    sample = engine.sample()
    if engine.whole:
        _refuse_small(sample.num_rows)
    told(0.2, "read columns")
    values = read_table_values(sample, names, engine.hints)
    drafts = [
        ColumnDraft(position, name, read_header(name), given.get(position), column)
        for position, (name, column) in enumerate(zip(names, values.columns, strict=True))
    ]
    if not engine.whole:
        told(0.35, "count")
        tick = silent if told is _silent else lambda share: told(0.35 + 0.35 * share, "count")
        _count(drafts, engine, sample.schema, tick)
    told(0.7, "judge")
    _gather(drafts, whole=engine.whole)
    layout = recognise_layout(names)
    decide_kinds(drafts, layout)
    patient = key_of(drafts, layout) if patient is None else patient
    structure = _find_structure(drafts, goal, patient)
    survival = (structure.event_time, structure.event_indicator)
    history = find_history(drafts, structure.patient, survival, when, same)
    _make_safe(drafts, structure)
    by_user = {name: check_concept(name, concept) for name, concept in concepts.items()}
    _name_concepts(drafts, {**concepts_of(drafts, layout), **by_user})
    profile = _assemble(drafts, structure, history, (*engine.changes, *values.changes))
    told(1.0, "done")
    return profile


def _refuse_small(rows: int) -> None:
    if rows == 0:
        raise TableError("the table has a header but no rows")
    if rows < FEWEST_ROWS:
        raise TableError(
            f"the table has {count_of(rows, 'row')}; at least {FEWEST_ROWS} are needed, "
            "since any figure about fewer persons could point to one of them"
        )


def _position(names: Sequence[str], wanted: str | None, what: str) -> int | None:
    if wanted is None:
        return None
    if wanted in names:
        return names.index(wanted)
    close = difflib.get_close_matches(wanted, names, n=3)
    hint = f"; did you mean {', '.join(map(repr, close))}?" if close else ""
    raise TableError(f"there is no {what} {wanted!r} among the {len(names)} columns{hint}")


def _count(drafts: Sequence[ColumnDraft], engine: Engine, schema: pa.Schema, tick: Tick) -> None:
    """Second pass: ask the whole table only what the sample leaves open."""
    queries = [_query(draft.position, schema.field(draft.position).type, draft.values) for draft in drafts]
    for draft, answer in zip(drafts, engine.totals(queries, tick), strict=True):
        draft.totals = _fill(answer, draft.values)


def _query(position: int, kind: pa.DataType, values: ColumnValues) -> ColumnQuery:
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    number = values.numbers is not None
    measured = number and not values.integer and len(values.distinct) > 100
    limit = (pc.max(values.numbers).as_py() or 0.0) if number else 0.0
    return ColumnQuery(
        column=f"c{position}",
        tokens=tuple(sorted(values.tokens)) if text else (),
        text=text,
        floating=pa.types.is_floating(kind),
        distinct=not measured,
        # Ages over 89 are few: the largest of all is asked for where the sample could be ages.
        maximum=number and 40 <= limit <= 130,
    )


def _fill(answer: Totals, values: ColumnValues) -> Totals:
    seen = len(values.distinct)
    if answer.distinct >= 0:
        return Totals(answer.rows, answer.present, max(answer.distinct, seen), answer.maximum)
    # Measurements: what the sample saw, scaled up where nearly every value in it was new.
    share = seen / values.present if values.present else 0.0
    distinct = round(share * answer.present) if share > 0.9 else seen
    return Totals(answer.rows, answer.present, distinct, answer.maximum)


def _gather(drafts: Sequence[ColumnDraft], *, whole: bool) -> None:
    """Third pass: the facts that the kind rules decide by."""
    most = FEW_VALUES if len(drafts) > MANY_COLUMNS else MOST_VALUES
    for draft in drafts:
        draft.facts = gather(draft.header, draft.values, draft.totals, whole=whole, most=most)
    _refuse_small(drafts[0].facts.totals.rows)
    if not any(draft.facts.totals.present for draft in drafts):
        raise TableError("every cell of the table is missing")


def _find_structure(drafts: Sequence[ColumnDraft], goal: int | None, patient: int | None) -> Structure:
    """Fifth pass: who is the patient, what is one row, which columns belong together."""
    if patient is None:
        patient = find_patient(drafts)
    else:
        persons = drafts[patient].facts.totals.distinct
        if persons < FEWEST_ROWS:
            raise TableError(
                f"the table has {persons} patients; at least {FEWEST_ROWS} are needed, "
                "since any figure about fewer persons could point to one of them"
            )
        if not drafts[patient].decision.direct:
            drafts[patient].decision = Decision(
                "identifier", direct=True, detail="record", reason="The user says that it tells patients apart."
            )
    structure = find_structure(drafts, patient, goal)
    set_roles(drafts, structure, goal)
    set_lone_date(drafts, structure)
    return structure


def _make_safe(drafts: Sequence[ColumnDraft], structure: Structure) -> None:
    """Sixth pass: what of each column may leave, under an alias that its content decides."""
    persons = person_index(drafts[structure.patient].facts) if structure.patient is not None else None
    scale = _scale(drafts)
    for draft in drafts:
        draft.safe = _safe_column(draft, persons, scale)
    for rank, draft in enumerate(sorted(drafts, key=lambda draft: (_canonical(draft.safe), draft.name)), 1):
        draft.safe = draft.safe.model_copy(update={"alias": f"c{rank}"})


def _name_concepts(drafts: Sequence[ColumnDraft], told: Mapping[str, str]) -> None:
    """Seventh pass: which clinical concept each column holds; aliases are given before, since names decide no order."""
    for draft in drafts:
        recognised = recognise_concept(draft.name, draft.safe, told.get(draft.name))
        if recognised is not None:
            draft.safe = draft.safe.model_copy(update={"concept": recognised.concept, "unit": recognised.unit})
            draft.caution = recognised.caution


def _scale(drafts: Sequence[ColumnDraft]) -> float:
    """Share of the table's rows that the sample holds."""
    return drafts[0].values.rows / drafts[0].facts.totals.rows


def _safe_column(draft: ColumnDraft, persons: pa.Array | None, scale: float) -> SafeColumn:
    facts, decision = draft.facts, draft.decision
    action = draft.treatment.action
    out = action in ("drop", "pseudonymise") and decision.kind != "constant"
    safe = safe_facts(facts, decision, persons, scale)
    number = facts.number
    return SafeColumn(
        alias="c1",
        kind=decision.kind,
        role=draft.role or ("withheld" if out else "feature"),
        action=action,
        direct_identifier=decision.direct,
        missing_share=safe.missing_share,
        distinct=safe.distinct,
        encoded_levels=safe.encoded_levels,
        pattern=_pattern(facts),
        integer=number is not None and number.integer,
        quantiles=safe.quantiles,
        skewed=safe.skewed,
        zero_inflated=safe.zero_inflated,
        sentinel_missing=number is not None and bool(number.sentinels),
        censored=facts.values.censored > 0,
        level_shares=safe.level_shares,
        level_names=safe.level_names,
        span_years=safe.span_years,
        leaks_target=draft.leaks,
        dirty_labels=number is None and not decision.direct and (facts.values.padded or facts.values.cased),
        quasi_identifier=decision.quasi,
        birth_date=decision.detail == "birth",
        ages_over_89=decision.detail == "age_over_89",
    )


def _pattern(facts: ColumnFacts) -> Pattern | None:
    if facts.date is not None and facts.date.share >= 0.9:
        return "datetime" if facts.date.clock else "date"
    if facts.patterns:
        return max(facts.patterns.items(), key=lambda item: item[1])[0]
    if facts.number is not None:
        return "integer" if facts.number.integer else "decimal"
    if facts.word is not None:
        return "name_like" if facts.word.title_share >= 0.8 else "text"
    return None


_ROLE_ORDER = ("target", "event_time", "event_indicator", "patient_id", "feature", "withheld")


def _canonical(column: SafeColumn) -> tuple[object, ...]:
    """Sort key of content alone: role, kind, then the facts as text."""
    return (_ROLE_ORDER.index(column.role), column.kind, column.model_dump_json(exclude={"alias"}))


def _assemble(
    drafts: Sequence[ColumnDraft],
    structure: Structure,
    history: HistoryColumns | None,
    changes: tuple[ReadingChange, ...],
) -> TableProfile:
    rows = drafts[0].facts.totals.rows
    patient = drafts[structure.patient] if structure.patient is not None else None
    ordered = sorted(drafts, key=lambda draft: int(draft.safe.alias[1:]))
    profile = SafeProfile(
        rows=floor_count(rows),
        patients=floor_count(patient.facts.totals.distinct) if patient is not None else None,
        grain=structure.grain,
        columns=tuple(draft.safe for draft in ordered),
        survival=structure.event_time is not None,
        history=None if history is None else _safe_history(drafts, history),
    )
    scale = _scale(drafts)
    return TableProfile(
        rows=rows,
        columns=tuple(_column_profile(draft, scale, history, structure) for draft in drafts),
        safe=profile,
        patient_id=patient.name if patient is not None else None,
        target_candidates=tuple(drafts[position].name for position in structure.candidates),
        warnings=(*_warnings(profile), *_concept_warnings(ordered)),
        changes=changes,
    )


def _safe_history(drafts: Sequence[ColumnDraft], history: HistoryColumns) -> HistoryStructure:
    """By alias, in their order."""
    return HistoryStructure(
        time=None if history.time is None else drafts[history.time].safe.alias,
        statics=_aliases(drafts, history.statics),
        end=None if history.end is None else drafts[history.end].safe.alias,
        event=None if history.event is None else drafts[history.event].safe.alias,
        once=_aliases(drafts, history.once),
        ordered=history.ordered,
        rows_per_patient=two_digits(history.rows_per_patient),
    )


def _aliases(drafts: Sequence[ColumnDraft], positions: Iterable[int]) -> tuple[str, ...]:
    return tuple(sorted((drafts[position].safe.alias for position in positions), key=lambda alias: int(alias[1:])))


def _column_profile(
    draft: ColumnDraft, scale: float, history: HistoryColumns | None, structure: Structure
) -> ColumnProfile:
    facts, rule = draft.facts, draft.treatment
    coded = 0
    if facts.number is not None and facts.number.sentinels and facts.values.numbers is not None:
        tally = dict(zip(facts.values.numbers.to_pylist(), facts.values.counts.to_pylist(), strict=True))
        coded = round(sum(tally.get(code, 0) for code in facts.number.sentinels) / scale)
    return ColumnProfile(
        name=draft.name,
        safe=draft.safe,
        missing=min(facts.totals.rows - facts.totals.present + coded, facts.totals.rows),
        distinct=facts.distinct,
        quasi_identifier=draft.decision.quasi,
        recognised_by=draft.decision.reason,
        treatment=Treatment(
            alias=draft.safe.alias,
            column=draft.name,
            action=rule.action,
            how=rule.how,
            patient=draft.safe.role == "patient_id",
            part=part_of(draft, history),
            outcome=structure.outcome_part(draft.position),
            short_years=rule.how == "age_from_birth" and facts.date is not None and facts.date.short_year,
            constant=rule.action == "drop" and draft.safe.kind == "constant",
            labels=facts.number is not None and draft.decision.kind in ("code", "categorical"),
            missing_codes=facts.number.sentinels if facts.number is not None else (),
            concept=draft.safe.concept,
            unit=draft.safe.unit,
            rule=rule.rule,
            reference=rule.reference,
        ),
    )


def _concept_warnings(drafts: Sequence[ColumnDraft]) -> tuple[str, ...]:
    return tuple(f"{draft.safe.alias} ({draft.safe.concept}): {draft.caution}" for draft in drafts if draft.caution)


def _warnings(profile: SafeProfile) -> tuple[str, ...]:
    """Sentences about the table that name aliases only."""
    warnings = []
    leaks = [column.alias for column in profile.columns if column.leaks_target]
    if leaks:
        warnings.append(f"{', '.join(leaks[:10])} give the target away; a fit that keeps them learns nothing else")
    target = profile.target
    if target is not None and target.action == "drop":
        why = "has one value" if target.kind == "constant" else "is dropped before a fit"
        warnings.append(f"the target {target.alias} {why}: nothing to predict, and utility is judged without it")
    if profile.rows < 100:
        warnings.append(
            "below 100 rows quartiles at most are told, and most synthesizers have too little to learn from"
        )
    if profile.patients is not None and profile.patients < 0.9 * profile.rows:
        warnings.append("a patient has several rows: counts are of patients, and rows of one patient belong together")
    return tuple(warnings)
