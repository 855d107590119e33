"""The fits of a race: carried out as ``synthesize`` does it, scored quickly, each kept in a file of its own."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import TypeAdapter

from ...schemas.column_treatment import Treatment
from ...schemas.compliance import ValueProtection
from ...schemas.errors import SettingsError, SynthesisFailed, TableError
from ...schemas.methods import Hyperparameters
from ...schemas.options import Tradeoff
from ...schemas.plan import DPSettings, ModelSelectionPlan
from ...synthesizers.encoding.table_encoding import Bounds
from ...synthesizers.running.files import write_atomically
from ...synthesizers.running.fit_process import FitLimits
from ...synthesizers.running.run_plan import Synthesis, carry_out
from ...synthesizers.sizing import START_SECONDS
from ..evaluation_inputs import prepare
from ..quality import protected_as_for_the_fit
from .acceptance import INNER_HELD_OUT
from .race import Candidate, Trial
from .score import ScoreParts, Scorer
from .weighing import score_cell

__all__ = ["TrialRunner", "TrialSetting", "run_trial", "weigh_figures"]


@dataclass(frozen=True, slots=True)
class TrialSetting:
    """What all trials of a race have in common."""

    table: pd.DataFrame
    treatments: tuple[Treatment, ...]
    environments: Path
    limits: FitLimits
    tradeoff: Tradeoff
    protection: ValueProtection | None
    target: str | None = None
    public: Mapping[str, Bounds] | None = None
    seed: int = 0
    emphasis: tuple[str, ...] = ()
    """Columns that the goal is about."""


_KEPT = TypeAdapter(Trial)
"""A trial as its file holds it."""

_FIELDS = {item.name for item in fields(Trial)}

_PACKAGE = Path(__file__).parents[2]

_MADE_BY = ("schemas", "profiling", "synthesizers", "evidence")
"""Folders of this package whose code a trial's figures come from."""


class TrialRunner:
    """Fits and scores pairs of candidate and split, side by side where joblib is told so.

    Args:
        setting: Table, treatments and limits.
        jobs: Fits at a time.
        folder: Where each trial is kept; one that has its file, written by this very code, is not run again.

    Raises:
        SettingsError: The folder cannot be made or written.
    """

    def __init__(self, setting: TrialSetting, *, jobs: int = 1, folder: Path | None = None) -> None:
        self._setting = setting
        self._jobs = jobs
        self._folder = folder
        self._digest = _digest(setting)
        self._scorers: dict[int, Scorer] = {}
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise SettingsError(f"{folder} cannot be made for kept fits: {error.strerror}") from None
            if not os.access(folder, os.W_OK | os.X_OK):
                raise SettingsError(f"{folder} cannot be written: fits are kept there")

    def __call__(self, pairs: Sequence[tuple[Candidate, int]]) -> list[Trial]:
        """The trial of each pair."""
        kept = [self._kept(candidate, split) for candidate, split in pairs]
        waiting = [pair for pair, trial in zip(pairs, kept, strict=True) if trial is None]
        made = iter(self._run(waiting))
        return [next(made) if trial is None else trial for trial in kept]

    def _run(self, pairs: Sequence[tuple[Candidate, int]]) -> list[Trial]:
        if len(pairs) < 2 or self._jobs == 1:
            trials = [run_trial(self._setting, candidate, split, self._scorers) for candidate, split in pairs]
        else:
            from joblib import Parallel, delayed

            # The fits are processes already: threads wait for them, unless the caller set a cluster's backend.
            trials = Parallel(n_jobs=self._jobs, prefer="threads")(
                delayed(run_trial)(self._setting, candidate, split, None) for candidate, split in pairs
            )
        for (candidate, split), trial in zip(pairs, trials, strict=True):
            self._keep(candidate, split, trial)
        return list(trials)

    def _file(self, candidate: Candidate, split: int) -> Path | None:
        if self._folder is None:
            return None
        asked = json.dumps([self._digest, candidate.config.model_dump(), split], sort_keys=True)
        return self._folder / f"{candidate.label}__{split}__{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"

    def _kept(self, candidate: Candidate, split: int) -> Trial | None:
        path = self._file(candidate, split)
        if path is None or not path.is_file():
            return None
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            # A field that is not there is not its default: whoever wrote the file did not look.
            return _KEPT.validate_python(kept) if isinstance(kept, dict) and set(kept) == _FIELDS else None
        except ValueError:
            # Another program's, or cut short: the fit is run again.
            return None

    def _keep(self, candidate: Candidate, split: int, trial: Trial) -> None:
        path = self._file(candidate, split)
        if path is not None:
            write_atomically(path, lambda partial: partial.write_text(json.dumps(asdict(trial)), encoding="utf-8"))


