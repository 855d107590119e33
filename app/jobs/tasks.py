"""What each kind of job does: the functions that the command line calls, with files of the job's folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...schemas.options import SelectionOptions
from ...schemas.plan import ModelSelectionPlan
from ...schemas.result import SelectionResult
from ...schemas.settings import Settings
from ...synthesizers.progress import Step
from ..input_files import read_bounds, read_card, read_plan
from .models import JobUpload
from .records import Job, JobKind

if TYPE_CHECKING:
    from ...evidence.evaluation import Evaluation
    from ...synthesizers.running.fit_process import FitLimits
    from ...synthesizers.running.run_plan import Synthesis

__all__ = ["TASKS", "Task"]

_UPLOAD = Path("upload")


class Task:
    """A job at work, in its own folder.

    Args:
        job: The job; its folder is the current one.
        settings: The service's.
    """

    def __init__(self, job: Job, settings: Settings) -> None:
        self.job = job
        self.settings = settings
        self.options = JobUpload.model_validate(job.options)
        self._began = time.monotonic()
        self._expected: float | None = None
        self._after_fit = 0.0
        """What the next step, a fit, does not count."""

    @property
    def limits(self) -> FitLimits:
        """What one fit may use: what is left of the job's time, and its memory."""
        from ...synthesizers.running.fit_process import FitLimits

        left = self.settings.service_job_timeout_s - (time.monotonic() - self._began)
        return FitLimits(seconds=max(1.0, left), memory_bytes=float(self.settings.service_job_memory_mb << 20))

    @property
    def table(self) -> Any:
        """The uploaded table, opened."""
        from ...profiling import open_table

        return open_table(_UPLOAD)

    @property
    def selection_options(self) -> dict[str, Any]:
        """Those that were given."""
        names = self.options.model_fields_set & {*SelectionOptions.model_fields, "target", "patient_id", "kinds"}
        return {name: getattr(self.options, name) for name in names}

    @property
    def public(self) -> Any:
        """Bounds and levels that are public knowledge; None where none were given."""
        path = Path("public_bounds")
        return read_bounds(path) if path.exists() else None

    def say(self, text: str) -> None:
        """Tell the owner what happens."""
        elapsed = time.monotonic() - self._began
        if isinstance(text, Step):
            self._expected = round(elapsed + text.expected_seconds + self._after_fit, 1)
            self._after_fit = 0.0
        event = {"text": text, "seconds": round(elapsed, 1), "expected_seconds": self._expected}
        with Path("events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    def expect(self, plan: ModelSelectionPlan, *, judged: bool = True) -> None:
        """Estimate how long the job will take that now fits the plan's choice and, if it is ``judged``, evaluates."""
        from ...evidence.evaluation import expected_seconds
        from ...profiling import profile_table
        from ...synthesizers.sizing import TableShape, expected_wait

        shape = TableShape.of(profile_table(self.table).safe)
        self._after_fit = expected_seconds(shape.rows, shape.columns) if judged else 0.0
        fit = expected_wait(plan.choice, shape)
        self._expected = round(time.monotonic() - self._began + fit + self._after_fit, 1)

    def write(self, name: str, text: str) -> None:
        """Write a result."""
        from ...synthesizers.running.files import write_atomically

        path = Path("results") / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_atomically(path, lambda partial: partial.write_text(text, encoding="utf-8"))

    def watch(self, text: str, share: float) -> None:
        """Tell the owner what happens, and how much of the time is spent."""
        if share > 0:
            self._expected = round((time.monotonic() - self._began) / share, 1)
        self.say(text)

    def write_synthesis(self, made: Synthesis) -> None:
        """Write the synthetic table and its run card; texts that a spreadsheet would run are told or made harmless."""
        from ...synthesizers.encoding.spreadsheet import formula_columns, without_formulas
        from ...synthesizers.running.files import write_table

        options = self.options
        table = without_formulas(made.table) if options.spreadsheet_safe else made.table
        columns = formula_columns(table) if options.output == "csv" else ()
        if columns:
            self.say(f"a spreadsheet would run texts of {', '.join(columns)} as formulas: see spreadsheet_safe")
        Path("results").mkdir(mode=0o700, exist_ok=True)
        write_table(table, Path("results") / f"synthetic.{options.output}")
        self.write("card.json", made.card.model_dump_json(indent=2))


def _synthesize(task: Task) -> None:
    from ...agents.synthesize import protection_by, synthesize
    from ...evidence.evaluation import evaluate

    options, known = task.options, read_plan(Path("plan"))
    plan = known.plan if isinstance(known, SelectionResult) else known
    task.expect(plan, judged=options.evaluate)
    made = synthesize(
        task.table,
        known,
        patient_id=options.patient_id,
        target=options.target,
        protection=protection_by(task.settings, options.compliance),
        seed=options.seed,
        held_out=options.held_out,
        limits=task.limits,
        public=task.public,
        settings=task.settings,
        say=task.say,
    )
    task.write_synthesis(made)
    task.write("plan.json", plan.model_dump_json(indent=2))
    if options.evaluate:
        _write_evaluation(
            task,
            evaluate(
                task.table,
                made.table,
                card=made.card,
                target=options.target if options.target in made.table.columns else None,
                compliance=options.compliance or task.settings.compliance_level,
                quasi_identifiers=options.quasi_identifiers or None,
                say=task.say,
            ),
        )


def _evaluate(task: Task) -> None:
    from ...evidence.evaluation import evaluate
    from ...profiling import open_table

    options, card = task.options, Path("card")
    _write_evaluation(
        task,
        evaluate(
            task.table,
            open_table(Path("synthetic")),
            card=read_card(card) if card.exists() else None,
            target=options.target,
            compliance=options.compliance or task.settings.compliance_level,
            quasi_identifiers=options.quasi_identifiers or None,
            say=task.say,
        ),
    )


def _auto(task: Task) -> None:
    from ...agents import ClinicalModelSelector
    from ...agents.auto import run_auto
    from ..render.evaluation_views import auto_page, auto_record

    options = task.options
    best, rounds = run_auto(
        task.table,
        selector=ClinicalModelSelector(task.settings),
        rounds=options.rounds,
        max_seconds=options.max_seconds,
        seed=options.seed,
        held_out=options.held_out,
        limits=task.limits,
        public=task.public,
        quasi_identifiers=options.quasi_identifiers or None,
        say=task.say,
        before=task.expect,
        **task.selection_options,
    )
    task.write_synthesis(best.synthesis)
    task.write("plan.json", best.result.plan.model_dump_json(indent=2))
    task.write("result.json", best.result.model_dump_json(indent=2))
    task.write("rounds.json", json.dumps(auto_record(best, rounds), indent=2))
    _write_evaluation(task, best.evaluation)
    task.write("report.html", auto_page(best, rounds))


def _tune(task: Task) -> None:
    from ...agents import ClinicalModelSelector

    result = ClinicalModelSelector(task.settings).tune(
        task.table,
        max_seconds=task.options.max_seconds,
        seed=task.options.seed or 0,
        limits=task.limits,
        public=task.public,
        # Kept when the worker is killed: the next one goes on from there.
        folder=Path("race"),
        watch=task.watch,
        **task.selection_options,
    )
    task.write("plan.json", result.plan.model_dump_json(indent=2))
    task.write("result.json", result.model_dump_json(indent=2))


def _write_evaluation(task: Task, evaluation: Evaluation) -> None:
    from ...evidence.evaluation import as_record
    from ..render.evaluation_views import evaluation_page

    task.write("evaluation.json", json.dumps(as_record(evaluation), indent=2))
    task.write("report.html", evaluation_page(evaluation))


TASKS: dict[JobKind, Callable[[Task], None]] = {
    "auto": _auto,
    "synthesize": _synthesize,
    "evaluate": _evaluate,
    "tune": _tune,
}
