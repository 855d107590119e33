"""Compliance levels: the thresholds a plan and, later, its synthetic data are judged by.

``SOURCES`` says whose each threshold is.

research, hipaa_like and clinical_strict carry the existing backend's figures where they are sound; ``UNSOUND`` says
which are kept for the record only. The backend names gdpr_like without thresholds (it silently became hipaa_like
there); here it has its own: hipaa_like's fidelity figures, with the stricter risk figures of clinical_strict for
duplicates, identifiability and k-anonymity, since recital 26 GDPR asks for all means reasonably likely to be used by
anyone, not for a list of identifiers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from .base import Frozen
from .errors import SettingsError

__all__ = [
    "DEFAULT_PROTECTION",
    "RareLevels",
    "ValueProtection",
    "protection_for",
    "DEFAULT_COMPLIANCE",
    "MIN_MEMBERSHIP_MARGIN",
    "POLICIES",
    "SOURCES",
    "UNSOUND",
    "Compliance",
    "Policy",
]

Compliance = Literal["research", "hipaa_like", "gdpr_like", "clinical_strict"]

DEFAULT_COMPLIANCE: Compliance = "hipaa_like"

MIN_MEMBERSHIP_MARGIN = 0.05
"""A membership AUC nearer to chance than this is noise, whatever a level asks for."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds of one compliance level; shares and scores lie between 0 and 1."""

    min_rows: int
    """Smallest table, in rows; fewer patients than this is a warning."""
    max_epsilon: float
    """Largest total epsilon of a DP plan, all parts added up."""
    max_delta: float
    """Largest delta of a DP plan; besides, delta must be at most 1/rows."""
    dp_required: bool
    dp_recommended: bool
    max_membership_auc: float
    """Of the worst attack, judged against its interval: 0.50 itself cannot be met by an honest synthesizer."""
    max_lonely_auc: float
    """Of the worst attack among the tenth of persons that stand most alone."""
    max_caught_at_1: float
    """Share of fitted persons caught where one in a hundred others is accused wrongly."""
    max_attribute_advantage: float
    """By how much more often a fitted person's sensitive value is inferred than a held-out person's."""
    max_linking_risk: float
    """Singling out and linkability above the control (Giomi 2023)."""
    max_duplicates: float
    min_k_anonymity: int
    max_identifiability: float
    max_ks_mean: float
    max_correlation_difference: float
    max_jensen_shannon: float
    min_tstr_ratio: float
    """Utility trained on synthetic over trained on real, both tested on real; replaces the backend's absolute AUROC."""
    min_rare_coverage: float
    max_frequency_skew: float
    min_persons: int
    """Persons who must hold a value for it to enter a fit; 11 is the figure of CMS's cell size suppression policy."""

    def delta_for(self, rows: int) -> float:
        """Largest delta for a table of ``rows`` rows, which were rounded down by less than a tenth.

        It must stay below one over the number of persons, or publishing one whole record would satisfy it (Dwork & Roth
        2014, section 2.3).
        """
        return min(self.max_delta, 1 / (1.1 * max(rows, 1)))

    @property
    def membership_margin(self) -> float:
        """How far a membership AUC may lie from chance; 0.50 itself cannot be met."""
        return max(self.max_membership_auc - 0.5, MIN_MEMBERSHIP_MARGIN)


_HIPAA_LIKE = Policy(
    min_rows=100,
    max_epsilon=1.0,
    max_delta=1e-5,
    dp_required=False,
    dp_recommended=True,
    max_membership_auc=0.60,
    max_lonely_auc=0.70,
    max_caught_at_1=0.05,
    max_attribute_advantage=0.10,
    max_linking_risk=0.09,
    max_duplicates=0.05,
    min_k_anonymity=5,
    max_identifiability=0.10,
    max_ks_mean=0.10,
    max_correlation_difference=0.10,
    max_jensen_shannon=0.15,
    min_tstr_ratio=0.80,
    min_rare_coverage=0.70,
    max_frequency_skew=0.30,
    min_persons=11,
)

_CLINICAL_STRICT = Policy(
    min_rows=200,
    max_epsilon=0.5,
    max_delta=1e-6,
    dp_required=True,
    dp_recommended=True,
    max_membership_auc=0.50,
    max_lonely_auc=0.65,
    max_caught_at_1=0.03,
    max_attribute_advantage=0.05,
    max_linking_risk=0.09,
    max_duplicates=0.03,
    min_k_anonymity=10,
    max_identifiability=0.05,
    max_ks_mean=0.08,
    max_correlation_difference=0.08,
    max_jensen_shannon=0.12,
    min_tstr_ratio=0.85,
    min_rare_coverage=0.75,
    max_frequency_skew=0.25,
    min_persons=11,
)

