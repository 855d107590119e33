"""What ``models``, ``doctor`` and ``environments`` show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.table import Table

from .rich_tables import shown, table_of

if TYPE_CHECKING:
    from ...chains.doctor import Finding
    from ...chains.providers.openrouter_models import ListedModel

__all__ = ["environments_view", "findings_record", "findings_view", "models_record", "models_view"]

_STYLES = {"ok": "green", "warning": "yellow", "failure": "bold red", "off": "dim"}


def models_view(models: Sequence[ListedModel]) -> RenderableType:
    """One line per model."""
    rows = [
        (
            model.id,
            model.structured_outputs[0],
            f"{model.context_length:,}" if model.context_length else "",
            _per_million(model.prompt_usd),
            _per_million(model.completion_usd),
        )
        for model in models
    ]
    title = f"{len(rows):,} models that can answer; prices in USD per million tokens"
    return table_of(title, ("model", "asked by", "context", "in", "out"), rows, numbers=(2, 3, 4), fixed=(1, 2, 3, 4))


def models_record(models: Sequence[ListedModel]) -> list[dict[str, Any]]:
    """The models for ``--json``; prices are USD per token, null where unknown."""
    return [asdict(model) for model in models]


def findings_view(findings: Sequence[Finding]) -> RenderableType:
    """One finding per line, its fix below it."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", overflow="fold", max_width=26)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in findings:
        grid.add_row(shown(finding.subject), shown(finding.state, _STYLES[finding.state]), shown(finding.detail))
        if finding.fix is not None:
            grid.add_row("", "", shown(f"fix: {finding.fix}", "italic"))
    return grid


def findings_record(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The findings for ``--json``."""
    return [asdict(finding) for finding in findings]


def environments_view(record: Sequence[dict[str, Any]]) -> RenderableType:
    """Which of the synthesizers' environments there are."""
    rows = [(item["name"], ", ".join(item["methods"]), "yes" if item["created"] else "no") for item in record]
    return table_of("Environments of the synthesizers' libraries", ("environment", "synthesizers", "installed"), rows)


def _per_million(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd * 1e6:,.2f}"
