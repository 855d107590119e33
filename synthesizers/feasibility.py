"""Which synthesizers can serve a table under given constraints, and why the others cannot.

One set of rules, used in three places: the recommender picks among what is feasible, the prompt shows it, and the plan
check holds every answer against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from ..schemas.errors import NoFeasibleSynthesizer
from ..schemas.methods import Hyperparameters
from ..schemas.methods.entry import ROW_LEVEL
from ..schemas.methods.trees.cart import most_in_a_leaf
from ..schemas.profile import SafeProfile
from ..schemas.question import Constraints
from .catalogue import CATALOGUE, NOT_OFFERED
from .sizing import (
    TableShape,
    estimate_memory,
    estimate_seconds,
    gradient_steps,
    least_effort,
    size_hyperparameters,
)

__all__ = [
    "MAX_FIT_BYTES",
    "MAX_FIT_SECONDS",
    "MAX_ONE_HOT_WIDTH",
    "Assessment",
    "Obstacle",
    "assess",
    "assess_method",
    "config_obstacles",
    "method_obstacles",
    "require_feasible",
]

MAX_FIT_SECONDS = 3600.0
"""Estimated CPU seconds above which a fit is not proposed, unless the request allows more."""

MAX_FIT_BYTES = 8e9
"""Estimated peak memory above which a fit is not proposed."""

MAX_ONE_HOT_WIDTH = 2000
"""Encoded columns above which one-hot synthesizers are refused: thousands hang them or take all memory."""

_NO_DP_BY_PATIENT = (
    "gives no differential privacy: a guarantee by row is none for a patient, and no library here gives one by patient"
)

_MIN_ROWS_PER_LEVEL = 5
"""Rows per level of a column below which a one-hot synthesizer cannot learn its levels (judgement)."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a synthesizer, or one of its hyper-parameters, cannot be used here."""

    field: str | None
    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """One synthesizer on one table."""

    method: str
    obstacles: tuple[Obstacle, ...]
    config: Hyperparameters | None
    """Hyper-parameters sized for the table; None where the synthesizer is infeasible."""
    seconds: float
    """Estimated CPU seconds to fit ``config``."""
    steps: int | None
    cautions: tuple[str, ...]

    @property
    def feasible(self) -> bool:
        """Nothing stands against it."""
        return not self.obstacles


def method_obstacles(method: str, shape: TableShape, constraints: Constraints) -> tuple[Obstacle, ...]:
    """What stands against ``method`` whatever its hyper-parameters."""
    entry = CATALOGUE[method]
    found: list[Obstacle] = []
    if constraints.allowed is not None and method not in constraints.allowed:
        found.append(Obstacle(None, "not_allowed", "not in the allowed set"))
    if constraints.deployment == "saas" and entry.source_available_only:
        found.append(
            Obstacle(
                None, "licence", f"{entry.licence} bars offering {entry.implementation} to third parties as a service"
            )
        )
    if constraints.require_dp and entry.dp is None:
        found.append(
            Obstacle(
                None,
                "no_dp",
                _NO_DP_BY_PATIENT if entry.histories else "gives no differential privacy, which is required",
            )
        )
    several = shape.patients is not None
    if entry.histories and (not several or constraints.single_rows):
        reason = "one row a patient is asked for" if several else "the table has one row a patient, or no patient key"
        found.append(Obstacle(None, "single_rows", f"makes several rows a patient, and {reason}"))
    if several and not entry.histories and not constraints.single_rows:
        found.append(
            Obstacle(None, "several_rows", "makes single rows: a patient's rows would become as many patients")
        )
    if entry.survival and not shape.survival:
        found.append(
            Obstacle(None, "no_survival", "draws an event and the time to it first, and no such pair is known here")
        )
    policy = constraints.policy
    if shape.rows < policy.min_rows:
        found.append(
            Obstacle(
                None,
                "policy_rows",
                f"{constraints.compliance} needs at least {policy.min_rows} rows, here {shape.rows}",
            )
        )
    if entry.histories:
        if several and (shape.patients or 0) < entry.min_rows:
            found.append(
                Obstacle(None, "too_few_patients", f"needs at least {entry.min_rows} patients, here {shape.patients}")
            )
    elif shape.rows < entry.min_rows:
        found.append(Obstacle(None, "too_few_rows", f"needs at least {entry.min_rows} rows, here {shape.rows}"))
    if shape.columns == 0:
        found.append(
            Obstacle(None, "no_columns", "no column is left to model after identifiers and constants are dropped")
        )
    if entry.one_hot:
        width = shape.one_hot_width
        if width > MAX_ONE_HOT_WIDTH:
            found.append(
                Obstacle(
                    None,
                    "too_wide",
                    f"one-hot width of about {width} columns, at most {MAX_ONE_HOT_WIDTH} can be trained",
                )
            )
        elif shape.max_levels > 50 and shape.rows < _MIN_ROWS_PER_LEVEL * shape.max_levels:
            found.append(
                Obstacle(
                    None,
                    "sparse_levels",
                    f"a column of about {shape.max_levels} levels on {shape.rows} rows: "
                    f"needs {_MIN_ROWS_PER_LEVEL} rows a level to be learned one-hot",
                )
            )
    return tuple(found)


