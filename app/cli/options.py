"""Options that several commands share, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ...schemas.compliance import Compliance
from ...schemas.request import Deployment, EvidencePolicy, Tradeoff

__all__ = [
    "Allowed",
    "Columns",
    "DeploymentOption",
    "EpsilonMax",
    "EvidencePolicyOption",
    "Goal",
    "Html",
    "Json",
    "Kinds",
    "Level",
    "MaxFitSeconds",
    "Model",
    "PatientId",
    "Provider",
    "RequireDP",
    "Table",
    "TableName",
    "Target",
    "TradeoffOption",
]

Table = Annotated[
    str, typer.Argument(metavar="TABLE", help="CSV, TSV (.gz too) or Parquet file, or a database URL with --table.")
]
TableName = Annotated[
    str | None, typer.Option("--table", metavar="NAME", help="Table or view, where the table is in a database.")
]
Target = Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="Column to be predicted.")]
PatientId = Annotated[
    str | None, typer.Option("--patient-id", metavar="COLUMN", help="Column that tells patients apart.")
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="COLUMN=KIND", help="What a column is, where you know better.")
]
Columns = Annotated[Path | None, typer.Option("--columns", metavar="FILE", help="YAML file of COLUMN: KIND lines.")]
Goal = Annotated[str | None, typer.Option("--goal", metavar="TEXT", help="What the synthetic table is for.")]
TradeoffOption = Annotated[Tradeoff, typer.Option("--tradeoff", help="What matters most.")]
Level = Annotated[
    Compliance | None, typer.Option("--compliance", help="Level to be judged by. [default: COMPLIANCE_LEVEL]")
]
Allowed = Annotated[
    str | None, typer.Option("--allowed", metavar="A,B,…", help="Choose among these synthesizers only.")
]
RequireDP = Annotated[bool, typer.Option("--require-dp", help="Only differentially private synthesizers.")]
EpsilonMax = Annotated[
    float | None, typer.Option("--epsilon-max", metavar="E", help="Largest privacy budget, all parts added up.")
]
DeploymentOption = Annotated[
    Deployment, typer.Option("--deployment", help="saas leaves out licences that bar offering it as a service.")
]
MaxFitSeconds = Annotated[
    float | None, typer.Option("--max-fit-seconds", metavar="S", help="Longest fit, in estimated CPU seconds.")
]
EvidencePolicyOption = Annotated[
    EvidencePolicy | None,
    typer.Option(
        "--evidence-policy",
        help="Where measurements speak against a model's choice: warn, replace it, or nothing. "
        "[default: SELECTOR_EVIDENCE_POLICY]",
    ),
]
Provider = Annotated[
    Literal["auto", "openrouter", "ollama", "embedded"], typer.Option("--provider", help="Who is asked.")
]
Model = Annotated[str | None, typer.Option("--model", metavar="ID", help="Model of the provider that is asked first.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page too.")]
