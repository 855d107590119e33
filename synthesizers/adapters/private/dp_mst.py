"""MST over mbi: one-way marginals, and the two-way ones of a spanning tree (McKenna, Miklau, Sheldon 2021)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from .junction_model import JunctionModel, estimate_model
from .marginals import GRID, MarginalSynthesizer, PrivateTable, all_cliques, score

__all__ = ["Synthesizer"]

_CHOICE_SHARE = Fraction(1, 4)
"""Of what the one-way marginals leave, for the choice of the tree; the rest measures its edges."""


class Synthesizer(MarginalSynthesizer):
    """Maximum spanning tree of dependence, as far as noise lets it be seen."""

    def _learn(self, private: PrivateTable, knobs: dict[str, Any]) -> JunctionModel:
        left = private.accountant.left
        edges = self._spanning_tree(private, left * _CHOICE_SHARE)
        for done, edge in enumerate(edges):
            private.measure(edge, private.accountant.left / (len(edges) - done))
        return estimate_model(private.sizes, private.measurements, private.total)

    def _spanning_tree(self, private: PrivateTable, rho: Fraction) -> list[tuple[int, ...]]:
        """Edge by edge, each chosen privately among those that join two parts of the forest (Kruskal 1956)."""
        pairs = all_cliques(len(private.sizes), 2)
        scores = {pair: score(private.counts(pair), private.independent(pair), 0.0) for pair in pairs}
        part = list(range(len(private.sizes)))
        edges: list[tuple[int, ...]] = []
        while len(edges) < len(part) - 1:
            joining = [pair for pair in pairs if part[pair[0]] != part[pair[1]]]
            price = rho / (len(part) - 1)
            place = private.accountant.choose([scores[pair] for pair in joining], GRID, price, "edge of the tree")
            assert place is not None
            edge = joining[place]
            edges.append(edge)
            part = [part[edge[0]] if other == part[edge[1]] else other for other in part]
        return edges
