"""``tune``: a plan measured on the table itself, in place of one that is only expected to be good."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..evidence.recommender.acceptance import Acceptance
from ..evidence.recommender.race import Candidate, RaceOutcome, Standing, run_race
from ..evidence.recommender.ranking import Ranked, rate_all
from ..evidence.recommender.trials import TrialRunner, TrialSetting
from ..profiling import open_table
from ..profiling.readers.to_pandas import read_table
from ..schemas.errors import MissingExtra, SettingsError, TableError
from ..schemas.methods import CATALOGUE, Hyperparameters
from ..schemas.options import SelectionOptions
from ..schemas.plan import DPSettings, ModelSelectionPlan
from ..schemas.profile import TableProfile
from ..schemas.question import Question
from ..schemas.request import SelectionRequest
from ..schemas.result import RaceEntry, RaceReport, SelectionResult
from ..schemas.settings import Settings
from ..synthesizers.encoding.table_encoding import Bounds
from ..synthesizers.feasibility import assess
from ..synthesizers.progress import Say, notebook_line
from ..synthesizers.running.environments import interpreter_for
from ..synthesizers.running.fit_process import FitLimits
from .resolve_request import coerce_request, profile_request, resolve
from .synthesize import protection_by

__all__ = ["describe_trials", "list_candidates", "not_raced", "renew_warnings", "tune", "why_not_raced"]

DEFAULT_SECONDS = 120.0
"""CPU seconds of a race."""

_SCORING_SECONDS = 2.0
"""CPU seconds of a trial besides its fit, before any was measured."""

_PRIOR_ERROR = 0.08
"""Standard deviation of an expected score's distance to the others' (measured on tables left out: .05 to .09)."""

_STAND_IN_ERROR = 0.17
"""The same of a method that was never measured itself (measured on methods left out)."""


class _Selects(Protocol):
    settings: Settings

    def select(self, table: Any = None, **request: Any) -> SelectionResult: ...


def tune(
    table: Any,
    *,
    selector: _Selects,
    start: SelectionResult | None = None,
    max_seconds: float = DEFAULT_SECONDS,
    seed: int = 0,
    limits: FitLimits | None = None,
    public: Mapping[str, Bounds] | None = None,
    jobs: int = 1,
    folder: str | Path | None = None,
    watch: Callable[[str, float], None] | None = None,
    profile: TableProfile | None = None,
    **request: Any,
) -> SelectionResult:
    """The best plan by fits on this table, with all that was tried in ``race``.

    Feasible methods at several levels of caution, and the configurations of the plan it starts from, are fitted to one
    part of the table and scored on another, cheap ones first, split by split, until the best is clear, equal within
    error, or the time is spent. A differentially private plan is not raced: every fit would spend epsilon, and scores
    on real rows are no part of the guarantee; it is chosen by expectations and fitted once.

    Args:
        table: Whatever ``open_table`` takes, or its handle.
        selector: Gives the plan to start from, and the settings.
        start: A selection of this table to start from, such as a language model's; by default one is made.
        max_seconds: CPU seconds for all fits and scores together.
        seed: Equal seeds split equally. A time budget may still cut two runs at different fits.
        limits: Time and memory of each fit.
        public: Column → bounds or levels that are public knowledge.
        jobs: Fits at a time, or as many as joblib's backend has workers (Dask, Ray).
        folder: Keeps each fit's figures; a race that was stopped goes on there.
        watch: Told what is fitted and the share of the time that is spent.
        profile: The table's, where there is one already.
        request: Fields of ``SelectionRequest``.

    Raises:
        SelectorError: As for a selection.
    """
    if isinstance(table, Mapping):
        raise TableError("several linked tables are measured by tune_set")
    handle = open_table(table)
    asked = coerce_request({"table": handle, **request} if profile is None else {"profile": profile, **request})
    own = profile_request(asked)
    if not isinstance(own, TableProfile):
        raise SettingsError("profile: a safe profile has no names to fit by; give the table alone")
    profile = own
    # The race measures the cheap ones itself.
    options = {name: getattr(asked, name) for name in SelectionOptions.model_fields} | {"measure": False}
    question = resolve(SelectionRequest(profile=profile, **options), selector.settings).question
    result = start if start is not None else selector.select(profile=profile, **options)
    reason = why_not_raced(result.plan, require_dp=question.constraints.require_dp)
    if reason is not None:
        return result.model_copy(
            update={"race": not_raced(reason, max_seconds), "warnings": [*result.warnings, reason]}
        )
    candidates = list_candidates(question, result.plan, selector.settings)
    setting = describe_trials(
        handle, profile, question, selector.settings, limits=limits, public=public, seed=seed,
        emphasis=result.plan.emphasis,
    )  # fmt: skip
    runner = TrialRunner(setting, jobs=jobs, folder=Path(folder) if folder is not None else None)
    with notebook_line("tune") as line:
        outcome = run_race(
            candidates, runner, max_seconds=max_seconds, watch=watch or _watch_by(line), batch=jobs,
            accepted=Acceptance(question.constraints.policy),
        )  # fmt: skip
    report = _report(outcome, max_seconds)
    best = _plan(outcome, result.plan, report)
    tuned = result.model_copy(
        update={
            "plan": best,
            "race": report,
            "evidence": None,
            "warnings": [*renew_warnings(result, best, question), report.sentence, report.about_proposal],
        }
    )
    tuned._question = question
    return tuned


def renew_warnings(result: SelectionResult, plan: ModelSelectionPlan, question: Question) -> list[str]:
    """The warnings of ``result``, those about its choice replaced by those about the choice of ``plan``."""
    known = assess(question.profile, question.constraints)
    before, now = (known[each.choice.method].cautions for each in (result.plan, plan))
    kept = [warning for warning in result.warnings if warning not in before or warning in now]
    return [*kept, *(warning for warning in now if warning not in kept)]


def _watch_by(line: Say | None) -> Callable[[str, float], None] | None:
    return None if line is None else lambda stage, share: line(f"{share:.0%} of the time is spent, {stage}")


def not_raced(reason: str, max_seconds: float) -> RaceReport:
    """What stands in place of a race's figures, so that the run card tells how the plan was chosen."""
    return RaceReport(
        ended="not raced", splits=0, cpu_seconds=0.0, max_seconds=max_seconds, entries=(), about_proposal=reason
    )


