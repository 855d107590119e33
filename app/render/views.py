"""What each command shows: Rich renderables for people, plain records for ``--json``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ...synthesizers.catalogue import CATALOGUE, NOT_OFFERED
from .rich_tables import facts_grid, shown, table_of, warnings_grid
from .words import (
    describe_concept,
    describe_cost,
    describe_extent,
    describe_privacy,
    describe_values,
    name_aliases,
    printable,
)

if TYPE_CHECKING:
    from ...schemas.profile import ColumnProfile, TableProfile
    from ...schemas.result import Attempt, Provenance, RaceReport, SelectionResult, Treatment

__all__ = [
    "catalogue_record",
    "catalogue_view",
    "profile_record",
    "profile_view",
    "result_view",
]

_MOST_CONCEPTS = 40
"""Recognised columns that the terminal lists; ``--json`` has all."""


def result_view(result: SelectionResult) -> RenderableType:
    """Plan, who answered and what it cost, failed attempts, warnings, treatments."""
    plan, provenance = result.plan, result.provenance
    names = {item.alias: item.column for item in result.treatments if item.column}
    facts = facts_grid()
    facts.add_row("choice", shown(plan.choice.method, "bold green"))
    facts.add_row("", shown(describe_values(plan.choice)))
    for number, backup in enumerate(plan.backups, start=1):
        facts.add_row(f"backup {number}", shown(backup.method, "bold"))
        facts.add_row("", shown(describe_values(backup)))
    facts.add_row("privacy", shown(describe_privacy(plan)))
    facts.add_row("rows", shown(f"{plan.sample_multiplier:g} times the real rows, at most {plan.max_synth_rows:,}"))
    facts.add_row("why", shown(name_aliases(plan.rationale, names)))
    for number, rule in enumerate(plan.rules):
        facts.add_row("" if number else "rules to try", shown(name_aliases(rule, names)))
    if plan.emphasis:
        facts.add_row("emphasis", shown(name_aliases(", ".join(plan.emphasis), names)))
    facts.add_row("answered by", _answered(provenance))
    parts: list[RenderableType] = [facts]
    if result.race is not None and result.race.entries:
        parts += [Text(), _race(result.race)]
    if provenance.fallback_reason or len(provenance.attempts) > 1:
        parts += [Text(), _attempts(provenance.attempts)]
    # Why somebody else answered is told by the attempts.
    warnings = [text for text in result.warnings if (provenance.fallback_reason or "\0") not in text]
    if warnings:
        parts += [Text(), warnings_grid(name_aliases(text, names) for text in warnings)]
    if result.treatments:
        parts += [Text(), _treatments(result.treatments)]
    return Group(*parts)


def _race(race: RaceReport) -> RenderableType:
    """Everything that was fitted, best first; what was not, with the reason."""
    rows = [
        (
            entry.label + (" *" if entry.proposed else ""),
            f"{entry.expected_score:.2f}",
            "" if entry.score is None else f"{entry.score:.3f}",
            "" if not entry.error else f"±{entry.error:.3f}",
            *(
                "" if value is None else f"{value:.2f}"
                for value in (entry.fidelity, entry.utility, entry.privacy, entry.chance)
            ),
            str(entry.fits),
            entry.note,
        )
        for entry in race.entries
    ]
    headings = ("fitted here", "exp.", "score", "error", "fid.", "util.", "priv.", "acc.", "fits", "left because")
    return table_of(f"{race.sentence} (* the plan it started from)", headings, rows, numbers=(1, 2, 3, 4, 5, 6, 7, 8))


def profile_view(profile: TableProfile, tokens: int) -> RenderableType:
    """One line per column."""
    safe = profile.safe
    rows = [
        (
            column.name,
            column.safe.kind.replace("_", " "),
            _role(column),
            f"{column.missing / profile.rows:.1%}" if column.missing else "",
            f"{column.distinct:,}",
            column.treatment.action,
        )
        for column in profile.columns
    ]
    headings = ("column", "kind", "role", "missing", "distinct", "treatment")
    parts: list[RenderableType] = [
        table_of(describe_extent(profile), headings, rows, numbers=(3, 4), fixed=(1, 2, 3, 4, 5))
    ]
    concepts = [f"{column.name}: {describe_concept(column.safe)}" for column in profile.columns if column.safe.concept]
    if concepts:
        parts += [shown("Recognised as " + "; ".join(concepts[:_MOST_CONCEPTS]) + ".", "dim"), Text()]
    said = [*(name_aliases(text, profile.names) for text in profile.warnings), *_changes_shown(profile)]
    if said:
        parts += [warnings_grid(said), Text()]
    if safe.target is None and profile.target_candidates:
        listed = ", ".join(profile.target_candidates[:5])
        parts += [shown(f"No --target is named; columns that are often predicted: {listed}.", "dim")]
    parts += [shown(f"A provider would read about {tokens:,} tokens of it, no name and no value: see --json.", "dim")]
    return Group(*parts)


_MOST_CHANGES = 20


def _changes_shown(profile: TableProfile) -> list[str]:
    """What reading made of the table; of many changes the first."""
    sentences = [change.sentence for change in profile.changes]
    more = len(sentences) - _MOST_CHANGES
    return [*sentences[:_MOST_CHANGES], *([f"{more} more changes: see --json"] if more > 0 else [])]


def profile_record(profile: TableProfile, prompt: str, tokens: int) -> dict[str, Any]:
    """The profile for ``--json``; names stay on the user's own screen, ``prompt`` is the text that would leave."""
    safe = profile.safe
    return {
        "rows": profile.rows,
        "patients": safe.patients,
        "grain": safe.grain,
        "survival": safe.survival,
        "patient_id": profile.patient_id,
        "target_candidates": list(profile.target_candidates),
        "columns": [_column_record(column) for column in profile.columns],
        "warnings": list(profile.warnings),
        "changes": [{**change.model_dump(), "sentence": change.sentence} for change in profile.changes],
        "prompt": prompt,
        "prompt_tokens": tokens,
    }


