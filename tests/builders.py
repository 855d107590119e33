"""Small safe profiles and questions for tests that need no table."""

from __future__ import annotations

from typing import Any

from clinical_model_selector.schemas.compliance import POLICIES
from clinical_model_selector.schemas.profile import SafeColumn, SafeProfile
from clinical_model_selector.schemas.question import Constraints, Question


def column(index: int, kind: str = "continuous", **fields: Any) -> SafeColumn:
    categorical = kind in ("categorical", "boolean", "ordinal", "code")
    levels = fields.pop("levels", 2 if categorical else 0)
    defaults: dict[str, Any] = {
        "alias": f"c{index}",
        "kind": kind,
        "role": "feature",
        "action": "keep",
        "direct_identifier": False,
        "missing_share": 0.0,
        "distinct": levels or 100,
        "encoded_levels": levels,
    }
    return SafeColumn.model_validate({**defaults, **fields})


def profile(rows: int = 680, continuous: int = 6, categorical: int = 4, levels: int = 3, **fields: Any) -> SafeProfile:
    """A table like gbsg2: a few hundred patients, continuous and categorical columns, one of them the target."""
    columns = [column(i + 1) for i in range(continuous)]
    columns += [
        column(continuous + i + 1, "categorical", levels=levels, role="target" if i == 0 else "feature")
        for i in range(categorical)
    ]
    return SafeProfile.model_validate({"rows": rows, "columns": tuple(columns), **fields})


def constraints(**fields: Any) -> Constraints:
    compliance = fields.get("compliance", "hipaa_like")
    policy = POLICIES[compliance]
    return Constraints.model_validate(
        {"epsilon_max": policy.max_epsilon, "delta_max": policy.max_delta, "require_dp": policy.dp_required, **fields}
    )


def question(safe: SafeProfile | None = None, **fields: Any) -> Question:
    return Question(profile=safe or profile(), constraints=constraints(**fields))