def why_not_raced(plan: ModelSelectionPlan, *, require_dp: bool = False) -> str | None:
    """Why ``plan`` is not raced; None where it is.

    Args:
        plan: What a race would start from.
        require_dp: The request asks for differential privacy, whatever the plan has.
    """
    if require_dp or plan.dp.enabled:
        return "a differentially private plan is not raced: every fit would spend epsilon; expectations chose it"
    if CATALOGUE[plan.choice.method].histories:
        return "histories of one table are not raced: the quick score is of single rows; expectations chose the plan"
    return None


def describe_trials(
    table: Any,
    profile: TableProfile,
    question: Question,
    settings: Settings,
    *,
    limits: FitLimits | None = None,
    public: Mapping[str, Bounds] | None = None,
    seed: int = 0,
    emphasis: Sequence[str] = (),
) -> TrialSetting:
    """What all fits of a race on ``table`` have in common; ``emphasis`` are aliases of what the goal is about."""
    treatments = tuple(column.treatment for column in profile.columns)
    reading = read_table(table, persons=next((item.column for item in treatments if item.patient), None))
    fitted = (column for column in profile.columns if column.treatment.action != "drop")
    named = next((column.name for column in fitted if column.safe.role == "target"), None)
    return TrialSetting(
        table=reading.frame,
        treatments=reading.treatments_of_parts(treatments),
        environments=Path(settings.selector_environments).expanduser(),
        limits=limits or FitLimits(),
        tradeoff=question.constraints.tradeoff,
        protection=protection_by(settings, question.constraints.compliance),
        target=reading.parts.get(named, (named,))[0] if named is not None else None,
        public=public,
        seed=seed,
        emphasis=tuple(
            part
            for column in profile.columns
            if column.safe.alias in emphasis
            for part in reading.parts.get(column.name, (column.name,))
        ),
    )


def list_candidates(question: Question, plan: ModelSelectionPlan, settings: Settings) -> list[Candidate]:
    """Every feasible method at each level of caution, and the plan's own configurations, that can be run here."""
    environments = Path(settings.selector_environments).expanduser()
    rated = [item for item in rate_all(question) if not item.config.is_dp]
    proposed = [config for config in (plan.choice, *plan.backups) if not config.is_dp]
    candidates: dict[str, Candidate] = {}
    for item in rated:
        caution = f"~{item.caution:g}" if item.caution else ""
        _add(candidates, item, item.config, f"{item.method}{caution}", item.config == plan.choice)
    for config in proposed:
        if all(config != candidate.config for candidate in candidates.values()):
            own = [item for item in rated if item.method == config.method]
            if own:
                nearest = min(own, key=lambda item: item.config.distance(config))
                _add(candidates, nearest, config, f"{config.method} (plan)", config == plan.choice)
    return [candidate for candidate in candidates.values() if _is_installed(candidate.config.method, environments)]