def catalogue_view() -> RenderableType:
    """What can be chosen, then what cannot and why."""
    facts = facts_grid()
    for entry in CATALOGUE.values():
        head = shown(f"{entry.family}, {entry.licence}, from {entry.min_rows:,} rows", "dim")
        if entry.dp:
            head.append(", differentially private", style="bold")
        facts.add_row(shown(entry.method, "bold green"), head)
        facts.add_row("", shown(f"+ {entry.strength}"))
        facts.add_row("", shown(f"- {entry.weakness}"))
    refused = facts_grid()
    for method, reason in NOT_OFFERED.items():
        refused.add_row(shown(method, "bold"), shown(reason))
    return Group(facts, Text("\nKnown, and not offered:", style="bold"), refused)


def catalogue_record() -> dict[str, Any]:
    """The catalogue for ``--json``: every fact, hyper-parameters with type, range and default."""
    offered = []
    for entry in CATALOGUE.values():
        model = entry.hyperparameters
        schema = model.model_json_schema()["properties"]
        defaults = model.defaults()
        knobs = {name: {**_drop_title(facts), "default": defaults[name]} for name, facts in schema.items()}
        del knobs["method"]
        offered.append({**entry.facts(), "hyperparameters": knobs})
    return {"synthesizers": to_jsonable_python(offered), "not_offered": dict(NOT_OFFERED)}


def _role(column: ColumnProfile) -> str:
    """The role where it says more than the kind does."""
    if column.safe.role in ("feature", "withheld"):
        return "direct id" if column.safe.direct_identifier else column.safe.role
    return "" if column.safe.role == column.safe.kind else column.safe.role.replace("_", " ")


def _column_record(column: ColumnProfile) -> dict[str, Any]:
    facts = column.safe.model_dump(mode="json", exclude={"distinct"})
    return {
        "name": column.name,
        **facts,
        "missing": column.missing,
        "distinct": column.distinct,
        "quasi_identifier": column.quasi_identifier,
        "treatment": column.treatment.model_dump(mode="json", include={"action", "rule", "reference"}),
    }


def _drop_title(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != "title"}


def _answered(provenance: Provenance) -> Text:
    text = shown(provenance.provider, "bold")
    if provenance.model:
        text.append(f" ({printable(provenance.model)})")
    if provenance.cached:
        text.append(" from the cache")
    text.append(f", {provenance.seconds:.2f} s, {describe_cost(provenance.provider, provenance.cost_usd)}")
    if provenance.input_tokens is not None:
        text.append(f", {provenance.input_tokens} tokens in")
    if provenance.output_tokens is not None:
        text.append(f", {provenance.output_tokens} tokens out")
    return text


def _attempts(attempts: Iterable[Attempt]) -> Table:
    rows = [
        (
            f"{attempt.provider} {attempt.model or ''}".strip(),
            attempt.outcome.replace("_", " ") + (f" ({attempt.status})" if attempt.status not in (None, 200) else ""),
            attempt.message,
            describe_cost(attempt.provider, attempt.cost_usd) if attempt.requests else "",
        )
        for attempt in attempts
    ]
    return table_of("Who was asked", ("asked", "outcome", "message", "cost"), rows)


def _treatments(treatments: Iterable[Treatment]) -> Table:
    """One line per rule with its columns; what is kept comes last."""
    groups: dict[tuple[bool, str, str], list[str]] = {}
    for item in treatments:
        rule = f"{item.rule} ({item.reference})" if item.reference else item.rule
        groups.setdefault((item.action == "keep", item.action, rule), []).append(item.column or item.alias)
    rows = [(action, ", ".join(columns), rule) for (_, action, rule), columns in sorted(groups.items())]
    return table_of("What to do with each column", ("action", "columns", "rule"), rows)
