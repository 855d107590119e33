"""``synthesize``: a plan carried out on a table, profiled first where the plan comes without treatments."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from ..evidence.table_rules import RulesGiven, rules_asked
from ..profiling import open_table, profile_table
from ..profiling.readers.to_pandas import read_table
from ..schemas.column_treatment import Treatment
from ..schemas.compliance import Compliance, ValueProtection, protection_for
from ..schemas.errors import SettingsError, TableError
from ..schemas.methods import CATALOGUE
from ..schemas.plan import ModelSelectionPlan
from ..schemas.result import SelectionResult
from ..schemas.settings import Settings
from ..synthesizers.encoding.table_encoding import Bounds
from ..synthesizers.kept.draw import sample_model
from ..synthesizers.kept.model_folder import check_model_folder, open_model, write_model
from ..synthesizers.progress import Say, shown_in_notebooks
from ..synthesizers.running.fit_process import FitLimits
from ..synthesizers.running.run_plan import Synthesis, carry_out

__all__ = ["protection_by", "sample", "synthesize"]

_MOST_SAID = 20
"""Changes that are said; the run card has them all."""


@shown_in_notebooks
def synthesize(
    table: Any,
    plan: ModelSelectionPlan | SelectionResult,
    *,
    patient_id: str | None = None,
    target: str | None = None,
    protection: ValueProtection | Literal["level"] | None = "level",
    seed: int | None = None,
    held_out: float = 0.2,
    limits: FitLimits | None = None,
    public: Mapping[str, Bounds] | None = None,
    settings: Settings | None = None,
    rows: int | None = None,
    save_model: str | Path | None = None,
    force: bool = False,
    rules: RulesGiven = "keep",
    say: Say | None = None,
) -> Synthesis:
    """The synthetic table that ``plan`` describes, with its run card.

    Args:
        table: Whatever ``open_table`` takes, or its handle.
        plan: A plan, or a selection's result, whose treatments are then used.
        patient_id: Column that tells patients apart; used where the table must be profiled.
        target: Column that must keep at least two values when values of few are taken out; by default the selection's.
        protection: How values of few persons are kept out; by default as the selection's compliance level asks, or the
            settings' for a plan alone, None where they are not (see ``protection_for``, which holds the levels' rules).
        seed: Makes a run repeatable; leave it out for DP methods.
        held_out: Share of rows or patients that the fit does not see, so that ``evaluate`` can judge disclosure.
        limits: Time and memory of each fit.
        public: Column → bounds or levels that are public knowledge.
        settings: Defaults to the environment and .env.
        rows: How many rows; by default the real table's times the plan's multiplier, the plan's limit kept.
        save_model: Folder that keeps the fitted model for ``sample``. It is as sensitive as the table: it can hold cell
            values.
        force: Replace a model that lies there already.
        rules: ``keep`` the rules between columns that the table bears out; besides the user's own, as a YAML file or as
            a list, which are tried on the table first; or ``off``.
        say: Told of each fit and each failure.

    Raises:
        SettingsError: The model's folder holds something, the method's models cannot be kept, or the file of rules
            cannot be read.
        TableError: The table cannot be profiled, or does not match the treatments.
        SynthesisFailed: Neither choice nor backup could be run.
    """
    if isinstance(table, Mapping):
        raise TableError("several linked tables are made by synthesize_set")
    rules_asked(rules)  # A file that cannot be read is told before any work is done.
    handle = open_table(table)
    treatments: tuple[Treatment, ...] = plan.treatments if isinstance(plan, SelectionResult) else ()
    if not treatments or any(item.column is None for item in treatments):
        profile = profile_table(handle, patient_id=patient_id)
        treatments = tuple(column.treatment for column in profile.columns)
    asked = rules_asked(rules, plan.plan if isinstance(plan, SelectionResult) else plan, treatments)
    persons = next((item.column for item in treatments if item.patient), None)
    reading = read_table(handle, persons=persons)
    if say is not None:
        for change in reading.changes[:_MOST_SAID]:
            say(change.sentence)
    settings = settings if settings is not None else Settings()
    level: Compliance | None = None
    if isinstance(plan, SelectionResult):
        level = plan.compliance
        named = (item.column for item in treatments if item.alias == plan.target)
        target = target if target is not None else next(named, None)
    with ExitStack() as stack:
        keep = None
        if save_model is not None:
            _require_keepable(plan.plan if isinstance(plan, SelectionResult) else plan)
            check_model_folder(Path(save_model), force=force)
            keep = Path(stack.enter_context(TemporaryDirectory(prefix="selector-model-"))) / "model.pickle"
        made = carry_out(
            reading.frame,
            plan.plan if isinstance(plan, SelectionResult) else plan,
            reading.treatments_of_parts(treatments),
            environments=Path(settings.selector_environments).expanduser(),
            seed=seed,
            held_out=held_out,
            limits=limits,
            public=public,
            target=reading.parts.get(target, (target,))[0] if target is not None else None,
            protection=protection_by(settings, level) if protection == "level" else protection,
            rows=rows,
            keep=keep,
            rules=asked,
            say=say,
        )
        race = plan.race if isinstance(plan, SelectionResult) else None
        card = made.card.model_copy(update={"reading": reading.changes, "race": race})
        if save_model is not None and keep is not None:
            # A frame's own types cannot be kept: files are read without them.
            written = replace(reading, frame=reading.frame.head(0), dtypes={}, labels={})
            write_model(Path(save_model), keep, replace(made, card=card), written)
    return replace(made, table=reading.write_back(made.table), card=card)


@shown_in_notebooks
def sample(
    folder: str | Path,
    *,
    rows: int | None = None,
    seed: int | None = None,
    where: Mapping[str, str] | None = None,
    balance: str | None = None,
    limits: FitLimits | None = None,
    settings: Settings | None = None,
    say: Say | None = None,
) -> Synthesis:
    """Further rows of a model that ``synthesize(…, save_model=folder)`` kept.

    Args:
        folder: The model's.
        rows: How many; by default as many as ``synthesize`` makes.
        seed: Makes the draw repeatable, where the method is.
        where: Column → value that every row must have.
        balance: A column whose levels shall be equally frequent.
        limits: Time and memory of a draw.
        settings: Defaults to the environment and .env.
        say: Told how many rows were drawn.

    Raises:
        SettingsError: The folder holds no model that this user kept, or it was changed.
        TableError: A column is not among the modelled ones, or hardly any row meets the condition.
        SynthesisFailed: The draw failed.
    """
    settings = settings if settings is not None else Settings()
    kept = open_model(Path(folder))
    made = sample_model(
        kept,
        rows=rows,
        seed=seed,
        where=where,
        balance=balance,
        environments=Path(settings.selector_environments).expanduser(),
        limits=limits,
        say=say,
    )
    return replace(made, table=kept.form.write_back(made.table))


def _require_keepable(plan: ModelSelectionPlan) -> None:
    """Say before the fit that its model could not be kept.

    Raises:
        SettingsError: It could not.
    """
    method = plan.choice.method
    if CATALOGUE[method].histories:
        raise SettingsError(f"a fitted {method} cannot be kept: models of histories are not drawn from again")


def protection_by(settings: Settings, compliance: Compliance | None = None) -> ValueProtection | None:
    """What settings and level ask for.

    Raises:
        SettingsError: The level does not allow the setting.
    """
    return protection_for(
        compliance or settings.compliance_level,
        k=settings.selector_min_persons,
        rare_levels=settings.selector_rare_levels,
        off=settings.selector_value_protection == "off",
    )
