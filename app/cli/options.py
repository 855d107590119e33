"""Options of the command line: those that derive from a model, and those that several commands share.

A parameter of a command that is annotated with a model becomes one option per field: its name, type, default and help.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_origin, get_type_hints

import typer
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ...schemas.base import describe_error, plain_type
from ...schemas.compliance import Compliance
from ...schemas.errors import SettingsError

__all__ = [
    "Columns",
    "Html",
    "Json",
    "Kinds",
    "Level",
    "LinkOptions",
    "Memory",
    "PatientId",
    "ReadingOptions",
    "SavedProfile",
    "Seconds",
    "Static",
    "Table",
    "TableName",
    "TableOptions",
    "TableOrProfile",
    "Target",
    "Time",
    "expand_options",
    "flag_of",
]

Table = Annotated[
    str,
    typer.Argument(metavar="TABLE", help="CSV, TSV (.gz too), Parquet or Excel file, or a database URL with --table."),
]
TableOrProfile = Annotated[
    str | None,
    typer.Argument(metavar="[TABLE]", help="As for profile; or leave it out and give --profile.", show_default=False),
]
SavedProfile = Annotated[
    Path | None, typer.Option("--profile", metavar="FILE", help="What profile --save wrote, instead of a table.")
]
TableName = Annotated[
    str | None, typer.Option("--table", metavar="NAME", help="Table or view, where the table is in a database.")
]
Encoding = Annotated[
    str | None, typer.Option("--encoding", metavar="NAME", help="Of a text file, such as cp1252. [default: recognised]")
]
Decimal = Annotated[
    Literal[".", ","] | None,
    typer.Option("--decimal", help="What marks decimals in numbers written as text. [default: the table tells]"),
]
Pattern = Annotated[
    bool, typer.Option("--pattern", help="TABLE is a pattern ('site*.csv') for files that become one table.")
]
Target = Annotated[str | None, typer.Option("--target", metavar="COLUMN", help="Column to be predicted.")]
PatientId = Annotated[
    str | None, typer.Option("--patient-id", metavar="COLUMN", help="Column that tells patients apart.")
]
Time = Annotated[
    str | None, typer.Option("--time", metavar="COLUMN", help="Column that tells when a row was, of several a patient.")
]
Static = Annotated[
    list[str] | None,
    typer.Option("--static", metavar="COLUMN", help="Column that is the same in all rows of a patient; repeatable."),
]
Events = Annotated[
    list[str] | None,
    typer.Option("--events", metavar="FILE", help="Event table of the same patients; repeatable."),
]
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="COLUMN=NAME", help="Column of a table that is that column of TABLE; repeatable."),
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", metavar="COLUMN=KIND", help="What a column is, where you know better.")
]
Concepts = Annotated[
    list[str] | None,
    typer.Option("--concept", metavar="COLUMN=CONCEPT", help="Clinical concept of a column, where you know better."),
]
Columns = Annotated[Path | None, typer.Option("--columns", metavar="FILE", help="YAML file of COLUMN: KIND lines.")]
Level = Annotated[
    Compliance | None, typer.Option("--compliance", help="Level to be judged by. [default: COMPLIANCE_LEVEL]")
]
Seconds = Annotated[float, typer.Option("--limit-seconds", metavar="S", help="Longest fit, wall-clock.")]
Memory = Annotated[float, typer.Option("--limit-gb", metavar="GB", help="Largest memory of a fit.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, to stdout.")]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page too.")]


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a table is opened."""

    table_name: TableName = None
    encoding: Encoding = None
    decimal: Decimal = None
    pattern: Pattern = False


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """Event tables beside a table of the same patients."""

    events: Events = None
    key: Keys = None


@dataclass(frozen=True, slots=True)
class TableOptions(ReadingOptions):
    """How a table is opened and looked at."""

    target: Target = None
    patient_id: PatientId = None
    time: Time = None
    static: Static = None
    kind: Kinds = None
    concept: Concepts = None
    columns: Columns = None


_METAVARS: dict[Any, str] = {str: "TEXT", float: "NUMBER", int: "NUMBER"}


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with each parameter that is a model or a dataclass of options taken apart into one option per field.

    Raises:
        SettingsError: When called: an option has a value that its field refuses.
    """
    signature = inspect.signature(command, eval_str=True)
    models = {name: item.annotation for name, item in signature.parameters.items() if _is_model(item.annotation)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        by_name = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        parameters += _parameters_of(models[name]) if name in models else [by_name]

    def call(**values: Any) -> None:
        for name, model in models.items():
            values[name] = _validated(model, {item.name: values.pop(item.name) for item in _parameters_of(model)})
        command(**values)

    call.__name__, call.__doc__, call.__module__ = command.__name__, command.__doc__, command.__module__
    call.__annotations__ = {item.name: item.annotation for item in parameters}
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


def flag_of(field: str) -> str:
    """The option that sets ``field``."""
    return "--" + field.replace("_", "-")


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and (is_dataclass(annotation) or issubclass(annotation, BaseModel))


def _parameters_of(model: type[Any]) -> list[inspect.Parameter]:
    keyword = inspect.Parameter.KEYWORD_ONLY
    if is_dataclass(model):
        hints = get_type_hints(model, include_extras=True)
        return [
            inspect.Parameter(item.name, keyword, default=item.default, annotation=hints[item.name])
            for item in fields(model)
        ]
    return [
        inspect.Parameter(name, keyword, default=field.default, annotation=_annotation(name, field))
        for name, field in model.model_fields.items()
    ]


def _annotation(name: str, field: FieldInfo) -> Any:
    kind = plain_type(field.annotation)
    metavar = None if kind is bool or get_origin(kind) is Literal else _METAVARS.get(kind)
    if get_origin(kind) in (tuple, list):
        kind, metavar = str, "A,B,…"
    optional = kind if field.default is not None else kind | None
    described = " ".join((field.description or "").split())
    return Annotated[optional, typer.Option(flag_of(name), metavar=metavar, help=described)]


def _validated(model: type[Any], values: dict[str, Any]) -> Any:
    try:
        return model(**values)
    except ValidationError as error:
        raise SettingsError(describe_error(error, lambda location: flag_of(str(location[0])))) from None
