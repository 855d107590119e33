"""What only several columns together tell: patient identifier, grain, survival pair, target candidates, leakage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..schemas.profile import Grain
from .kinds.column_facts import Evidence
from .kinds.column_values import integer_scalar, number_scalar
from .kinds.decision import Verdict

__all__ = ["Structure", "find_patient", "find_structure", "person_codes"]

_PATIENT_WORDS = (
    "patient", "pat", "pt", "subject", "subj", "usubjid", "person", "participant", "proband", "member", "beneficiary",
    "bene", "desynpuf", "mrn", "pid", "pidnum", "patid", "ptid", "seqn", "paciente", "patienten", "sejour",
)  # fmt: skip
_VISIT_WORDS = ("encounter", "visit", "admission", "hadm", "stay", "icustay", "episode", "fall", "csn", "visitnum")
_EVENT_WORDS = ("event", "row", "record", "prescription", "order", "specimen", "claim", "result", "test")
_OUTCOME_FIRST = (
    "target", "class", "outcome", "label", "y", "readmitted", "readmission", "mortality", "died", "death", "dead",
    "survived", "response", "endpoint", "ziel", "zielgroesse", "diagnosis", "status", "event", "relapse",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Structure:
    """Roles found in a table, as positions of columns."""

    patient: int | None
    grain: Grain
    event_time: int | None
    event_indicator: int | None
    candidates: tuple[int, ...]
    leaks: frozenset[int]


def find_patient(evidence: Sequence[Evidence], verdicts: Sequence[Verdict]) -> int | None:
    """The column that tells patients apart, or None where no identifier could be one.

    A name that says patient wins; else a lone ``id``; else the identifier that repeats most, being the outermost key.
    """
    keys = [
        place
        for place, verdict in enumerate(verdicts)
        if verdict.kind == "identifier" and evidence[place].totals.present >= 0.9 * evidence[place].totals.rows
    ]
    if not keys:
        return None
    for word in _PATIENT_WORDS:
        for place in keys:
            header = evidence[place].header
            if word in header.tokens or header.joined in (word, f"{word}id"):
                return place
    repeating = [place for place in keys if 0.0 < evidence[place].unique_share < 0.95]
    if repeating:
        return min(repeating, key=lambda place: (evidence[place].totals.distinct, place))
    plain = [place for place in keys if evidence[place].header.joined in ("id", "nr", "no", "key")]
    if plain:
        return plain[0]
    return keys[0] if len(keys) == 1 else None


def person_codes(evidence: Evidence) -> pa.Array | None:
    """Person per row of the sample, or None where every row is another person."""
    if evidence.unique_share >= 0.999:
        return None
    return evidence.cells.codes


def find_structure(
    evidence: Sequence[Evidence], verdicts: Sequence[Verdict], patient: int | None, target: int | None
) -> Structure:
    """Grain, survival pair, target candidates and leakage."""
    time, indicator = _survival_pair(evidence, verdicts, target)
    candidates = () if target is not None else _candidates(evidence, verdicts, indicator)
    return Structure(
        patient=patient,
        grain=_grain(evidence, verdicts, patient),
        event_time=time,
        event_indicator=indicator,
        candidates=candidates,
        leaks=_leaks(evidence, verdicts, target) if target is not None else frozenset(),
    )


def _grain(evidence: Sequence[Evidence], verdicts: Sequence[Verdict], patient: int | None) -> Grain:
    if patient is None:
        return "unknown"
    if evidence[patient].unique_share >= 0.98:
        return "patient"
    for place, verdict in enumerate(verdicts):
        if place != patient and verdict.kind == "identifier" and evidence[place].unique_share >= 0.98:
            words = evidence[place].header.tokens
            if (
                any(word in words for word in _VISIT_WORDS)
                and evidence[place].totals.present == evidence[place].totals.rows
            ):
                return "visit"
    keys = [p for p, v in enumerate(verdicts) if v.kind == "identifier" and p != patient]
    visits = [p for p in keys if any(word in evidence[p].header.tokens for word in _VISIT_WORDS)]
    if visits or any(word in evidence[p].header.tokens for p in keys for word in _EVENT_WORDS):
        return "event"
    measures = sum(v.kind in ("continuous", "count", "event_time") for v in verdicts)
    return "visit" if measures >= 2 else "event"


def _survival_pair(
    evidence: Sequence[Evidence], verdicts: Sequence[Verdict], target: int | None
) -> tuple[int | None, int | None]:
    """Time and indicator belong together: one without the other is no survival outcome."""
    times = [
        place
        for place, verdict in enumerate(verdicts)
        if verdict.kind in ("event_time", "continuous", "count")
        and evidence[place].header.says("follow_whole")
        and evidence[place].distinct > 20
    ]
    flags = [
        place
        for place, verdict in enumerate(verdicts)
        if verdict.kind in ("event_indicator", "boolean")
        and evidence[place].header.says("event_whole", "death")
        and evidence[place].distinct >= 2
    ]
    if not times or not flags:
        return None, None
    time = times[0]
    if target in flags:
        return time, target
    return time, min(flags, key=lambda place: (verdicts[place].kind != "event_indicator", abs(place - time)))


def _candidates(evidence: Sequence[Evidence], verdicts: Sequence[Verdict], indicator: int | None) -> tuple[int, ...]:
    scored: list[tuple[int, int, int]] = []
    for place, verdict in enumerate(verdicts):
        if verdict.direct or verdict.withheld or verdict.kind in ("constant", "identifier", "code", "event_time"):
            continue
        tokens = (*evidence[place].header.tokens, evidence[place].header.joined)
        ranks = [rank for rank, word in enumerate(_OUTCOME_FIRST) if word in tokens]
        if place == indicator:
            scored.append((-1, 0, place))
        elif ranks:
            scored.append((min(ranks), 0, place))
        elif evidence[place].header.says("outcome"):
            scored.append((len(_OUTCOME_FIRST), 0, place))
        elif place == len(verdicts) - 1 and 2 <= evidence[place].distinct <= 10:
            scored.append((len(_OUTCOME_FIRST) + 1, 0, place))
    return tuple(place for _, _, place in sorted(scored)[:3])


def _leaks(evidence: Sequence[Evidence], verdicts: Sequence[Verdict], target: int) -> frozenset[int]:
    """Columns that give the target away: nearly one value of the target per level, or the same number."""
    goal = evidence[target]
    found = set()
    for place, verdict in enumerate(verdicts):
        if place == target or verdict.kind in ("constant", "identifier") or verdict.direct or verdict.withheld:
            continue
        if _gives_away(evidence[place], goal):
            found.add(place)
    return frozenset(found)


def _gives_away(column: Evidence, goal: Evidence) -> bool:
    if goal.distinct > 20:
        return goal.number is not None and column.number is not None and abs(_correlation(column, goal)) > 0.999
    if not 2 <= column.distinct <= 50:
        return False
    size = len(goal.cells.values)
    packed = pc.add(
        pc.multiply(pc.cast(column.cells.codes, pa.int64()), integer_scalar(size)),
        pc.cast(goal.cells.codes, pa.int64()),
    ).drop_null()
    if len(packed) < 30:
        return False
    tally = pc.value_counts(packed)
    best: dict[int, int] = {}
    levels: dict[int, int] = {}
    for pair, rows in zip(tally.field(0).to_pylist(), tally.field(1).to_pylist(), strict=True):
        best[pair // size] = max(best.get(pair // size, 0), rows)
        levels[pair % size] = levels.get(pair % size, 0) + rows
    hit = sum(best.values()) / len(packed)
    majority = max(levels.values()) / len(packed)
    # Of what the majority guess leaves wrong, at most 1 % may stay wrong.
    return majority < 1.0 and (hit - majority) / (1 - majority) >= 0.99


def _correlation(one: Evidence, other: Evidence) -> float:
    table = pa.table({"x": one.cells.row_numbers, "y": other.cells.row_numbers}).drop_null()
    if table.num_rows < 30:
        return 0.0
    x, y = table["x"], table["y"]
    mean_x, mean_y = pc.mean(x).as_py(), pc.mean(y).as_py()
    dx, dy = pc.subtract(x, number_scalar(mean_x)), pc.subtract(y, number_scalar(mean_y))
    norm = (pc.sum(pc.multiply(dx, dx)).as_py() * pc.sum(pc.multiply(dy, dy)).as_py()) ** 0.5
    return float(pc.sum(pc.multiply(dx, dy)).as_py() / norm) if norm else 0.0


def roles_of(structure: Structure, target: int | None) -> Mapping[int, str]:
    """Position → role, of the columns that have one of their own."""
    roles: dict[int, str] = {}
    if structure.event_time is not None and structure.event_indicator is not None:
        roles[structure.event_time] = "event_time"
        roles[structure.event_indicator] = "event_indicator"
    if structure.patient is not None:
        roles[structure.patient] = "patient_id"
    if target is not None:
        roles[target] = "target"
    return roles
