"""Each column's kind, by the rules, its neighbours, a standard layout and the user's word, the last of which wins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..schemas.meaning.layout import Layout
from .column_draft import ColumnDraft
from .kinds.neighbour_rules import reconsider
from .kinds.rules import DECISIONS_BY_KIND, decide
from .kinds_file import check_kind

__all__ = ["concepts_of", "decide_kinds", "key_of"]

_SHOWN_BY_VALUES = frozenset({"name", "address", "phone", "email", "ssn", "free_text", "constant"})
"""Kinds that a standard's word does not take back: somebody may have filled its columns with something else."""

_FEWEST_PERSONS = 11
"""That a key must tell apart."""


def decide_kinds(drafts: Sequence[ColumnDraft], layout: Layout | None) -> None:
    """Fourth pass: ``drafts`` get their decisions.

    A layout turns a number that looks like an identifier into the code that it is. It never makes anything less of what
    identifies together with other columns, and of no name or text anything else.
    """
    facts = [draft.facts for draft in drafts]
    for draft, decision in zip(drafts, reconsider(facts, [decide(column) for column in facts]), strict=True):
        draft.decision = decision
        standard = None if layout is None else layout.kinds.get(draft.name.lower())
        if draft.given_kind is not None:
            draft.decision = DECISIONS_BY_KIND[draft.given_kind]
        elif standard is not None and not decision.quasi and decision.kind not in (*_SHOWN_BY_VALUES, standard):
            said = DECISIONS_BY_KIND[check_kind(draft.name, standard)]
            draft.decision = replace(said, reason=f"The layout {layout.name if layout else None} has it so.")


def key_of(drafts: Sequence[ColumnDraft], layout: Layout | None) -> int | None:
    """The patient's key in a standard layout, where it tells enough patients apart."""
    for draft in drafts:
        if layout is not None and draft.name.lower() == layout.patient:
            return draft.position if draft.facts.totals.distinct >= _FEWEST_PERSONS else None
    return None


def concepts_of(drafts: Sequence[ColumnDraft], layout: Layout | None) -> dict[str, str]:
    """Column → concept, as the layout has it."""
    standard = {} if layout is None else layout.concepts
    return {draft.name: standard[draft.name.lower()] for draft in drafts if draft.name.lower() in standard}