def config_obstacles(config: Hyperparameters, shape: TableShape, constraints: Constraints) -> tuple[Obstacle, ...]:
    """What stands against these hyper-parameters on this table, the method itself being usable."""
    entry = CATALOGUE[config.method]
    values = config.knobs()
    found: list[Obstacle] = []
    batch = values.get("batch_size")
    if batch is not None and batch > shape.rows:
        found.append(Obstacle("batch_size", "batch_over_rows", f"must be at most the number of rows ({shape.rows})"))
    leaf = values.get("min_samples_leaf")
    if leaf is not None and leaf > 2 * most_in_a_leaf(shape.rows):
        found.append(
            Obstacle(
                "min_samples_leaf",
                "leaf_over_rows",
                f"must be at most {2 * most_in_a_leaf(shape.rows)} for {shape.rows} rows, or trees hardly split",
            )
        )
    steps = gradient_steps(config, shape.rows)
    if steps is not None and steps < entry.min_steps:
        field = "n_iter" if "n_iter" in values else "epochs"
        found.append(
            Obstacle(
                field,
                "undertrained",
                f"gives {steps} gradient steps on {shape.rows} rows, needs at least {entry.min_steps}: "
                f"raise {field} or lower batch_size",
            )
        )
    limit = constraints.max_fit_seconds or MAX_FIT_SECONDS
    seconds = estimate_seconds(config, shape)
    if seconds > limit:
        found.append(Obstacle(None, "too_slow", f"about {seconds:.0f} CPU seconds to fit, at most {limit:.0f} allowed"))
    memory = estimate_memory(config, shape)
    if memory > MAX_FIT_BYTES:
        found.append(
            Obstacle(None, "too_large", f"about {memory / 1e9:.1f} GB to fit, at most {MAX_FIT_BYTES / 1e9:.0f} GB")
        )
    if config.is_dp:
        if config.total_epsilon > constraints.epsilon_max + 1e-9:
            spent = " + ".join(config.epsilon_fields)
            found.append(
                Obstacle(
                    config.epsilon_fields[0], "epsilon", f"{spent} must add up to at most {constraints.epsilon_max:g}"
                )
            )
        if config.total_delta > constraints.delta_max * (1 + 1e-9):
            found.append(Obstacle(config.delta_field, "delta", f"must be at most {constraints.delta_max:g}"))
    return tuple(found)


@lru_cache(maxsize=256)
def assess(
    profile: SafeProfile, constraints: Constraints, *, caution: float = 0.0, effort: float = 1.0
) -> Mapping[str, Assessment]:
    """Every synthesizer of the catalogue on this table; see ``size_hyperparameters`` for caution and effort.

    Cached: prompt, recommender and result ask for the same table in one selection.
    """
    shape = TableShape.of(profile)
    return MappingProxyType(
        {method: assess_method(method, profile, shape, constraints, caution, effort) for method in CATALOGUE}
    )


def require_feasible(assessments: Mapping[str, Assessment], constraints: Constraints) -> None:
    """Make sure that a plan can exist.

    Raises:
        NoFeasibleSynthesizer: No synthesizer is feasible; with the reason of each that the request allows or names.
    """
    if any(item.feasible for item in assessments.values()):
        return
    asked = constraints.allowed or tuple(assessments)
    reasons = {
        method: NOT_OFFERED.get(method) or "; ".join(obstacle.message for obstacle in assessments[method].obstacles)
        for method in asked
    }
    raise NoFeasibleSynthesizer(reasons)


def assess_method(
    method: str, profile: SafeProfile, shape: TableShape, constraints: Constraints, caution: float, effort: float
) -> Assessment:
    """One synthesizer on this table, whose shape is ``shape``; as ``assess``, not cached."""
    obstacles = method_obstacles(method, shape, constraints)
    config = _size(method, shape, constraints, caution, effort)
    if not obstacles:
        obstacles = config_obstacles(config, shape, constraints)
    if any(obstacle.type == "too_slow" for obstacle in obstacles):
        # The least effort that still trains it may fit into the time allowed.
        config = _size(method, shape, constraints, caution, least_effort(method))
        obstacles = config_obstacles(config, shape, constraints)
    return Assessment(
        method=method,
        obstacles=obstacles,
        config=None if obstacles else config,
        seconds=estimate_seconds(config, shape),
        steps=gradient_steps(config, shape.rows),
        cautions=() if obstacles else _cautions(config, profile, shape),
    )


def _size(method: str, shape: TableShape, constraints: Constraints, caution: float, effort: float) -> Hyperparameters:
    return size_hyperparameters(
        method,
        shape,
        epsilon=constraints.epsilon_max,
        delta=constraints.delta_max,
        max_seconds=constraints.max_fit_seconds or MAX_FIT_SECONDS,
        caution=caution,
        effort=effort,
    )


def _cautions(config: Hyperparameters, profile: SafeProfile, shape: TableShape) -> tuple[str, ...]:
    method = config.method
    entry = CATALOGUE[method]
    cautions: list[str] = []
    count, what = (shape.patients or 0, "patients") if entry.histories else (shape.rows, "rows")
    if count < entry.advised_rows:
        cautions.append(f"{method} is advised from {entry.advised_rows} {what} on, here {count}")
    if entry.dp is None:
        return tuple(cautions)
    _, preparation = config.epsilon_fields
    if config.knobs()[preparation] < 0.99 * entry.bounds_epsilon(shape):
        cautions.append(
            f"{method} needs public bounds here: {shape.continuous} numeric columns on {shape.rows} rows are too many "
            "for its library to find bounds privately"
        )
    repeated = profile.patients is not None and profile.patients < profile.rows
    caveats = [caveat for caveat in entry.dp.caveats if repeated or caveat != ROW_LEVEL]
    return (*cautions, *(f"{method}: {caveat}" for caveat in caveats))
