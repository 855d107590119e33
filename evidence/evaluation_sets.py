"""Evaluate linked tables as one set: may it be released, what is lost; keys, rows, whole patients and their histories.

Each table is attacked as a table of single rows is, with what is the same in all rows of a patient beside each row, and
so are whole patients. Of every threshold the worst table counts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic_core import to_jsonable_python

from ..profiling import open_table
from ..profiling.readers.to_pandas import as_frame
from ..schemas.base import Frozen
from ..schemas.compliance import POLICIES, Compliance, ValueProtection
from ..schemas.errors import TableError
from ..schemas.profile import TableProfile
from ..schemas.settings import Settings
from ..synthesizers.encoding.sets.linked_set import LinkedSet
from ..synthesizers.encoding.sets.prepared_set import PreparedSet
from ..synthesizers.running.run_card import RunCard
from .disclosure.measure import Disclosure, measure_disclosure, measure_overlap_alone
from .disclosure.overlap import Overlap
from .disclosure.values_of_few import ValuesOfFew, count_values_of_few
from .evaluation import rounded
from .evaluation_histories import ComparedSets, HistoryEvaluation, compare_histories
from .evaluation_inputs import quasi_identifiers_of
from .histories.disclosure import PatientDisclosure
from .histories.link_tables import link_tables
from .histories.survival import rows_after_death
from .metrics.comparable import Array
from .metrics.fidelity import Fidelity, measure_fidelity
from .release import Release, ReleaseDecision, decide_release, failed_thresholds, persons_needed
from .thresholds.disclosure import judge_disclosure, judge_patients
from .thresholds.quality import judge_histories, judge_quality, judge_set
from .thresholds.verdict import ThresholdVerdict, worst_of

__all__ = ["SetEvaluation", "TableEvaluation", "evaluate_set", "set_record", "split_patients"]

_FEWEST_PERSONS = 10
"""Held-out patients below which no attack is tried."""
_FEWEST_TO_COMPARE = 100
"""Held-out rows below which the fitted rows are the better yardstick of fidelity (judgement)."""
_MOST_ROWS = 5_000
"""Rows of each part that fidelity looks at."""

Say = Callable[[str], None]


class TableEvaluation(Frozen):
    """One table of a set: of event rows, or of what is the same in all rows of a patient."""

    rows_real: int
    rows_synthetic: int
    fidelity: Fidelity
    disclosure: Disclosure | None
    """None where too few patients were held out to attack."""
    overlap: Overlap
    values_of_few: ValuesOfFew


class SetEvaluation(Frozen):
    """What was measured of a synthetic set, what the compliance level says to it, and whether it may be released."""

    compliance: Compliance
    decision: ReleaseDecision
    method: str | None
    patients_real: int
    patients_held_out: int
    patients_synthetic: int
    orphans: dict[str, int]
    """Event table → rows whose patient is in no other table."""
    repeated_keys: dict[str, int]
    """Table of patients → keys that come twice."""
    rows_per_patient: dict[str, float]
    """Event table → mean rows a patient, over the real one."""
    rows_per_patient_seen: dict[str, float]
    """The same over the real table as the fit saw it: the longest histories cut, so that no length is of few."""
    after_death: dict[str, float]
    """Event table → share of rows after their patient's death, where deaths are told and rows have times."""
    after_death_real: dict[str, float]
    """The same of the real table."""
    tables: dict[str, TableEvaluation]
    patients: PatientDisclosure | None
    """Whole patients under attack; None where too few were held out."""
    histories: dict[str, HistoryEvaluation]
    """Event table → figures by patient; empty where too few were held out."""
    verdicts: tuple[ThresholdVerdict, ...]
    notes: tuple[str, ...] = ()

    @property
    def release(self) -> Release:
        """``yes``, ``no`` or ``not shown``."""
        return self.decision.release

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the failed thresholds, those of disclosure first."""
        return failed_thresholds(self.verdicts)

    @property
    def passes(self) -> bool:
        """It may be released, and no threshold of quality is failed."""
        return self.release == "yes" and not self.failed

    def to_json(self) -> str:
        """Every figure with its interval, as JSON."""
        return json.dumps(to_jsonable_python(set_record(self)), ensure_ascii=False, indent=2)

    def to_html(self) -> str:
        """A page that needs nothing else."""
        from .report.set_page import set_page

        return set_page(self)


def set_record(evaluation: SetEvaluation) -> dict[str, Any]:
    """For JSON: the answer first, every figure with its interval."""
    record = evaluation.model_dump(mode="json")
    for name, table in evaluation.tables.items():
        record["tables"][name]["fidelity"] = {**asdict(table.fidelity), "overall": table.fidelity.overall}
    return {
        "release": evaluation.release,
        "reason": evaluation.decision.reason,
        **rounded(record),
        "passes": evaluation.passes,
    }


def evaluate_set(
    real: Mapping[str, Any],
    synthetic: Any,
    *,
    card: RunCard | None = None,
    keys: Mapping[str, str] | None = None,
    compliance: Compliance | None = None,
    seed: int = 0,
    say: Say | None = None,
) -> SetEvaluation:
    """Hold a synthetic set against the real one and say whether it may be released.

    Args:
        real: Name → the real table.
        synthetic: What ``synthesize_set`` made, which brings its run card along, or name → synthetic table.
        card: Its run card: which patients were held out.
        keys: Table → column of the patient's key, where it is not to be found.
        compliance: Level to be judged by; by default the setting's.
        seed: Of the evaluation's own draws.
        say: Told what happens, one sentence at a time.

    Raises:
        TableError: The sets hold different tables or columns, or cannot be read or linked.
    """
    if hasattr(synthetic, "tables") and hasattr(synthetic, "card"):
        card, synthetic = card or synthetic.card, synthetic.tables
    if set(real) != set(synthetic):
        raise TableError(f"the sets hold different tables: {', '.join(sorted(set(real) ^ set(synthetic)))}")
    profiled = link_tables(real, keys=keys)
    tables = profiled.tables
    made = {name: as_frame(open_table(table)) for name, table in synthetic.items()}
    for item in tables.tables:
        if item.key not in made[item.name].columns:
            raise TableError(f"the synthetic table {item.name!r} has no column {str(item.key)!r}, the patient's key")
    held = None if card is None else card.held_out
    inside, outside = split_patients(len(tables.keys()), 0.0 if held is None else held.share, held.seed if held else 0)
    protection = None if card is None or card.protection is None else ValueProtection(k=card.protection.k)
    sets = ComparedSets.of(tables, made, inside, outside, protection)
    return _Judge(sets, made, profiled.profiles, compliance or Settings().compliance_level, card, seed).judge(
        say or _say_nothing
    )


def split_patients(count: int, share: float, seed: int) -> tuple[Array, Array]:
    """Positions of the patients whom a fit sees, and of those whom it does not see."""
    order = np.random.default_rng(seed).permutation(count)
    out = round(share * count)
    return np.sort(order[out:]), np.sort(order[:out])


@dataclass(frozen=True, slots=True)
class _Judge:
    sets: ComparedSets
    made: Mapping[str, pd.DataFrame]
    profiles: Mapping[str, TableProfile]
    compliance: Compliance
    card: RunCard | None
    seed: int

    def judge(self, tell: Say) -> SetEvaluation:
        sets, real = self.sets, self.sets.tables
        fitted, held_out = len(sets.fitted), len(sets.held_out)
        needed = persons_needed(self.compliance, fitted / held_out if held_out else 4.0)
        if held_out < needed:
            tell(
                f"{held_out} patients were held out of the fit: no set can be shown to be safe at {self.compliance}; "
                f"{needed} would do"
            )
        attacked = held_out >= _FEWEST_PERSONS
        notes = [] if attacked else ["too few patients were held out of the fit: disclosure cannot be judged"]
        found: dict[str, TableEvaluation] = {}
        by_table: dict[str, tuple[ThresholdVerdict, ...]] = {}
        for name in self._names():
            tell(f"disclosure and fidelity of {name}")
            found[name], by_table[name], sampled = self._table(name, attacked)
            notes += [f"{name}: the attacks looked at {sampled}"] if sampled else []
        tell("histories")
        histories, patients = compare_histories(sets, self.seed)
        known = self._known_keys()
        orphans = {t.name: int((~self.made[t.name][t.key].isin(known)).sum()) for t in real.events}
        people = real.patients
        repeated = {} if people is None else {people.name: int(self.made[people.name][people.key].duplicated().sum())}
        ratios = {t.name: self._rows_per_patient(t.name, known) for t in real.events}
        names = [t.name for t in real.events]
        dead = dict(zip(names, rows_after_death(sets.made), strict=True))
        dead_real = dict(zip(names, rows_after_death(sets.model), strict=True))
        seen = {name: h.figures["rows_per_patient"] / h.floor["rows_per_patient"] for name, h in histories.items()
                if h.figures["rows_per_patient"] and h.floor["rows_per_patient"]}  # fmt: skip
        verdicts = (
            *worst_of(by_table),
            *judge_patients(self.compliance, patients),
            *judge_set(sum(orphans.values()) + sum(repeated.values()), dead, dead_real),
            *worst_of({n: judge_histories(self.compliance, h.figures, h.floor) for n, h in histories.items()}),
        )
        return SetEvaluation(
            compliance=self.compliance,
            decision=decide_release(self.compliance, verdicts, fitted, held_out if attacked else 0),
            method=None if self.card is None else self.card.method,
            patients_real=len(sets.model.people),
            patients_held_out=held_out,
            patients_synthetic=len(known),
            orphans=orphans,
            repeated_keys=repeated,
            rows_per_patient=ratios,
            rows_per_patient_seen=seen,
            after_death={name: share for name, share in dead.items() if share is not None},
            after_death_real={name: share for name, share in dead_real.items() if share is not None},
            tables=found,
            patients=patients,
            histories=histories,
            verdicts=verdicts,
            notes=tuple(notes),
        )

    def _names(self) -> list[str]:
        """The tables that are attacked: the patients', where anything is told of them, and each event table."""
        people = self.sets.tables.patients
        own = [] if people is None or not self.sets.model.people.shape[1] else [people.name]
        return [*own, *(item.name for item in self.sets.tables.events)]

    def _table(self, name: str, attacked: bool) -> tuple[TableEvaluation, tuple[ThresholdVerdict, ...], str]:
        sets = self.sets
        whole, owners = self._rows(sets.model, name)
        made, _ = self._rows(sets.made, name)
        if not len(made):
            raise TableError(f"the synthetic table {name!r} has no rows")
        made = made.reindex(columns=whole.columns)
        inside, outside = np.isin(owners, sets.fitted), np.isin(owners, sets.held_out)
        fitted, held_out = (whole[rows].reset_index(drop=True) for rows in (inside, outside))
        disclosure, sampled = None, ""
        if attacked and len(held_out):
            disclosure = measure_disclosure(
                fitted, held_out, made, self.seed, fitted_persons=owners[inside], held_out_persons=owners[outside],
                quasi=self._quasi(whole),
            )  # fmt: skip
            overlap, sampled = disclosure.overlap, disclosure.sampled
        else:
            overlap = measure_overlap_alone(fitted, made, self.seed, persons=owners[inside])
        few = count_values_of_few(whole, made, owners, POLICIES[self.compliance].min_persons)
        fidelity, noise = self._fidelity(name, fitted, held_out, made)
        card = self.card
        verdicts = (
            *judge_disclosure(
                self.compliance, persons=len(sets.model.people), disclosure=disclosure, overlap=overlap, few=few,
                spent=card.dp if card else None, rows_per_person=int(np.bincount(owners).max()),
                made_by_known_method=card is not None,
            ),
            *judge_quality(self.compliance, rows=len(whole), fidelity=fidelity, utility=None, noise=noise),
        )  # fmt: skip
        kept = tuple(v for v in verdicts if v.name != "tstr_ratio")
        table = TableEvaluation(
            rows_real=len(whole), rows_synthetic=len(made), fidelity=fidelity, disclosure=disclosure, overlap=overlap,
            values_of_few=few,
        )  # fmt: skip
        return table, kept, sampled

    def _rows(self, prepared: PreparedSet, name: str) -> tuple[pd.DataFrame, Array]:
        """Rows as they entered the fit, what is the same in all rows of their patient beside them; whose they are."""
        tables: LinkedSet = self.sets.tables
        if tables.patients is not None and name == tables.patients.name:
            return prepared.people, np.arange(len(prepared.people))
        i = next(i for i, item in enumerate(tables.events) if item.name == name)
        rows = prepared.events[i]
        statics = prepared.people.iloc[rows.owners].reset_index(drop=True)
        return pd.concat([rows.cells.reset_index(drop=True), statics], axis=1), rows.owners

    def _fidelity(
        self, name: str, fitted: pd.DataFrame, held_out: pd.DataFrame, made: pd.DataFrame
    ) -> tuple[Fidelity, Fidelity | None]:
        unseen = len(held_out) >= _FEWEST_TO_COMPARE
        rng = np.random.default_rng(self.seed)
        fitted, held_out, made = (_some(part, rng) for part in (fitted, held_out, made))
        fidelity = measure_fidelity(held_out if unseen else fitted, made, self.seed)
        if not unseen:
            return fidelity, None
        seen, _ = self._rows(self.sets.seen(), name)
        return fidelity, measure_fidelity(held_out, _some(seen, rng), self.seed)

    def _quasi(self, whole: pd.DataFrame) -> tuple[Any, ...]:
        told = {name: quasi_identifiers_of(profile) for name, profile in self.profiles.items()}
        homes = self.sets.model.homes
        of_events = {column for item in self.sets.tables.events for column in told[item.name]}
        return tuple(
            name
            for name in whole.columns
            if (str(homes[name][1]) in told[homes[name][0]] if name in homes else str(name) in of_events)
        )

    def _known_keys(self) -> pd.Index:
        """The synthetic patients: of the patients table, else of all tables."""
        people = self.sets.tables.patients
        items = [people] if people is not None else self.sets.tables.events
        return pd.Index(pd.unique(pd.concat([self.made[item.name][item.key].dropna() for item in items])))

    def _rows_per_patient(self, name: str, known: pd.Index) -> float:
        tables = self.sets.tables
        size = len(next(t for t in tables.events if t.name == name).table) / max(len(tables.keys()), 1)
        return len(self.made[name]) / max(len(known), 1) / size


def _some(rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    if len(rows) <= _MOST_ROWS:
        return rows
    return rows.iloc[np.sort(rng.choice(len(rows), _MOST_ROWS, replace=False))].reset_index(drop=True)


def _say_nothing(text: str) -> None:
    """For those who do not listen."""
