"""Examples of requests; each is answered with 2xx when it is posted as it stands."""

from __future__ import annotations

import json
from typing import Any

__all__ = [
    "EXAMPLE_PROFILE",
    "EXAMPLE_TABLE",
    "JOB_EXAMPLES",
    "PLAN_EXAMPLES",
    "PLAN_FORM_EXAMPLES",
    "PROFILE_EXAMPLES",
    "REPLAN_EXAMPLES",
    "REPLAN_FORM_EXAMPLES",
]

EXAMPLE_PROFILE: dict[str, Any] = {
    "rows": 680,
    "grain": "patient",
    "columns": [
        {"alias": "c1", "kind": "count", "role": "feature", "action": "keep", "direct_identifier": False,
         "missing_share": 0.0, "distinct": 54, "encoded_levels": 0, "integer": True,
         "quantiles": [31.0, 46.0, 53.0, 61.0, 71.0]},
        {"alias": "c2", "kind": "boolean", "role": "target", "action": "keep", "direct_identifier": False,
         "missing_share": 0.0, "distinct": 2, "encoded_levels": 2, "level_shares": [0.56, 0.44],
         "level_names": ["no", "yes"]},
    ],
}  # fmt: skip

EXAMPLE_TABLE = "age,sex,weight,died\n" + "".join(
    f"{40 + row * 7 % 45},{'fm'[row % 2]},{55 + row * 11 % 40}.{row % 10},{int(row * 13 % 29 < 9)}\n"
    for row in range(300)
)
"""A made-up table as CSV."""

_PLAN = {
    "choice": {"method": "gaussian_copula"},
    "hyperparams": {"sample_multiplier": 1.0, "max_synth_rows": 300, "gaussian_copula": {"marginal": "empirical"}},
    "dp": {"enabled": False},
    "backup": [{"method": "cart", "hyperparams": {"min_samples_leaf": 5}}],
    "rationale": "",
}
"""In the existing backend's shape."""


def _named(summary: str, value: dict[str, Any]) -> dict[str, Any]:
    return {summary.partition(":")[0].replace(" ", "_"): {"summary": summary, "value": value}}


PLAN_EXAMPLES = _named("a safe profile", {"profile": EXAMPLE_PROFILE, "tradeoff": "utility", "goal": "teaching"})
PLAN_FORM_EXAMPLES = _named("a table", {"file": EXAMPLE_TABLE, "target": "died", "tradeoff": "utility"})
PROFILE_EXAMPLES = _named("a table", {"file": EXAMPLE_TABLE, "kinds": json.dumps({"weight": "continuous"})})
REPLAN_EXAMPLES = _named("a plan that failed", {"profile": EXAMPLE_PROFILE, "plan": _PLAN, "metrics": {"failed": True}})
REPLAN_FORM_EXAMPLES = _named(
    "a plan that failed",
    {"file": EXAMPLE_TABLE, "plan": json.dumps(_PLAN), "metrics": json.dumps({"fidelity": 0.7})},
)
JOB_EXAMPLES = {
    **_named("auto", {"kind": "auto", "file": EXAMPLE_TABLE, "target": "died", "seed": 1}),
    **_named("synthesize", {"kind": "synthesize", "file": EXAMPLE_TABLE, "plan": json.dumps(_PLAN), "seed": 1}),
    **_named("evaluate", {"kind": "evaluate", "file": EXAMPLE_TABLE, "synthetic": EXAMPLE_TABLE}),
    **_named("tune", {"kind": "tune", "file": EXAMPLE_TABLE, "target": "died", "max_seconds": 60}),
}
