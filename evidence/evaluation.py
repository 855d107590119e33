"""Evaluate a synthetic table: fidelity, utility, disclosure risk, and the policy's verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd

from ..profiling import profile_table
from ..profiling.readers.to_pandas import as_frame
from ..schemas.base import Frozen
from ..schemas.compliance import DEFAULT_COMPLIANCE, Compliance
from ..schemas.errors import TableError
from ..schemas.request import EvidenceMetrics
from ..synthesizers.encoding.apply_treatments import KEY_ACTION, codes_in, group_column, mask_codes, treat_table
from ..synthesizers.running.holdout import split_rows
from ..synthesizers.running.run_card import RunCard
from .metrics.disclosure import Disclosure, measure_disclosure
from .metrics.fidelity import Fidelity, measure_fidelity
from .metrics.side_by_side import Marginal, compare_marginals
from .metrics.utility import Utility, measure_utility
from .thresholds import Verdict, judge

__all__ = ["Evaluation", "as_record", "evaluate"]


_FEWEST_TO_COMPARE = 100
"""Held-out rows below which the fitted rows are the better yardstick of fidelity (judgement)."""


class Evaluation(Frozen):
    """What was measured and what the compliance level says to it."""

    compliance: Compliance
    method: str | None
    rows_real: int
    rows_held_out: int
    rows_synthetic: int
    columns: int
    fidelity: Fidelity
    utility: Utility | None
    disclosure: Disclosure | None
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...] = ()
    marginals: tuple[Marginal, ...] = ()
    """Columns side by side, for plots; without those that may point to a person by themselves."""

    @property
    def passes(self) -> bool:
        """No threshold is failed."""
        return all(verdict.outcome != "fail" for verdict in self.verdicts)

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


def evaluate(
    real: Any,
    synthetic: Any,
    *,
    card: RunCard | None = None,
    target: str | None = None,
    compliance: Compliance = DEFAULT_COMPLIANCE,
    quasi_identifiers: Sequence[str] = (),
    seed: int = 0,
) -> Evaluation:
    """Hold ``synthetic`` against the table it was made from.

    Args:
        real: The whole real table, as it was given to the synthesis: whatever ``open_table`` takes, or its handle.
        synthetic: The synthetic table, likewise.
        card: Its run card: which rows were held out and how columns were treated. Without it nothing can be said of
            disclosure, for no row is known to be unseen.
        target: Column for utility.
        compliance: Level to be judged by.
        quasi_identifiers: Columns for k-anonymity.
        seed: Of the evaluation's own draws.

    Raises:
        TableError: The tables share too little, or the target is not among the columns.
    """
    real, synthetic = as_frame(real), as_frame(synthetic)
    notes: list[str] = []
    inside, outside, treated = _prepare(real, card, notes)
    shared = [name for name in treated.columns if name in synthetic.columns]
    if not shared or synthetic.empty:
        raise TableError("the two tables share no column, or one of them has no rows")
    if len(shared) < len(treated.columns):
        notes.append(f"{len(treated.columns) - len(shared)} columns of the real table are not in the synthetic one")
    if target is not None and target not in shared:
        raise TableError(f"column {target!r} is not among the columns that both tables have")
    made = synthetic[shared]
    if card is not None:
        made = mask_codes(made, codes_in(card.treatments))
    made = _as_typed(made, treated)
    fitted = treated.iloc[inside][shared].reset_index(drop=True)
    held_out = treated.iloc[outside][shared].reset_index(drop=True)
    known = len(held_out) >= 10
    if not known:
        notes.append("no rows were held out of the fit: disclosure and utility cannot be judged")
    unseen = len(held_out) >= _FEWEST_TO_COMPARE
    fidelity = measure_fidelity(held_out if unseen else fitted, made, seed)
    disclosure = measure_disclosure(fitted, held_out, made, seed) if known else None
    utility = measure_utility(fitted, held_out, made, target, seed) if known and target is not None else None
    quasi = [name for name in quasi_identifiers if name in shared]
    return Evaluation(
        compliance=compliance,
        method=card.method if card else None,
        rows_real=len(real),
        rows_held_out=len(held_out),
        rows_synthetic=len(synthetic),
        columns=len(shared),
        fidelity=fidelity,
        utility=utility,
        disclosure=disclosure,
        verdicts=judge(
            compliance,
            rows=len(real),
            fidelity=fidelity,
            utility=utility,
            disclosure=disclosure,
            spent=card.dp if card else None,
            noise=measure_fidelity(held_out, fitted, seed) if unseen else None,
            made_by_known_method=card is not None,
            k_anonymity=int(made.groupby(quasi, dropna=False, observed=True).size().min()) if quasi else None,
        ),
        notes=tuple(notes),
        marginals=_compare(real, treated[shared], made, card),
    )


def as_record(evaluation: Evaluation) -> dict[str, object]:
    """For JSON: every figure, with the intervals, and the overall outcome."""
    record = evaluation.model_dump(mode="json")
    record["fidelity"] = {**asdict(evaluation.fidelity), "overall": evaluation.fidelity.overall}
    return {**record, "risk": evaluation.risk, "passes": evaluation.passes}


def _compare(
    real: pd.DataFrame, treated: pd.DataFrame, made: pd.DataFrame, card: RunCard | None
) -> tuple[Marginal, ...]:
    if card is not None:
        group = group_column(real, card.treatments)
        return compare_marginals(treated, made, None if group is None else real[group])
    # Nothing is known of the columns: the profile tells which of them name persons.
    try:
        profile = profile_table(real)
    except TableError:
        return ()
    kept = {column.name for column in profile.columns if column.treatment.action == "keep"}
    names = [name for name in treated.columns if str(name) in kept]
    persons = None if profile.patient_id is None else real[profile.patient_id]
    return compare_marginals(treated[names], made[names], persons)


def _group(real: pd.DataFrame, card: RunCard) -> Any:
    """The column that keeps a person's rows together."""
    wanted = None if card.held_out is None else card.held_out.group
    if wanted is None:
        return None
    for name in real.columns:
        if str(name) == wanted:
            return name
    raise TableError("the run card belongs to another table: it has no column that keeps a person's rows together")


