"""Landmarks: what cheap synthesizers have when they are fitted once to the table itself, for a better expectation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..evidence.recommender.ranking import Ranked, rank_any
from ..profiling import open_table
from ..schemas.errors import MissingExtra, NoFeasibleSynthesizer
from ..schemas.methods import CATALOGUE
from ..schemas.profile import TableProfile
from ..schemas.question import Question
from ..schemas.request import Landmark, SelectionRequest
from ..schemas.settings import Settings
from .resolve_request import profile_request, resolve

__all__ = ["measure_landmarks", "with_landmarks"]

_CHEAP_SECONDS = 3.0
"""CPU seconds of a fit that counts as cheap."""


def with_landmarks(request: SelectionRequest, settings: Settings) -> SelectionRequest:
    """``request`` with its table profiled and measured, where it asks for that; else as it is.

    Raises:
        MissingExtra: The extra ``light`` is not installed.
        TableError: The table cannot be read or profiled.
    """
    wanted = settings.selector_measure if request.measure is None else request.measure
    if not wanted or request.table is None or isinstance(request.table, Mapping):
        return request
    handle = open_table(request.table)
    profile = profile_request(request.model_copy(update={"table": handle}))
    assert isinstance(profile, TableProfile)
    of_profile = {"table", "target", "patient_id", "time", "static", "keys", "kinds", "concepts"}
    kept = {name: getattr(request, name) for name in request.model_fields_set - of_profile}
    known = SelectionRequest(profile=profile, **kept)
    return known.model_copy(update={"landmarks": measure_landmarks(handle, profile, known, settings)})


def measure_landmarks(
    table: Any, profile: TableProfile, request: SelectionRequest, settings: Settings
) -> tuple[Landmark, ...]:
    """The figures of each cheap method, fitted once to a part of the table and judged on the rest; rounded.

    None where differential privacy is required: the fits would spend epsilon, and their figures are no part of the
    guarantee. None either where no cheap method is feasible.

    Args:
        table: Whatever ``open_table`` takes, or its handle.
        profile: Of that table.
        request: Its options count.
        settings: Where environments are, and how values are protected.

    Raises:
        MissingExtra: The extra ``light`` is not installed.
    """
    try:
        question = resolve(request, settings).question
    except NoFeasibleSynthesizer:
        return ()
    cheap = [item for item in rank_any(question) if _is_cheap(item)]
    if question.constraints.require_dp or not cheap:
        return ()
    try:
        from .tune import describe_trials
    except ModuleNotFoundError:
        raise MissingExtra("--measure", "light") from None
    from ..evidence.recommender.race import Candidate
    from ..evidence.recommender.trials import TrialRunner

    runner = TrialRunner(describe_trials(open_table(table), profile, question, settings))
    pairs = [(Candidate(item.config, item.score, 1.0, item.seconds, item.method), 0) for item in cheap]
    trials = runner(pairs)
    return tuple(
        _landmark(item, question, trial.parts)
        for item, trial in zip(cheap, trials, strict=True)
        if trial.score is not None
    )


def _is_cheap(item: Ranked) -> bool:
    return not item.config.is_dp and not CATALOGUE[item.method].histories and item.seconds <= _CHEAP_SECONDS


def _landmark(item: Ranked, question: Question, parts: Mapping[str, float | None]) -> Landmark:
    fidelity, utility, privacy = parts["fidelity"], parts["utility"], parts["privacy"]
    assert fidelity is not None
    return Landmark(
        method=item.method,
        caution=item.caution,
        fidelity=round(fidelity, 2),
        utility=None if utility is None else round(utility, 2),
        risk=None if privacy is None else round(1 - privacy, 2),
    )
