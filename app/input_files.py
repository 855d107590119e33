"""Files that the plan commands take: plans, run cards, public bounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..schemas.base import describe_error
from ..schemas.errors import SettingsError
from ..schemas.plan import ModelSelectionPlan
from ..schemas.profile import SafeProfile, TableProfile
from ..schemas.request import EvidenceMetrics
from ..schemas.result import SelectionResult

if TYPE_CHECKING:
    from ..synthesizers.encoding.table_encoding import Bounds
    from ..synthesizers.running.run_card import RunCard

__all__ = ["read_bounds", "read_card", "read_metrics", "read_plan", "read_result", "read_run", "read_saved_profile"]


def read_plan(path: Path) -> ModelSelectionPlan | SelectionResult:
    """A plan, a selection's result, or a plan in the existing backend's shape.

    Raises:
        SettingsError: It is none of these; the message names the fields that are wrong and no value.
    """
    data = _read(path)
    try:
        if isinstance(data, dict) and "plan" in data:
            return SelectionResult.model_validate(data)
        if isinstance(data, dict) and "hyperparams" in data:
            return ModelSelectionPlan.from_backend_dict(data)
        return ModelSelectionPlan.model_validate(data)
    except ValidationError as error:
        raise SettingsError(f"{path}: {describe_error(error, most=5)}") from None
    except ValueError:
        raise SettingsError(f"{path}: not a plan") from None


def read_saved_profile(path: Path) -> SafeProfile | TableProfile:
    """What ``profile --save`` wrote, or a safe profile from elsewhere.

    Raises:
        SettingsError: It is neither.
    """
    data = _read(path)
    kind = TableProfile if isinstance(data, dict) and "safe" in data else SafeProfile
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise SettingsError(f"{path}: not a saved profile: {describe_error(error, most=3)}") from None


def read_metrics(path: Path) -> EvidenceMetrics:
    """How a plan did: what ``evaluate --json`` or ``auto --json`` printed, or an object of the metrics alone.

    Raises:
        SettingsError: It is none of these.
    """
    run = read_run(path)
    try:
        if "rounds" in run:
            run = run["rounds"][run["best"]]["evaluation"]
        metrics = EvidenceMetrics.model_validate(run.get("metrics", run))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise SettingsError(f"{path}: not what evaluate --json or auto --json printed") from None
    except ValidationError as error:
        raise SettingsError(f"{path}: {describe_error(error, most=5)}") from None
    if not metrics.model_fields_set & set(EvidenceMetrics.model_fields):
        raise SettingsError(f"{path}: holds none of {', '.join(EvidenceMetrics.model_fields)}")
    return metrics


def read_run(path: Path) -> dict[str, Any]:
    """The record of a run.

    Raises:
        SettingsError: It is no JSON object.
    """
    data = _read(path)
    if not isinstance(data, dict):
        raise SettingsError(f"{path}: must be a JSON object, as the commands print it with --json")
    return data


def read_result(path: Path) -> SelectionResult:
    """What ``select --json`` printed.

    Raises:
        SettingsError: It is something else; the message names the fields that are wrong and no value.
    """
    result = read_plan(path)
    if not isinstance(result, SelectionResult):
        raise SettingsError(f"{path}: a plan alone; give what select --json printed")
    return result


def read_card(path: Path) -> RunCard:
    """A run card.

    Raises:
        SettingsError: It cannot be read.
    """
    from ..synthesizers.running.run_card import RunCard

    try:
        return RunCard.model_validate(_read(path))
    except ValidationError as error:
        raise SettingsError(f"{path}: {describe_error(error, most=5)}") from None


def read_bounds(path: Path | None) -> dict[str, Bounds] | None:
    """Column → bounds or levels; None where no file was given.

    Raises:
        SettingsError: It is not an object of lists.
    """
    if path is None:
        return None
    data = _read(path)
    if not isinstance(data, dict) or not all(isinstance(value, list) and value for value in data.values()):
        raise SettingsError(f"{path}: must be a JSON object of COLUMN: [low, high] or COLUMN: [levels]")
    return {name: tuple(value) for name, value in data.items()}


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise SettingsError(f"{path}: is nested too deeply") from None
    except (OSError, ValueError):
        raise SettingsError(f"{path}: cannot be read as JSON") from None
