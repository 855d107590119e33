"""The scenarios that choices are judged in: constraints, or tables of one kind; and what the report's words mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...schemas.compliance import POLICIES, Compliance
from ...schemas.options import Tradeoff
from ...synthesizers.catalogue import CATALOGUE
from .results import Measured

__all__ = ["SCENARIOS", "WORDS", "Scenario"]

RARE = 0.15
"""Share of the rarest class at or below which an outcome is called rare."""
MANY_MISSING = 0.05
"""Share of missing cells above which a table is said to miss many."""


def _any_table(cell: Measured) -> bool:
    return not cell.survival


@dataclass(frozen=True, slots=True)
class Scenario:
    """Constraints that a choice is made and judged under, and the tables it is judged on."""

    name: str
    meaning: str
    """In one line."""
    tradeoff: Tradeoff = "balanced"
    compliance: Compliance = "research"
    membership_cap: float | None = None
    require_dp: bool = False
    epsilon_max: float = 1.0
    saas: bool = False
    max_seconds: float | None = None
    allowed: tuple[str, ...] = field(default=tuple(CATALOGUE))
    takes: Callable[[Measured], bool] = _any_table
    """Whether a cell's table belongs to it."""


SCENARIOS = (
    Scenario("none", "no constraint, balanced weights"),
    Scenario("privacy", "weights that favour low risk", tradeoff="privacy"),
    Scenario(
        "risk cap",
        f"a choice whose membership AUC is above {POLICIES['hipaa_like'].max_membership_auc:.2f} scores 0",
        compliance="hipaa_like",
        membership_cap=POLICIES["hipaa_like"].max_membership_auc,
    ),
    Scenario("DP", "differential privacy with a total epsilon of 1", require_dp=True),
    Scenario("saas", "licences that allow a service for third parties", saas=True),
    Scenario("60 s", "a choice whose fit takes over 60 CPU seconds scores 0", max_seconds=60.0),
    Scenario(
        "backend",
        "the existing backend's four methods alone",
        allowed=("gaussian_copula", "ctgan", "tvae", "tabddpm"),
    ),
    Scenario(
        "survival",
        "tables with a time and an event; utility is half the target's, half that of the two",
        takes=lambda cell: cell.survival,
    ),
    Scenario(
        "rare outcome",
        f"tables whose rarest outcome has at most {RARE:.0%} of the rows",
        takes=lambda cell: not cell.survival and cell.rarest_share is not None and cell.rarest_share <= RARE,
    ),
    Scenario(
        "many levels",
        "tables with a column of more than 50 levels",
        takes=lambda cell: not cell.survival and cell.shape.high_cardinality > 0,
    ),
    Scenario(
        "many missing",
        f"tables with more than {MANY_MISSING:.0%} of the cells missing",
        takes=lambda cell: not cell.survival and cell.shape.missing_share > MANY_MISSING,
    ),
)
"""Those of constraints are judged on every table but the survival ones, those of tables without a constraint."""

WORDS = {
    "score": "0 to 1: fidelity, utility and 1 - risk by the scenario's weights, mean over seeds; a failed fit is 0",
    "regret": "score of the best candidate on a table less that of what the policy chose there, mean over tables",
    "oracle": "knows every score beforehand: regret 0, which nobody can reach, since it picks its winner by luck too",
    "split-seed regret": "the same against the candidate that was best on the other seeds: luck is not counted; it can "
    "be negative",
    "interval": "95 %, by drawing origins anew 1,000 times; tables of one origin are drawn together",
    "policy": "a way to choose; a bare name such as cart~0.25 is always that method, at that level of caution",
    "selector": "the recommender or provider that is judged; the judged table's origin is kept from it",
    "random feasible": "the mean of all candidates that the constraints allow",
    "old rules": "tabddpm, or dpctgan where privacy is asked for: what the predecessor took",
    "noise floor": "the candidate that was best on the other seeds: its regret is the part that nobody avoids",
    "95 % apart": "the interval of the selector's regret less that of the best fixed choice, table by table",
    "at most half": "the selector's regret is no more than half of the best fixed choice's",
    "best fixed": "of those measured on every table of the scenario; over all, where one is barred it scores 0",
    "beyond noise": "the interval of the paired difference of two regrets leaves out 0",
}
"""Word of the report → what it means."""