def _prepare(
    real: pd.DataFrame, card: RunCard | None, notes: list[str]
) -> tuple[Sequence[int], Sequence[int], pd.DataFrame]:
    if card is None:
        notes.append("no run card: columns are compared as they are")
        return range(len(real)), [], real
    treated = mask_codes(treat_table(real, card.treatments, card.treated_on), codes_in(card.treatments))
    keys = sum(item.action == KEY_ACTION for item in card.treatments)
    if keys:
        notes.append(f"{keys} columns of arbitrary keys are left out")
    if card.held_out is None:
        return range(len(real)), [], treated
    inside, outside = split_rows(real, card.held_out.share, card.held_out.seed, _group(real, card))
    if len(inside) != card.rows_fitted:
        raise TableError("the run card belongs to another table: its fit had another number of rows")
    return inside, outside, treated


def _as_typed(synthetic: pd.DataFrame, real: pd.DataFrame) -> pd.DataFrame:
    """Columns of the synthetic table as numbers or dates where the real one's are: a CSV file forgets types."""
    found = {}
    for name in synthetic.columns:
        cells, wanted = synthetic[name], real[name].dtype
        if pd.api.types.is_datetime64_any_dtype(wanted) and not pd.api.types.is_datetime64_any_dtype(cells.dtype):
            cells = pd.to_datetime(cells, errors="coerce")
        elif pd.api.types.is_numeric_dtype(wanted) and not pd.api.types.is_numeric_dtype(cells.dtype):
            cells = pd.to_numeric(cells, errors="coerce")
        found[name] = cells
    return pd.DataFrame(found)
