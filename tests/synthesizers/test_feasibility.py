from __future__ import annotations

from typing import Any

import pytest
from builders import column, constraints, profile
from clinical_model_selector.schemas.errors import NoFeasibleSynthesizer
from clinical_model_selector.schemas.profile import HistoryStructure, SafeProfile
from clinical_model_selector.synthesizers.catalogue import CATALOGUE
from clinical_model_selector.synthesizers.feasibility import (
    MAX_ONE_HOT_WIDTH,
    assess,
    config_obstacles,
    require_feasible,
)
from clinical_model_selector.synthesizers.sizing import (
    TableShape,
    estimate_memory,
    estimate_seconds,
    gradient_steps,
    least_effort,
    size_hyperparameters,
)
from hypothesis import given
from hypothesis import strategies as st

ONE_HOT = {method for method, entry in CATALOGUE.items() if entry.one_hot}
DP = {method for method, entry in CATALOGUE.items() if entry.dp}

TREES = {"cart", "arf"}
IDENTIFIERS_ONLY = SafeProfile(rows=500, columns=(column(1, "identifier", action="drop"),))

REFUSED: dict[str, tuple[SafeProfile, dict[str, Any], set[str], str]] = {
    "not allowed": (profile(), {"allowed": tuple(TREES)}, set(CATALOGUE) - TREES, "not_allowed"),
    "licence bars a service": (profile(), {"deployment": "saas"}, {"ctgan", "tvae"}, "licence"),
    "privacy required": (profile(5000), {"require_dp": True}, set(CATALOGUE) - DP, "no_dp"),
    "strict level requires privacy": (profile(5000), {"compliance": "clinical_strict"}, set(CATALOGUE) - DP, "no_dp"),
    "policy's smallest table": (profile(90), {}, set(CATALOGUE), "policy_rows"),
    "too few rows to train": (profile(240), {}, {"tabddpm", "argn_dp"}, "too_few_rows"),
    "width explodes": (profile(100_000, categorical=4, levels=700), {}, ONE_HOT, "too_wide"),
    "levels too sparse": (profile(1000, categorical=2, levels=400), {}, ONE_HOT, "sparse_levels"),
    "nothing left to model": (IDENTIFIERS_ONLY, {}, set(CATALOGUE), "no_columns"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_who_is_refused_and_why(case: str) -> None:
    safe, fields, refused, reason = REFUSED[case]
    found = {
        m for m, item in assess(safe, constraints(**fields)).items() if any(o.type == reason for o in item.obstacles)
    }
    assert found == refused


@pytest.mark.parametrize("rows", [100, 299, 686, 7874, 101_000])
def test_sized_hyperparameters_train_every_synthesizer_enough(rows: int) -> None:
    safe = profile(rows)
    shape = TableShape.of(safe)
    for method, item in assess(safe, constraints(max_fit_seconds=1e9)).items():
        if item.config is None:
            continue
        steps = gradient_steps(item.config, rows)
        assert steps is None or steps >= CATALOGUE[method].min_steps, method
        assert item.config.knobs().get("batch_size") is None or item.config.knobs()["batch_size"] <= rows
        assert not config_obstacles(item.config, shape, constraints(max_fit_seconds=1e9))


def test_steps_are_counted_as_the_libraries_count_them() -> None:
    def steps(method: str, rows: int, **knobs: Any) -> int | None:
        return gradient_steps(CATALOGUE[method].hyperparameters.with_defaults(**knobs), rows)

    # CTGAN drops the incomplete batch, TVAE and TabDDPM do not; batch 500 on 400 rows is one step an epoch.
    assert steps("ctgan", 400, epochs=300, batch_size=500) == 300
    assert steps("ctgan", 1400, epochs=300, batch_size=500) == 600
    assert steps("tvae", 1400, epochs=300, batch_size=500) == 900
    assert steps("tabddpm", 1500, n_iter=1000, batch_size=1024) == 2000
    assert steps("cart", 1000) is None


@pytest.mark.parametrize(
    ("method", "knobs", "field", "reason"),
    [
        ("ctgan", {"epochs": 300, "batch_size": 500}, "epochs", "undertrained"),
        ("tabddpm", {"n_iter": 1000, "batch_size": 512}, "n_iter", "undertrained"),
        ("tvae", {"batch_size": 2000, "epochs": 900}, "batch_size", "batch_over_rows"),
        ("dp_mst", {"epsilon": 1.0, "proc_epsilon": 0.1}, "epsilon", "epsilon"),
        ("dp_mst", {"epsilon": 0.9, "proc_epsilon": 0.1, "delta": 1e-4}, "delta", "delta"),
        ("argn_dp", {"max_epsilon": 0.9, "value_protection_epsilon": 1.0}, "max_epsilon", "epsilon"),
    ],
)
def test_hyperparameters_that_do_not_fit_the_table(method: str, knobs: dict[str, Any], field: str, reason: str) -> None:
    config = CATALOGUE[method].hyperparameters.with_defaults(**knobs)
    obstacles = config_obstacles(config, TableShape.of(profile(686)), constraints())
    assert [(o.field, o.type) for o in obstacles] == [(field, reason)]


def test_a_time_limit_is_met_by_less_effort_or_refused() -> None:
    open_ended = assess(profile(680), constraints())
    pressed = assess(profile(680), constraints(max_fit_seconds=45))
    assert open_ended["ctgan"].steps > pressed["ctgan"].steps >= CATALOGUE["ctgan"].min_steps  # type: ignore[operator]
    assert pressed["ctgan"].seconds <= 45
    assert [o.type for o in assess(profile(680), constraints(max_fit_seconds=5))["dp_aim"].obstacles] == ["too_slow"]
    assert assess(profile(680), constraints(max_fit_seconds=60))["argn"].config.knobs()["max_training_time"] == 1  # type: ignore[union-attr]


def test_one_feasible_synthesizer_is_enough() -> None:
    limits = constraints(allowed=("cart", "ctgan"), deployment="saas")
    require_feasible(assess(profile(), limits), limits)


def test_none_feasible_is_an_error_with_every_reason() -> None:
    limits = constraints(allowed=("ctgan",), deployment="saas")
    with pytest.raises(NoFeasibleSynthesizer) as caught:
        require_feasible(assess(profile(), limits), limits)
    assert set(caught.value.reasons) == {"ctgan"}
    assert "BSL-1.1" in str(caught.value)


def test_cautions_for_small_tables_and_for_rows_that_share_a_patient() -> None:
    few = assess(profile(680), constraints())
    assert any("advised from 2000 rows" in c for c in few["argn"].cautions)
    repeated = assess(profile(5000, patients=400), constraints())["dp_mst"].cautions
    single = assess(profile(5000, patients=5000), constraints())["dp_mst"].cautions
    assert any("several rows" in c for c in repeated)
    assert not any("several rows" in c for c in single)


@given(
    rows=st.integers(11, 2_000_000),
    continuous=st.integers(0, 40),
    levels=st.integers(1, 3000),
    epsilon=st.floats(0.05, 20.0),
    delta=st.floats(1e-9, 1e-3),
    caution=st.floats(0, 1),
    effort=st.floats(0, 10),
    seconds=st.floats(1, 1e6),
)
def test_sizing_always_stays_inside_ranges_and_budget(
    rows: int, continuous: int, levels: int, epsilon: float, delta: float, caution: float, effort: float, seconds: float
) -> None:
    shape = TableShape.of(profile(rows, continuous=continuous, categorical=1, levels=levels))
    for method in CATALOGUE:
        for share in (effort, least_effort(method)):
            config = size_hyperparameters(
                method, shape, epsilon=epsilon, delta=delta, max_seconds=seconds, caution=caution, effort=share
            )
            assert config.total_epsilon <= epsilon + 1e-5
            assert config.total_delta <= delta
            assert estimate_seconds(config, shape) > 0
            assert estimate_memory(config, shape) > 0


@given(levels=st.integers(1, 5000), columns=st.integers(1, 10))
def test_width_is_what_decides_and_nothing_too_wide_is_ever_feasible(levels: int, columns: int) -> None:
    safe = profile(60_000, continuous=2, categorical=columns, levels=levels)
    width = TableShape.of(safe).one_hot_width
    assert width == 22 + levels * columns
    for method in ONE_HOT:
        item = assess(safe, constraints(max_fit_seconds=1e9))[method]
        if item.feasible:
            assert width <= MAX_ONE_HOT_WIDTH


def test_dpctgan_keeps_enough_budget_to_find_bounds_or_says_that_they_must_be_given() -> None:
    found = assess(profile(2000, continuous=10), constraints(require_dp=True))["dpctgan"]
    assert found.config is not None
    assert found.config.knobs()["preprocessor_eps"] == pytest.approx(0.1)
    assert not any("public bounds here" in text for text in found.cautions)
    tight = assess(profile(600, continuous=12), constraints(require_dp=True))["dpctgan"]
    assert tight.config is not None
    assert tight.config.knobs()["preprocessor_eps"] == pytest.approx(0.4)
    assert tight.config.total_epsilon == pytest.approx(1.0)
    wide = assess(profile(600, continuous=30), constraints(require_dp=True))["dpctgan"]
    assert any("needs public bounds here: 30 numeric columns on 600 rows" in text for text in wide.cautions)


def test_outcome_first_needs_a_time_and_an_event() -> None:
    plain = profile(2000)
    refused = assess(plain, constraints())["outcome_first"]
    assert [obstacle.type for obstacle in refused.obstacles] == ["no_survival"]
    assert "no such pair" in refused.obstacles[0].message
    found = assess(plain.model_copy(update={"survival": True}), constraints())
    assert found["outcome_first"].feasible
    assert found["outcome_first"].config is not None
    other = assess(plain, constraints())
    assert {name for name in found if found[name].feasible != other[name].feasible} == {"outcome_first"}


def test_a_history_needs_a_method_for_histories_and_enough_patients() -> None:
    base = profile(2000)
    history = HistoryStructure(time="c1", rows_per_patient=6.0)
    many = base.model_copy(update={"patients": 300, "history": history})
    assessed = assess(many, constraints())
    assert [method for method, item in assessed.items() if item.feasible] == ["cart_histories"]
    assert {obstacle.type for obstacle in assessed["cart"].obstacles} == {"several_rows"}
    few = base.model_copy(update={"patients": 42, "history": history})
    assert "at least 100 patients, here 42" in assess(few, constraints())["cart_histories"].obstacles[0].message
    single = assess(many, constraints(single_rows=True))
    assert single["cart"].feasible
    assert not single["cart_histories"].feasible
    private = assess(many, constraints(require_dp=True))["cart_histories"].obstacles
    assert any("by patient" in obstacle.message for obstacle in private)
    assert not assess(base, constraints())["cart_histories"].feasible
    caution = assess(many.model_copy(update={"patients": 150}), constraints())["cart_histories"].cautions
    assert any("advised from 200 patients" in text for text in caution)
