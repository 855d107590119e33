"""Figures split into what is the table's and what a method adds."""

import numpy as np
import pytest
from clinical_model_selector.evidence.recommender.effects import split_effects

EASY, HARD = 0.9, 0.3


def figures(tables: dict[str, float], added: dict[str, float], on: dict[str, list[str]] | None = None) -> list[tuple]:  # type: ignore[type-arg]
    return [
        ((method, 0.0), "trees" if method != "copula" else "copula", table, level + plus)
        for method, plus in added.items()
        for table, level in tables.items()
        if on is None or table in on.get(method, list(tables))
    ]


def test_a_method_measured_on_easy_tables_alone_gets_no_credit_for_them() -> None:
    tables = {"e1": EASY, "e2": EASY, "h1": HARD, "h2": HARD, "h3": HARD}
    effects = split_effects(figures(tables, {"cart": 0.05, "arf": 0.0, "copula": -0.05}, {"arf": ["e1", "e2"]}))
    weights = dict.fromkeys(tables, 1.0)
    arf, cart = (effects.added((method, 0.0), weights, "trees")[0] for method in ("arf", "cart"))
    assert cart > arf
    assert effects.tables["e1"] == pytest.approx(EASY, abs=0.03)


def test_few_tables_are_drawn_to_the_family_and_many_are_not() -> None:
    rng = np.random.default_rng(0)
    rows = figures({f"t{i}": 0.5 for i in range(12)}, {"cart": 0.0, "nrgboost": 0.0, "arf": 0.0, "copula": -0.1})
    rows = [(*row[:3], row[3] + float(rng.normal(0, 0.1))) for row in rows if row[0][0] != "arf"]
    rows.append((("arf", 0.0), "trees", "t0", 0.8))
    effects = split_effects(rows)
    family = effects.families["trees"]
    assert abs(effects.methods["arf", 0.0] - family) < abs(effects.rests["arf", 0.0]["t0"] - family) / 2
    alone = np.mean(list(effects.rests["copula", 0.0].values()))
    assert effects.methods["copula", 0.0] == pytest.approx(alone, abs=0.01)


def test_what_is_added_on_like_tables_counts_as_far_as_there_are_such() -> None:
    tables = {f"t{i}": 0.5 for i in range(10)}
    rows = figures(tables, {"cart": 0.0, "copula": 0.0})
    rows = [
        (label, family, name, value + 0.2 * (name == "t0" and label[0] == "cart"))
        for label, family, name, value in rows
    ]
    effects = split_effects(rows)
    label, flat = ("cart", 0.0), dict.fromkeys(tables, 0.05)
    far, near = effects.added(label, flat, "trees")[0], effects.added(label, {**flat, "t0": 1.0}, "trees")[0]
    own = effects.rests[label]["t0"]
    assert far < near < own / 2


def test_errors_grow_where_no_table_is_alike_and_where_a_method_was_never_measured() -> None:
    rng = np.random.default_rng(0)
    tables = {f"t{i}": float(rng.uniform(0.3, 0.9)) for i in range(10)}
    rows = figures(tables, {"cart": 0.1, "arf": 0.0, "copula": -0.1})
    effects = split_effects([(a, b, c, v + float(rng.normal(0, 0.03))) for a, b, c, v in rows])
    weights = dict.fromkeys(tables, 1.0)
    assert effects.table(weights, nearest=0.0)[1] > 2 * effects.table(weights, nearest=1.0)[1]
    assert effects.added(("tvae", 0.0), weights, "vae")[1] > 2 * effects.added(("cart", 0.0), weights, "trees")[1]


def test_a_family_counts_by_how_alike_its_methods_are() -> None:
    """Twins tell of each other; where a family holds the best and the worst, a method's own tables speak."""
    tables = {f"t{i}": 0.5 for i in range(8)}
    rng = np.random.default_rng(1)
    noise = {(name, table): float(rng.normal(0, 0.05)) for name in "abcdef" for table in tables}
    alike = {"a": 0.10, "b": 0.11, "c": 0.10}
    apart = {"d": -0.3, "e": 0.0, "f": 0.3}
    rows = [
        ((name, 0.0), family, table, level + plus + noise[name, table])
        for family, added in (("alike", alike), ("apart", apart))
        for name, plus in added.items()
        for table, level in tables.items()
    ]
    effects = split_effects(rows)
    assert effects.family_weights["alike"] > 10 * effects.family_weights["apart"]
    assert effects.methods["f", 0.0] - effects.families["apart"] == pytest.approx(0.3, abs=0.05)
