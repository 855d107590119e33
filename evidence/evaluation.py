"""Evaluate a synthetic table: may it be released, what is it good for, what is lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

import pandas as pd
from pydantic_core import to_jsonable_python

from ..schemas.base import Frozen, count_of
from ..schemas.compliance import POLICIES, Compliance, ValueProtection
from ..schemas.options import Tradeoff
from ..schemas.request import EvidenceMetrics
from ..schemas.settings import Settings
from ..synthesizers.progress import Say, Step, say_nothing, shown_in_notebooks
from ..synthesizers.running.run_card import RunCard
from .disclosure.audit import LeaveOneOut, audit_loneliest
from .disclosure.measure import Disclosure, measure_disclosure, measure_overlap_alone
from .disclosure.overlap import Overlap
from .disclosure.values_of_few import ValuesOfFew, count_values_of_few
from .evaluation_histories import HistoryEvaluation, evaluate_histories
from .evaluation_inputs import Comparison, prepare
from .metrics.fidelity import Fidelity
from .metrics.joint import JointFidelity
from .metrics.missingness import Missingness
from .metrics.pairs import PairTie, compare_pairs
from .metrics.plausibility import Plausibility
from .metrics.regression import Inference
from .metrics.side_by_side import Marginal, compare_gaps, compare_marginals
from .metrics.subgroups import Subgroup
from .metrics.survival import Survival
from .metrics.utility import ColumnUtility, Utility
from .quality import measure_quality, protected_as_for_the_fit
from .recommender.score import ScoreParts, Scorer
from .refit import refit_of
from .release import Release, ReleaseDecision, decide_release, failed_thresholds, persons_needed
from .thresholds.disclosure import judge_disclosure, judge_patients
from .thresholds.quality import judge_histories, judge_quality
from .thresholds.verdict import ThresholdVerdict

__all__ = ["Depth", "Evaluation", "as_record", "evaluate", "expected_seconds", "rounded"]

Depth = Literal["quick", "full"]

_FEWEST_PERSONS = 10
"""Held-out persons below which no attack is tried."""
_BASE_SECONDS, _COLUMN_SECONDS, _CELL_SECONDS, _MOST_LOOKED_AT = 1.5, 0.25, 0.00018, 5000
"""Cost of an evaluation by its table's size: CPU seconds, within a third of what ten clinical tables took."""
_TRADEOFF: Tradeoff = "balanced"


