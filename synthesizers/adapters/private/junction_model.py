"""The distribution over codes that agrees best with noisy marginals, estimated by mbi and drawn from with numpy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["JunctionModel", "Measurement", "conditional_tables", "estimate_model", "model_megabytes"]

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Clique = tuple[int, ...]

_ITERATIONS = 1000
"""Of mirror descent, at most; it stops earlier where the loss no longer falls."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Noisy counts of the cells of some columns."""

    clique: tuple[int, ...]
    values: Floats
    """Flat, last column fastest."""
    deviation: float
    """Of the noise of a cell that is not merged."""
    merged: Floats | None = None
    """How many cells each value is the sum of; None where it is one each."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Columns of one clique of the junction tree, given those that it shares with its parent."""

    given: tuple[int, ...]
    drawn: tuple[int, ...]
    cumulated: Floats
    """Row: state of ``given``; cumulated probabilities of the states of ``drawn``, as ``row + probability``."""


@dataclass(frozen=True, slots=True)
class JunctionModel:
    """A junction tree as conditional tables, parents first."""

    sizes: tuple[int, ...]
    parts: tuple[_Part, ...]

    def draw(self, n: int, rng: np.random.Generator) -> Ints:
        """``n`` rows of codes; rows of one state get evenly spread draws, which keeps shares close to the model's."""
        codes = np.zeros((n, len(self.sizes)), dtype=np.int64)
        for part in self.parts:
            state = _state(codes, self.sizes, part.given)
            shuffled = rng.permutation(n)
            order = shuffled[np.argsort(state[shuffled], kind="stable")]
            _, first, held = np.unique(state[order], return_index=True, return_counts=True)
            rank = np.arange(n) - np.repeat(first, held)
            level = (rank + rng.random(n)) / np.repeat(held, held)
            width = int(np.prod([self.sizes[column] for column in part.drawn]))
            flat = np.searchsorted(part.cumulated.ravel(), state[order] + level, side="right")
            place = np.clip(flat - state[order] * width, 0, width - 1)
            shape = [self.sizes[column] for column in part.drawn]
            for column, values in zip(part.drawn, np.unravel_index(place, shape), strict=True):
                codes[order, column] = values
        return codes


def estimate_model(sizes: list[int], measurements: list[Measurement], total: float) -> JunctionModel:
    """The model of highest entropy among those that fit ``measurements`` best (McKenna, Sheldon, Miklau 2019)."""
    import jax

    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_enable_compilation_cache", False)
    import mbi

    domain = mbi.Domain(tuple(range(len(sizes))), tuple(sizes))
    told = [
        mbi.LinearMeasurement(item.values, item.clique, item.deviation)
        if item.merged is None or item.merged.max() == 1
        else mbi.LinearMeasurement(
            item.values / np.sqrt(item.merged), item.clique, item.deviation,
            query=mbi.WeightedQuery(1 / np.sqrt(item.merged)),
        )
        for item in measurements
    ]  # fmt: skip
    tree, _ = mbi.junction_tree.make_junction_tree(domain, [item.clique for item in measurements])
    loss = mbi.marginal_loss.from_linear_measurements(told, domain)
    loss = replace(loss, cliques=tuple(mbi.junction_tree.maximal_cliques(tree)))
    model = mbi.estimation.MirrorDescent().estimate(domain, loss, total, iters=_ITERATIONS, tol=1e-6)
    tables = {clique: np.asarray(model.project(clique).datavector(flatten=False)) for clique in loss.cliques}
    return conditional_tables(sizes, tables, {clique: tuple(tree.neighbors(clique)) for clique in tables})


def model_megabytes(sizes: list[int], cliques: list[tuple[int, ...]]) -> float:
    """Size of a model that holds ``cliques``, cells that keep its junction tree whole among them."""
    import mbi

    domain = mbi.Domain(tuple(range(len(sizes))), tuple(sizes))
    return float(mbi.junction_tree.hypothetical_model_size(domain, cliques))


def conditional_tables(
    sizes: list[int], tables: dict[Clique, Floats], neighbours: Mapping[Clique, tuple[Clique, ...]]
) -> JunctionModel:
    """The model of a junction tree, or of several, whose ``tables`` agree wherever they share columns."""
    parts: list[_Part] = []
    seen: set[Clique] = set()
    for root in tables:
        waiting: list[tuple[Clique, Clique]] = [] if root in seen else [(root, ())]
        while waiting:
            clique, parent = waiting.pop()
            seen.add(clique)
            parts.append(_part(clique, parent, tables[clique]))
            waiting += [(other, clique) for other in neighbours[clique] if other not in seen]
    return JunctionModel(tuple(sizes), tuple(parts))


def _part(clique: Clique, parent: Clique, table: Floats) -> _Part:
    given = tuple(column for column in clique if column in parent)
    drawn = tuple(column for column in clique if column not in parent)
    turned = np.transpose(table, [clique.index(column) for column in (*given, *drawn)])
    rows = np.maximum(turned.reshape(int(np.prod([table.shape[clique.index(c)] for c in given])), -1), 0.0)
    # A state that has no weight is not drawn; should it be, the whole table speaks for it.
    rows = np.where(rows.sum(axis=1, keepdims=True) > 0, rows, rows.sum(axis=0, keepdims=True) + 1e-12)
    shares = np.cumsum(rows, axis=1) / rows.sum(axis=1, keepdims=True)
    return _Part(given, drawn, np.minimum(shares, 1.0) + np.arange(len(rows))[:, None])


def _state(codes: Ints, sizes: tuple[int, ...], columns: tuple[int, ...]) -> Ints:
    """The columns' codes as one number."""
    state = np.zeros(len(codes), dtype=np.int64)
    for column in columns:
        state = state * sizes[column] + codes[:, column]
    return state
