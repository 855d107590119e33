"""AIM over mbi: rounds that measure what the model gets most wrong (McKenna, Mullins, Sheldon, Miklau 2022).

Two things are ours: a round measures several marginals before the model is estimated anew, since an estimate costs
seconds; and the model's own marginals are counted on rows drawn from it, which costs no budget.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from .junction_model import JunctionModel, estimate_model, model_megabytes
from .marginals import GRID, Floats, MarginalSynthesizer, PrivateTable, all_cliques, count_cells, score

__all__ = ["Synthesizer"]

_ROUNDS = 8
"""In which the budget would be spent, if no round raised its price; at most twice as many are made."""
_PLANNED = 2
"""Marginals for each column, of which a fall in noise may leave fewer."""
_MEASURE_SHARE = Fraction(9, 10)
"""Of a marginal's price, for its measurement; the rest pays for its choice (the paper's alpha)."""
_DRAWN_ROWS = 30_000
_MOST_CELLS = 10_000
"""Of a marginal; one of more is never above its noise."""
_HALF_NORMAL = math.sqrt(2 / math.pi)
"""Mean distance of noise of standard deviation 1 from nothing."""

Clique = tuple[int, ...]


class Synthesizer(MarginalSynthesizer):
    """Adaptive and iterative."""

    def _learn(self, private: PrivateTable, knobs: dict[str, Any]) -> JunctionModel:
        sizes = private.sizes
        candidates = [
            clique
            for clique in all_cliques(len(sizes), knobs["degree"])
            if math.prod(sizes[column] for column in clique) <= _MOST_CELLS
        ]
        accountant = private.accountant
        budget = accountant.left
        planned = max(_ROUNDS, _PLANNED * len(sizes)) if candidates else 0
        batch = max(1, math.ceil(planned / _ROUNDS))
        price = budget / max(planned, 1)
        drawn: np.ndarray[Any, Any] | None = None
        model: JunctionModel | None = None
        last = not candidates
        while not last:
            if last := accountant.left < 2 * price * batch:
                price = accountant.left / batch
            deviation = math.sqrt(1 / (2 * float(price * _MEASURE_SHARE)))
            limit = knobs["max_model_size"] * float(1 - accountant.left / budget + batch * price / budget)
            expected = {clique: self._expect(private, drawn, clique) for clique in candidates}
            chosen = self._choose_batch(private, expected, deviation, price, batch, limit)
            if not chosen:
                break
            for done, clique in enumerate(chosen):
                share = accountant.left / (len(chosen) - done)
                private.measure(clique, share if last else price * _MEASURE_SHARE)
            model = estimate_model(sizes, private.measurements, private.total)
            drawn = model.draw(_DRAWN_ROWS, self._rng)
            moved = [
                float(np.abs(self._expect(private, drawn, clique) - expected[clique]).sum())
                - _HALF_NORMAL * deviation * len(expected[clique])
                for clique in chosen
            ]
            # Where most of them moved the model by no more than their noise would, less noise is needed.
            if sum(move <= 0 for move in moved) * 2 > len(moved):
                price *= 4
        return model or estimate_model(sizes, private.measurements, private.total)

    def _expect(self, private: PrivateTable, drawn: np.ndarray[Any, Any] | None, clique: Clique) -> Floats:
        """Counts that the model expects."""
        if drawn is None:
            return private.independent(clique)
        return np.asarray(count_cells(drawn, private.sizes, clique) * (private.total / len(drawn)))

    def _choose_batch(
        self,
        private: PrivateTable,
        expected: dict[Clique, Floats],
        deviation: float,
        price: Fraction,
        batch: int,
        limit: float,
    ) -> list[Clique]:
        """Marginals that the model gets most wrong, one after the other, among those that keep it small."""
        scores = {
            clique: len(clique) * score(private.counts(clique), counts, _HALF_NORMAL * deviation * len(counts))
            for clique, counts in expected.items()
        }
        sensitivity = GRID * max(map(len, scores))
        chosen: list[Clique] = []
        for _ in range(batch):
            measured = [item.clique for item in private.measurements] + chosen
            cliques = list(scores)
            place = private.accountant.choose(
                [scores[clique] for clique in cliques],
                sensitivity,
                price * (1 - _MEASURE_SHARE),
                "marginal to measure",
                partial(_stays_small, private.sizes, measured, cliques, limit),
            )
            if place is None:
                break
            chosen.append(cliques[place])
            scores.pop(cliques[place])
        return chosen


def _stays_small(sizes: list[int], measured: list[Clique], cliques: list[Clique], limit: float, place: int) -> bool:
    """Whether a model that holds what was measured and ``cliques[place]`` is within ``limit`` megabytes."""
    return model_megabytes(sizes, [*measured, cliques[place]]) <= limit