POLICIES: dict[str, Policy] = {
    "research": Policy(
        min_rows=50,
        max_epsilon=2.0,
        max_delta=1e-4,
        dp_required=False,
        dp_recommended=False,
        max_membership_auc=0.65,
        max_lonely_auc=0.75,
        max_caught_at_1=0.10,
        max_attribute_advantage=0.15,
        max_linking_risk=0.15,
        max_duplicates=0.10,
        min_k_anonymity=3,
        max_identifiability=0.15,
        max_ks_mean=0.12,
        max_correlation_difference=0.12,
        max_jensen_shannon=0.20,
        min_tstr_ratio=0.75,
        min_rare_coverage=0.60,
        max_frequency_skew=0.40,
        min_persons=5,
    ),
    "hipaa_like": _HIPAA_LIKE,
    "gdpr_like": replace(
        _HIPAA_LIKE,
        max_duplicates=_CLINICAL_STRICT.max_duplicates,
        min_k_anonymity=_CLINICAL_STRICT.min_k_anonymity,
        max_identifiability=_CLINICAL_STRICT.max_identifiability,
    ),
    "clinical_strict": _CLINICAL_STRICT,
}
"""Compliance level → thresholds."""

_OURS = "ours"
_BACKEND = "the existing backend's"
SOURCES: dict[str, str] = {
    "membership_auc": _BACKEND,
    "membership_lonely_auc": _OURS,
    "membership_caught_at_1": _OURS,
    "leave_one_out": _OURS,
    "attribute_inference": _OURS,
    "singling_out": "9 % is that of EMA policy 0070 and Health Canada for re-identification; research: ours",
    "linkability": "9 % is that of EMA policy 0070 and Health Canada for re-identification; research: ours",
    "overlap": _OURS,
    "patient_membership_auc": _BACKEND,
    "patient_overlap": _OURS,
    "values_of_few": _OURS,
    "differential_privacy": "epsilon and delta as NIST SP 800-226 means them; the figures are the existing backend's",
    "epsilon": "epsilon as NIST SP 800-226 means it, by person; the figure is the existing backend's",
    "delta": "delta as NIST SP 800-226 means it, below one over the persons; the figure is the existing backend's",
    "ks_mean": _BACKEND,
    "correlation_difference": _BACKEND,
    "jensen_shannon": _BACKEND,
    "rare_coverage": _BACKEND,
    "frequency_skew": _BACKEND,
    "tstr_ratio": _OURS,
    "rows": _BACKEND,
}
"""Threshold → whose figure it is; no law or regulator gives one for synthetic data."""

UNSOUND: dict[str, str] = {
    "max_membership_auc": (
        "0.50 is chance: an honest synthesizer scatters around it, so it is judged against the confidence interval"
    ),
    "max_duplicates": "weak: catches almost nothing but outright copies",
    "min_k_anonymity": "of the synthetic quasi-identifiers: a description, no guarantee",
    "max_identifiability": "distance-based: can show a leak, never its absence",
    "max_ks_mean": "necessary only: independent marginals pass it",
    "max_correlation_difference": "needs a fixed encoding and an independence baseline to mean anything",
    "max_jensen_shannon": "necessary only: independent marginals pass it",
    "min_tstr_ratio": "replaces absolute AUROC and C-index thresholds, which judge the table and not the synthesizer",
}
"""Threshold → why it is not what it seems; thresholds not named here are sound."""


RareLevels = Literal["pool", "redraw"]
"""What becomes of rare levels: one pooled level, or draws among the common ones."""


class ValueProtection(Frozen):
    """No value that fewer than ``k`` persons hold enters a fit."""

    k: Annotated[int, Field(ge=2)]
    rare_levels: RareLevels = "pool"


DEFAULT_PROTECTION = ValueProtection(k=POLICIES[DEFAULT_COMPLIANCE].min_persons)


def protection_for(
    compliance: Compliance, *, k: int | None = None, rare_levels: RareLevels = "pool", off: bool = False
) -> ValueProtection | None:
    """What a level asks for; None where it is switched off.

    Args:
        compliance: The level.
        k: Another number of persons than the level's; fewer only at ``research``.
        rare_levels: Pool or redraw.
        off: No protection, at ``research`` only.

    Raises:
        SettingsError: The level does not allow it.
    """
    least = POLICIES[compliance].min_persons
    lenient = compliance == "research"
    if off:
        if not lenient:
            raise SettingsError(f"value protection can be switched off at the level research only, not at {compliance}")
        return None
    if k is not None and (k < 2 or (k < least and not lenient)):
        raise SettingsError(f"{compliance} protects values of fewer than {least} persons; {k} is too few")
    return ValueProtection(k=least if k is None else k, rare_levels=rare_levels)