def _add(candidates: dict[str, Candidate], item: Ranked, config: Hyperparameters, label: str, proposed: bool) -> None:
    if all(config != candidate.config for candidate in candidates.values()):
        expected = item.expectation
        # Twice where no measured table is like this one.
        error = (_STAND_IN_ERROR if expected.stand_in else _PRIOR_ERROR) * (2 - expected.nearest)
        candidates[label] = Candidate(config, item.score, error, item.seconds + _SCORING_SECONDS, label, proposed)


def _is_installed(method: str, environments: Path) -> bool:
    try:
        interpreter_for(method, environments)
    except MissingExtra:
        return False
    return True


def _plan(outcome: RaceOutcome, plan: ModelSelectionPlan, report: RaceReport) -> ModelSelectionPlan:
    best = outcome.best
    if best is None:
        return plan
    choice = best.candidate.config
    backups: list[Hyperparameters] = []
    measured = [item.candidate.config for item in outcome.standings if item.score is not None]
    for config in (*measured, plan.choice, *plan.backups):
        taken = {choice.method, *(backup.method for backup in backups)}
        if config.method not in taken and len(backups) < 3:
            backups.append(config)
    return ModelSelectionPlan.model_validate(
        {
            **plan.model_dump(),
            "choice": choice.model_dump(),
            "backups": [backup.model_dump() for backup in backups],
            "dp": DPSettings.spent_by(choice).model_dump(),
            "rationale": _rationale(report)[:600],
        }
    )


def _rationale(report: RaceReport) -> str:
    best, *others = (entry for entry in report.entries if entry.score is not None)
    parts = ", ".join(
        f"{name} {value:.2f}"
        for name, value in (("fidelity", best.fidelity), ("utility", best.utility), ("privacy", best.privacy))
        if value is not None
    )
    text = f"Measured on this table: {best.label} scores {best.score:.3f} ({parts}); {report.sentence}."
    if others:
        text += " Next " + ", ".join(f"{entry.label} {entry.score:.3f}±{entry.error or 0:.3f}" for entry in others[:3])
        text += "."
    if report.equals:
        text += f" Not to be told from the best: {', '.join(report.equals[:4])}."
    return text


def _report(outcome: RaceOutcome, max_seconds: float) -> RaceReport:
    return RaceReport(
        ended=outcome.ended,
        splits=outcome.splits,
        cpu_seconds=round(outcome.cpu_seconds, 1),
        max_seconds=max_seconds,
        entries=tuple(_entry(standing) for standing in outcome.standings),
        equals=tuple(standing.candidate.label for standing in outcome.equals),
        about_proposal=_about_proposal(outcome),
    )


def _entry(standing: Standing) -> RaceEntry:
    candidate = standing.candidate
    return RaceEntry(
        label=candidate.label,
        method=candidate.config.method,
        hyperparameters=candidate.config.knobs(),
        proposed=candidate.proposed,
        expected_score=_rounded(candidate.expected_score) or 0.0,
        score=_rounded(standing.score),
        error=_rounded(standing.error),
        fits=len(standing.trials),
        chance=_rounded(standing.chance),
        fidelity=_mean(standing, "fidelity"),
        utility=_mean(standing, "utility"),
        privacy=_mean(standing, "privacy"),
        cpu_seconds=round(sum(trial.cpu_seconds for trial in standing.trials), 2),
        note=standing.reason,
    )


def _mean(standing: Standing, part: str) -> float | None:
    values = [value for trial in standing.trials if (value := trial.parts.get(part)) is not None]
    return _rounded(sum(values) / len(values)) if values else None


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)


def _about_proposal(outcome: RaceOutcome) -> str:
    """Whether the choice of the plan that the race started from was right."""
    best = outcome.best
    if best is None:
        return "nothing could be measured within the time: the plan stands on expectations"
    proposed: Sequence[Standing] = [item for item in outcome.standings if item.candidate.proposed]
    if not proposed:
        return "the plan it started from cannot be run here"
    (item,) = proposed[:1]
    name = item.candidate.label
    if item is best:
        return f"the choice it started from, {name}, was the best of all that was tried"
    if item.score is None:
        return f"the choice it started from, {name}, was not measured: {item.reason or 'no time left'}"
    if item in outcome.equals:
        return f"the choice it started from, {name}, cannot be told from the best, {best.candidate.label}"
    assert best.score is not None
    behind = best.score - item.score
    return f"the choice it started from, {name}, is behind the best, {best.candidate.label}, by {behind:.3f}"