def run_trial(
    setting: TrialSetting, candidate: Candidate, split: int, scorers: dict[int, Scorer] | None = None
) -> Trial:
    """Fit ``candidate`` to one part of the table and score it against the other.

    Args:
        setting: Table, treatments and limits.
        candidate: What is fitted.
        split: Number of the split; equal numbers split equally.
        scorers: Split → its scorer, filled here, so that what depends on the split alone is done once.
    """
    began = time.process_time()
    try:
        made = carry_out(
            setting.table, _plan_of(candidate.config, len(setting.table)), setting.treatments,
            environments=setting.environments, seed=setting.seed + split, held_out=INNER_HELD_OUT,
            limits=setting.limits, public=setting.public, target=setting.target, protection=setting.protection,
        )  # fmt: skip
    except SynthesisFailed as failed:
        reason = next(iter(failed.failures.values()))
        return Trial(candidate.label, split, None, time.process_time() - began + START_SECONDS, failure=reason)
    except TableError as error:
        return Trial(candidate.label, split, None, time.process_time() - began, failure=str(error))
    parts = _score(setting, made, split, {} if scorers is None else scorers)
    auc, overlap = parts.membership_auc, parts.overlap
    figures = {
        "fidelity": parts.fidelity,
        "utility": parts.utility,
        "privacy": parts.privacy,
        "membership_auc": None if auc is None else auc.value,
        "membership_spread": None if auc is None else max(0.01, (auc.high - auc.low) / (2 * 1.645)),
        "fit_cpu_seconds": made.card.fit_cpu_seconds,
        "persons_hit": None if overlap.persons_hit is None else overlap.persons_hit.value,
        "persons_chance": overlap.persons_chance,
        "rows_copied": overlap.rows_copied.value,
        "rows_chance": overlap.rows_chance,
    }
    return Trial(
        candidate.label,
        split,
        weigh_figures(figures, setting.tradeoff),
        time.process_time() - began + made.card.fit_cpu_seconds + START_SECONDS,
        parts=figures,
        copied=overlap.copied,
    )


def weigh_figures(figures: Mapping[str, float | None], tradeoff: Tradeoff) -> float:
    """The score of a trial's ``parts``, weighed by the trade-off."""
    fidelity, privacy = figures["fidelity"], figures["privacy"]
    assert fidelity is not None
    risk = None if privacy is None else 1 - privacy
    return score_cell(tradeoff, fidelity, figures["utility"], risk, figures["fit_cpu_seconds"] or 0.0)


def _score(setting: TrialSetting, made: Synthesis, split: int, scorers: dict[int, Scorer]) -> ScoreParts:
    target = setting.target if setting.target in made.table.columns else None
    compared = prepare(setting.table, made.table, card=made.card, target=target)
    if split not in scorers:
        scorers[split] = Scorer(
            compared.fitted, compared.held_out, target=target, train_persons=compared.fitted_persons,
            held_out_persons=compared.held_out_persons, seed=setting.seed + split,
            protected=protected_as_for_the_fit(compared.fitted, compared.fitted_persons, made.card, setting.seed),
            emphasis=setting.emphasis,
        )  # fmt: skip
    return scorers[split].score(compared.synthetic, tradeoff=setting.tradeoff, seconds=made.card.fit_cpu_seconds)


def _plan_of(config: Hyperparameters, rows: int) -> ModelSelectionPlan:
    return ModelSelectionPlan.model_validate(
        {
            "choice": config.model_dump(),
            "backups": [],
            "dp": DPSettings.spent_by(config).model_dump(),
            "sample_multiplier": 1.0,
            "max_synth_rows": max(1, min(50_000, rows)),
            "rationale": "",
        }
    )


@cache
def _code() -> str:
    """Changes with the product's version and every line that makes a figure, so that nobody must raise a number."""
    digest = hashlib.sha256(version("clinical-model-selector").encode())
    for folder in _MADE_BY:
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _digest(setting: TrialSetting) -> str:
    """Changes with the table, its treatments, the code and whatever else a score depends on."""
    rows = pd.util.hash_pandas_object(setting.table.astype("string"), index=False).to_numpy().tobytes()
    asked: list[Any] = [
        hashlib.sha256(rows).hexdigest(), list(map(str, setting.table.columns)),
        [item.model_dump(mode="json") for item in setting.treatments], setting.tradeoff,
        setting.protection.model_dump() if setting.protection else None,
        setting.target, setting.seed, setting.limits.seconds, setting.limits.memory_bytes,
        {name: list(bounds) for name, bounds in (setting.public or {}).items()}, _code(),
        *([sorted(setting.emphasis)] if setting.emphasis else []),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()