class Evaluation(Frozen):
    """What was measured, what the compliance level says to it, and whether the table may be released."""

    compliance: Compliance
    decision: ReleaseDecision
    method: str | None
    rows_real: int
    rows_held_out: int
    rows_synthetic: int
    persons: int
    """Of the real table; rows where no column tells persons apart."""
    columns: int
    fidelity: Fidelity
    utility: Utility | None
    """Of the target; None without one."""
    score: ScoreParts | None = None
    """The one score, by balanced weights; None where nothing was held out."""
    joint: JointFidelity | None = None
    missingness: Missingness | None = None
    plausibility: Plausibility | None = None
    subgroups: tuple[Subgroup, ...] = ()
    global_utility: tuple[ColumnUtility, ...] = ()
    """Columns in turn as the target."""
    inference: Inference | None = None
    survival: Survival | None = None
    disclosure: Disclosure | None
    """None where too few persons were held out to attack."""
    audit: LeaveOneOut | None = None
    """Fits with and without the loneliest persons; None without a run card, or where a fit is dear."""
    overlap: Overlap
    values_of_few: ValuesOfFew | None = None
    k_anonymity: int | None = None
    """Smallest group of equal quasi-identifiers in the synthetic table: shown, not judged."""
    quasi_identifiers: tuple[str, ...] = ()
    verdicts: tuple[ThresholdVerdict, ...]
    notes: tuple[str, ...] = ()
    history: HistoryEvaluation | None = None
    """Figures by patient, where a patient has several rows."""
    pairs: tuple[PairTie, ...] = ()
    """How strongly columns go together, real beside synthetic."""
    gaps: Marginal | None = None
    """Shares of missing cells, column by column."""
    marginals: tuple[Marginal, ...] = ()
    """Columns side by side, for plots; without those that may point to a person by themselves."""

    @property
    def release(self) -> Release:
        """``yes``, ``no`` or ``not shown``."""
        return self.decision.release

    @property
    def passes(self) -> bool:
        """It may be released, and no threshold of quality is failed."""
        return self.release == "yes" and not self.failed

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the failed thresholds, those of disclosure first."""
        return failed_thresholds(self.verdicts)

    @property
    def risk(self) -> float | None:
        """Scaled so that a row copy is 1; None where nothing was held out."""
        return None if self.disclosure is None else self.disclosure.risk

    def to_metrics(self) -> EvidenceMetrics:
        """As the next round of a selection takes them."""
        return EvidenceMetrics(
            fidelity=self.fidelity.overall,
            utility=self.utility.score if self.utility else None,
            membership_auc=self.disclosure.membership_auc.value if self.disclosure else None,
        )

    def to_json(self) -> str:
        """Every figure with its interval, as JSON."""
        return json.dumps(to_jsonable_python(as_record(self)), ensure_ascii=False, indent=2)

    def to_html(self) -> str:
        """A page that needs nothing else."""
        from .report.page import evaluation_page

        return evaluation_page(self)

    def _repr_html_(self) -> str:
        from .report.page import evaluation_fragment

        return evaluation_fragment(self)


@shown_in_notebooks
def evaluate(
    real: Any,
    synthetic: Any,
    *,
    card: RunCard | None = None,
    holdout: Any = None,
    train: Any = None,
    target: str | None = None,
    patient_id: str | None = None,
    compliance: Compliance | None = None,
    quasi_identifiers: Sequence[str] | None = None,
    sensitive: Sequence[str] | None = None,
    depth: Depth = "full",
    seed: int = 0,
    say: Say | None = None,
) -> Evaluation:
    """Hold ``synthetic`` against the table it was made from.

    Args:
        real: The whole real table, as it was given to the synthesis: a path or a frame of any kind.
        synthetic: The synthetic table, or what ``synthesize`` returned, which brings its run card along.
        card: Its run card: which rows were held out and how columns were treated.
        holdout: Real rows that the fit never saw, for a table made elsewhere.
        train: Real rows that the fit saw, where those are not all of ``real``; the others then count as held out.
        target: Column for utility.
        patient_id: Column that tells persons apart; by default the run card's or the profile's.
        compliance: Level to be judged by; by default the setting's.
        quasi_identifiers: Columns that outsiders know; by default the profile's.
        sensitive: Columns that nobody may infer; by default all others.
        depth: ``quick`` leaves out all that the release and the thresholds do not need.
        seed: Of the evaluation's own draws.
        say: Told what happens, one sentence at a time.

    Raises:
        TableError: The tables are unrelated, cannot be read, or a named column is not among the shared ones.
    """
    tell = say or say_nothing
    if hasattr(synthetic, "table") and hasattr(synthetic, "card"):
        card, synthetic = card or synthetic.card, synthetic.table
    level = compliance or Settings().compliance_level
    parts = prepare(
        real, synthetic, card=card, holdout=holdout, train=train, target=target, patient_id=patient_id,
        quasi_identifiers=quasi_identifiers,
    )  # fmt: skip
    notes = list(parts.notes)
    held_out, fitted = (len(pd.unique(one)) for one in (parts.held_out_persons, parts.fitted_persons))
    needed = persons_needed(level, fitted / held_out if held_out else 4.0)
    if held_out < needed:
        tell(
            f"held out of the fit: {count_of(held_out, 'person')}; no table can be shown to be safe at {level}; "
            f"{needed} would do"
        )
    attacked = held_out >= _FEWEST_PERSONS
    if not attacked:
        notes.append("too few persons were held out of the fit: disclosure and utility cannot be judged")
    expected = expected_seconds(parts.rows_real, len(parts.synthetic.columns))
    tell(Step("judging disclosure, then fidelity and utility", expected))
    if attacked:
        disclosure = measure_disclosure(
            parts.fitted, parts.held_out, parts.synthetic, seed, fitted_persons=parts.fitted_persons,
            held_out_persons=parts.held_out_persons, quasi=parts.quasi, sensitive=sensitive,
        )  # fmt: skip
        overlap = disclosure.overlap
        if disclosure.sampled:
            notes.append(f"the attacks looked at {disclosure.sampled}")
    else:
        disclosure = None
        overlap = measure_overlap_alone(parts.fitted, parts.synthetic, seed, persons=parts.fitted_persons)
    audit = _audit(parts, card, seed) if card is not None and depth == "full" and attacked else None
    public = map(str, parts.whole.columns) if card is not None and card.dp is not None and card.dp.public_bounds else ()
    few = count_values_of_few(
        parts.whole, parts.whole_synthetic, parts.whole_persons, POLICIES[level].min_persons, frozenset(public)
    )
    tell(Step("judging fidelity and utility", expected / 2))
    quality, sampled = measure_quality(parts, card, target, seed, full=depth == "full")
    notes += sampled
    history = _histories(parts, card, seed, tell)
    verdicts = (
        *judge_disclosure(
            level, persons=parts.persons, disclosure=disclosure, overlap=overlap, few=few, audit=audit,
            spent=card.dp if card else None, rows_per_person=parts.rows_per_person,
            made_by_known_method=card is not None,
        ),
        *judge_quality(level, rows=parts.rows_real, fidelity=quality.fidelity, utility=quality.utility,
            noise=quality.noise),
        *(() if history is None else judge_patients(level, history.patients)),
        *(() if history is None else judge_histories(level, history.figures, history.floor)),
    )  # fmt: skip
    return Evaluation(
        compliance=level,
        decision=decide_release(level, verdicts, fitted, held_out if attacked else 0),
        method=card.method if card else None,
        rows_real=parts.rows_real,
        rows_held_out=len(parts.held_out),
        rows_synthetic=len(parts.synthetic),
        persons=parts.persons,
        columns=len(parts.synthetic.columns),
        fidelity=quality.fidelity,
        utility=quality.utility,
        score=_score(parts, card, target, seed, depth),
        joint=quality.joint,
        missingness=quality.missingness,
        plausibility=quality.plausibility,
        subgroups=quality.subgroups,
        global_utility=quality.global_utility,
        inference=quality.inference,
        survival=quality.survival,
        disclosure=disclosure,
        audit=audit,
        overlap=overlap,
        values_of_few=few,
        k_anonymity=_k_anonymity(parts),
        quasi_identifiers=tuple(map(str, parts.quasi)),
        verdicts=verdicts,
        notes=tuple(notes),
        history=history,
        pairs=compare_pairs(parts.fitted, parts.synthetic, seed) if depth == "full" else (),
        gaps=compare_gaps(parts.fitted, parts.synthetic),
        marginals=_marginals(parts, card),
    )


def expected_seconds(rows: int, columns: int) -> float:
    """Wall-clock seconds of an evaluation on a machine with nothing else to do.

    Args:
        rows: Of the real table.
        columns: That are compared.
    """
    return _BASE_SECONDS + columns * (_COLUMN_SECONDS + _CELL_SECONDS * min(rows, _MOST_LOOKED_AT))


def as_record(evaluation: Evaluation) -> dict[str, object]:
    """For JSON: the answer first, every figure with its interval."""
    record = evaluation.model_dump(mode="json")
    record["fidelity"] = {**asdict(evaluation.fidelity), "overall": evaluation.fidelity.overall}
    return {
        "release": evaluation.release,
        "reason": evaluation.decision.reason,
        **rounded(record),
        "risk": evaluation.risk,
        "passes": evaluation.passes,
        # As replan takes them.
        "metrics": evaluation.to_metrics().model_dump(mode="json"),
    }


def rounded(record: Any) -> Any:
    """``record`` with four digits of each figure.

    The report is a release of its own: four digits are enough for every reader."""
    if isinstance(record, dict):
        return {name: rounded(value) for name, value in record.items()}
    if isinstance(record, list | tuple):
        return [rounded(value) for value in record]
    return float(f"{record:.4g}") if isinstance(record, float) else record


def _audit(parts: Comparison, card: RunCard, seed: int) -> LeaveOneOut | None:
    refit = refit_of(card)
    if refit is None:
        return None
    fitted = protected_as_for_the_fit(parts.fitted, parts.fitted_persons, card, seed)
    return audit_loneliest(fitted, parts.fitted_persons, refit, seed)


def _histories(parts: Comparison, card: RunCard | None, seed: int, tell: Say) -> HistoryEvaluation | None:
    if not parts.persons_known or not len(parts.held_out):
        return None
    tell("histories")
    protection = None if card is None or card.protection is None else ValueProtection(k=card.protection.k)
    return evaluate_histories(
        parts.raw_real, parts.raw_synthetic, parts.treatments, parts.fitted_persons, parts.held_out_persons, seed,
        protection,
    )  # fmt: skip


def _score(parts: Comparison, card: RunCard | None, target: str | None, seed: int, depth: Depth) -> ScoreParts | None:
    if not len(parts.held_out):
        return None
    scorer = Scorer(
        parts.fitted, parts.held_out, target=target, train_persons=parts.fitted_persons,
        held_out_persons=parts.held_out_persons, depth=depth, seed=seed,
        protected=protected_as_for_the_fit(parts.fitted, parts.fitted_persons, card, seed),
        emphasis=() if card is None else {item.column for item in card.treatments if item.alias in card.plan.emphasis},
    )  # fmt: skip
    return scorer.score(parts.synthetic, tradeoff=_TRADEOFF)


def _marginals(parts: Comparison, card: RunCard | None) -> tuple[Marginal, ...]:
    if card is None and parts.profile is None:
        # Nothing is known of the columns, and some may name persons.
        return ()
    names = list(parts.synthetic.columns)
    return compare_marginals(parts.whole[names], parts.synthetic, pd.Series(parts.whole_persons))


def _k_anonymity(parts: Comparison) -> int | None:
    if not parts.quasi:
        return None
    return int(parts.synthetic.groupby(list(parts.quasi), dropna=False, observed=True).size().min())
