"""The commands that look at a table and plan: select, profile, synthesizers."""

from __future__ import annotations

import typer

from ...schemas.options import SelectionOptions
from .inputs import open_given, read_profile
from .options import (
    Columns,
    Decimal,
    Encoding,
    Html,
    Json,
    Kinds,
    PatientId,
    Pattern,
    Static,
    Table,
    TableName,
    Target,
    Time,
    expand_options,
)  # fmt: skip
from .terminal import print_json, print_view, write_page

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command()(select)
    app.command()(profile)
    app.command()(synthesizers)


@expand_options
def select(
    table: Table,
    options: SelectionOptions,
    target: Target = None,
    patient_id: PatientId = None,
    time: Time = None,
    static: Static = None,
    kind: Kinds = None,
    columns: Columns = None,
    table_name: TableName = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    pattern: Pattern = False,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Choose a synthesizer for TABLE."""
    from ...agents import ClinicalModelSelector
    from ..render.views import result_view

    selector = ClinicalModelSelector()
    handle = open_given(table, table_name, encoding, decimal, pattern)
    profile = read_profile(handle, target, patient_id, kind or (), columns, time, static or ())
    result = selector.select(profile=profile, **dict(options))
    if html is not None:
        from ..render.pages import result_page

        write_page(html, result_page(result))
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_view(result_view(result))


def profile(
    table: Table,
    target: Target = None,
    patient_id: PatientId = None,
    time: Time = None,
    static: Static = None,
    kind: Kinds = None,
    columns: Columns = None,
    table_name: TableName = None,
    encoding: Encoding = None,
    decimal: Decimal = None,
    pattern: Pattern = False,
    as_json: Json = False,
    html: Html = None,
) -> None:
    """Profile TABLE; asks nobody.

    Shows what is known of each column; --json adds the text of the table that a provider would read.
    """
    from ...profiling import describe_for_prompt, estimate_tokens
    from ..render.views import profile_record, profile_view

    handle = open_given(table, table_name, encoding, decimal, pattern)
    known = read_profile(handle, target, patient_id, kind or (), columns, time, static or ())
    prompt = describe_for_prompt(known.safe)
    tokens = estimate_tokens(prompt)
    if html is not None:
        from ..render.pages import profile_page

        write_page(html, profile_page(known, prompt, tokens))
    if as_json:
        print_json(profile_record(known, prompt, tokens))
    else:
        print_view(profile_view(known, tokens))


def synthesizers(as_json: Json = False) -> None:
    """List the synthesizers.

    Those that can be chosen with their facts, then those that cannot with the reason.
    """
    from ..render.views import catalogue_record, catalogue_view

    if as_json:
        print_json(catalogue_record())
    else:
        print_view(catalogue_view())
