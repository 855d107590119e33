"""A profile and a result whose names try to break out of whatever shows them."""

from clinical_model_selector.schemas.methods.copulas.gaussian_copula import GaussianCopula
from clinical_model_selector.schemas.methods.networks.tvae import TVAE
from clinical_model_selector.schemas.methods.trees.cart import CART
from clinical_model_selector.schemas.plan import DPSettings, ModelSelectionPlan
from clinical_model_selector.schemas.profile import ColumnProfile, SafeColumn, SafeProfile, TableProfile
from clinical_model_selector.schemas.result import Attempt, Provenance, SelectionResult, Treatment

HOSTILE = '<script>alert("x")</script>[red]{{ 7 * 7 }}\x1b[31m\r'


def sample_result(name: str = HOSTILE) -> SelectionResult:
    attempts = (
        Attempt(
            provider="openrouter",
            model="anthropic/claude-3.5-sonnet",
            outcome="authentication",
            status=401,
            message="No auth credentials found",
            requests=1,
            seconds=0.2,
        ),
        Attempt(provider="embedded", outcome="ok", seconds=0.01),
    )
    return SelectionResult(
        plan=ModelSelectionPlan(
            choice=TVAE.with_defaults(epochs=700),
            backups=[GaussianCopula.with_defaults(), CART.with_defaults(min_samples_leaf=7)],
            dp=DPSettings(enabled=False, epsilon=None, delta=None),
            sample_multiplier=1.5,
            max_synth_rows=4321,
            rationale=f"chosen for {name}",
        ),
        provenance=Provenance(
            provider="embedded",
            attempts=attempts,
            fallback_reason="openrouter refused the key",
            seconds=0.22,
            fingerprint="f" * 16,
            versions={},
        ),
        treatments=(
            Treatment(alias="c1", column=name, action="drop", rule="direct identifiers go", reference="45 CFR 164.514"),
        ),
        warnings=["answered by embedded: openrouter refused the key"],
    )


def sample_profile(name: str = HOSTILE) -> TableProfile:
    columns = (
        _column(name, alias="c1", kind="identifier", role="withheld", action="drop", direct_identifier=True),
        _column("age", alias="c2", kind="count", quantiles=(31.0, 46.0, 53.0, 61.0, 71.0)),
        _column("sex", alias="c3", kind="boolean", level_shares=(0.7, 0.3), level_names=("female", "male")),
        _column("seen", alias="c4", kind="date", span_years=3),
        _column("ward", alias="c5", kind="constant", quantiles=(4.0, 4.0, 4.0)),
    )
    safe = SafeProfile(rows=680, columns=tuple(column.safe for column in columns), grain="patient", patients=640)
    return TableProfile(rows=686, columns=columns, safe=safe, warnings=("one row in ten is a duplicate",))


def _column(name: str, **facts: object) -> ColumnProfile:
    defaults = {"role": "feature", "action": "keep", "direct_identifier": False, "missing_share": 0.012}
    safe = SafeColumn.model_validate({**defaults, "distinct": 50, "encoded_levels": 0, **facts})
    treatment = Treatment(alias=safe.alias, column=name, action=safe.action, rule="a rule")
    return ColumnProfile(name=name, safe=safe, missing=8, distinct=54, treatment=treatment)
