"""Runs side by side, as a table and as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from ...schemas.errors import SettingsError
from .jinja import template_environment
from .rich_tables import table_of
from .words import describe_number, spaced

__all__ = ["compare_runs", "comparison_page", "comparison_view"]

Comparison = dict[str, Any]
"""``runs``: names in order; ``rows``: what is compared → one text per run, empty where the run does not say."""

_FIGURES = ("fidelity", "utility", "membership_auc")


def compare_runs(records: Mapping[str, Mapping[str, Any]]) -> Comparison:
    """Facts of each run, and only what some run says.

    Args:
        records: Name → what a command printed with ``--json``.

    Raises:
        SettingsError: One of them is something else.
    """
    facts = {}
    for name, record in records.items():
        try:
            facts[name] = _facts(record)
        except (KeyError, IndexError, TypeError, AttributeError):
            raise SettingsError(f"{name}: not what a command printed with --json") from None
    headings = dict.fromkeys(heading for found in facts.values() for heading in found)
    rows = {heading: [found.get(heading, "") for found in facts.values()] for heading in headings}
    return {"runs": list(records), "rows": rows}


def comparison_view(comparison: Comparison) -> RenderableType:
    """One column per run."""
    rows: list[Sequence[str]] = [(heading, *values) for heading, values in comparison["rows"].items()]
    return table_of("Runs side by side", ("", *comparison["runs"]), rows, fixed=(0,))


def comparison_page(comparison: Comparison) -> str:
    """The same as a page."""
    return template_environment().get_template("comparison_page.html.jinja").render(comparison)


def _facts(record: Mapping[str, Any]) -> dict[str, str]:
    best = record["rounds"][record["best"]] if "rounds" in record and "best" in record else {}
    evaluation = best.get("evaluation", record)
    plan, provenance = record.get("plan") or {}, record.get("provenance") or {}
    choice = plan.get("choice") or {}
    metrics = evaluation.get("metrics") or {}
    facts = {
        "choice": choice.get("method", best.get("chosen")),
        "backups": ", ".join(backup["method"] for backup in plan.get("backups") or ()),
        "hyper-parameters": ", ".join(f"{k}={describe_number(v)}" for k, v in choice.items() if k != "method"),
        "answered by": provenance.get("provider", best.get("provider")),
        "model": provenance.get("model"),
        "epsilon": (plan.get("dp") or {}).get("epsilon"),
        "made by": best.get("method", evaluation.get("method")),
        "judged by": evaluation.get("compliance"),
        "release": evaluation.get("release"),
        **{spaced(name): metrics.get(name) for name in _FIGURES},
        "risk": evaluation.get("risk"),
        "reason": evaluation.get("reason"),
    }
    return {heading: _shown(value) for heading, value in facts.items() if value not in (None, "")}


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
