"""The question that SYNTHONY (arXiv 2604.00293) asks of a selector: seven UCI tables, three intents, who is best.

Its truth is not published, so ours is measured: privacy is 1 - risk, fidelity the mean of the column shapes, latency
the seconds to fit and sample, each the mean over seeds. Selectors rank the candidates for a table whose origin they
know nothing of; they are judged by Top-1 (the first is truly the best), NDCG (gain falls with the true rank) and regret
(what the first loses, as a share of the distance from best to worst).

An intent is one figure alone there; a trade-off here weighs several. So the recommender stands twice: by the score of
the trade-off, as a user gets it, and by the one figure that it expects.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from ...schemas.compliance import DEFAULT_COMPLIANCE, POLICIES
from ...schemas.errors import SettingsError
from ...schemas.options import Tradeoff
from ...schemas.question import Constraints, Question
from ...synthesizers.catalogue import CATALOGUE
from ...synthesizers.sizing import TableShape
from ..recommender.ranking import rate_all
from .judging import profile_of_shape
from .results import Measured

__all__ = ["INTENTS", "PEER_TABLES", "Intent", "judge_ranking", "run_peer_test"]

PEER_TABLES = ("abalone", "dry_bean", "indian_liver", "obesity", "steel_plates_faults", "insurance", "wilt")

Intent = Literal["privacy", "fidelity", "latency"]
INTENTS: dict[Intent, Tradeoff] = {"privacy": "privacy", "fidelity": "fidelity", "latency": "speed"}
"""Intent → the trade-off that asks for it here."""

_NEIGHBOURS = 3

Values = dict[str, float]
"""Candidate's label → how good it truly is on a table; higher is better."""


def run_peer_test(cells: Sequence[Measured], tables: Sequence[str] = PEER_TABLES) -> dict[str, Any]:
    """Top-1, NDCG and regret of the recommender, the majority, the three nearest tables, and lot.

    Args:
        cells: Measured cells; what is judged are the single-row methods that were measured on every table asked about.
        tables: Those that are asked about.

    Raises:
        SettingsError: One of them was not measured, or fewer than two candidates were measured on all.
    """
    own = [cell for cell in cells if cell.method in CATALOGUE and cell.failure is None and not cell.survival]
    by_table: dict[str, list[Measured]] = {}
    for cell in own:
        by_table.setdefault(cell.table, []).append(cell)
    absent = [table for table in tables if table not in by_table]
    if absent:
        raise SettingsError(f"not among the measurements: {', '.join(absent)}")
    labels = sorted(set.intersection(*({cell.label for cell in by_table[table]} for table in tables)))
    if len(labels) < 2:
        raise SettingsError("nothing can be ranked: fewer than two methods were measured on every table")
    known = {table: mine for table, mine in by_table.items() if {c.label for c in mine} >= set(labels)}
    rows: dict[str, dict[str, list[dict[str, float]]]] = {}
    for intent, tradeoff in INTENTS.items():
        truth = {table: _truth(intent, mine, labels) for table, mine in known.items()}
        for table in tables:
            origin = by_table[table][0].origin
            others = {name: truth[name] for name, mine in known.items() if mine[0].origin != origin}
            rankings = {
                "recommender, score": _recommended(by_table[table], tradeoff, labels, None),
                "recommender, figure": _recommended(by_table[table], tradeoff, labels, intent),
                "majority": _by_wins(others, labels),
                "3 nearest tables": _by_mean_rank(_nearest(by_table[table][0].shape, known, others), labels),
            }
            for name, ranking in rankings.items():
                rows.setdefault(intent, {}).setdefault(name, []).append(judge_ranking(ranking, truth[table]))
            rows[intent].setdefault("lot", []).append(_lot(labels, truth[table]))
    every = {name: [row for intent in rows.values() for row in intent[name]] for name in next(iter(rows.values()))}
    return {
        "tables": list(tables),
        "candidates": labels,
        "intents": {intent: {name: _mean(own) for name, own in named.items()} for intent, named in rows.items()},
        "all": {name: _mean(own) for name, own in every.items()},
    }


def judge_ranking(ranking: Sequence[str], truth: Mapping[str, float]) -> dict[str, float]:
    """Top-1, NDCG and regret of a ranking of all candidates."""
    best, worst = max(truth.values()), min(truth.values())
    order = sorted(truth, key=lambda label: -truth[label])
    gain = {label: len(order) - 1 - place for place, label in enumerate(order)}
    ideal = sum(gain[label] / math.log2(place + 2) for place, label in enumerate(order))
    seen = sum(gain[label] / math.log2(place + 2) for place, label in enumerate(ranking))
    return {
        "top_1": float(truth[ranking[0]] == best),
        "ndcg": seen / ideal if ideal else 1.0,
        "regret": (best - truth[ranking[0]]) / (best - worst) if best > worst else 0.0,
    }


def _truth(intent: Intent, cells: Sequence[Measured], labels: Sequence[str]) -> Values:
    value: Callable[[Measured], float | None] = {
        "privacy": lambda cell: None if cell.risk is None else 1 - cell.risk,
        "fidelity": lambda cell: cell.shapes,
        "latency": lambda cell: -math.log(max((cell.cpu_seconds or 0.0) + cell.sample_seconds, 1e-4)),
    }[intent]
    found = {label: [v for c in cells if c.label == label and (v := value(c)) is not None] for label in labels}
    return {label: float(np.mean(values)) if values else 0.0 for label, values in found.items()}


def _recommended(
    cells: Sequence[Measured], tradeoff: Tradeoff, labels: Sequence[str], intent: Intent | None
) -> list[str]:
    """The recommender's order, by score or by one figure, of the measured configurations nearest to its own."""
    policy = POLICIES[DEFAULT_COMPLIANCE]
    constraints = Constraints(
        tradeoff=tradeoff,
        compliance="research",
        epsilon_max=policy.max_epsilon,
        delta_max=policy.delta_for(cells[0].shape.rows),
        allowed=tuple(dict.fromkeys(cell.method for cell in cells)),
    )
    question = Question(
        profile=profile_of_shape(cells[0].shape), constraints=constraints, left_out=frozenset({cells[0].origin})
    )
    scores: dict[str, float] = {}
    for rated in rate_all(question):
        own = [cell for cell in cells if cell.method == rated.method and cell.label in labels]
        if own:
            label = min(own, key=lambda cell: cell.config.distance(rated.config)).label
            figures = {
                None: rated.score,
                "privacy": -rated.expectation.risk,
                "fidelity": rated.expectation.fidelity,
                "latency": -rated.seconds,
            }
            scores[label] = max(scores.get(label, -math.inf), figures[intent])
    return sorted(labels, key=lambda label: (-scores.get(label, -math.inf), label))


def _by_wins(others: Mapping[str, Values], labels: Sequence[str]) -> list[str]:
    won = Counter(max(values, key=values.__getitem__) for values in others.values())
    behind = _by_mean_rank(others, labels)
    return sorted(labels, key=lambda label: (-won[label], behind.index(label)))


def _by_mean_rank(others: Mapping[str, Values], labels: Sequence[str]) -> list[str]:
    ranks = dict.fromkeys(labels, 0.0)
    for values in others.values():
        for place, label in enumerate(sorted(labels, key=lambda one: -values[one])):
            ranks[label] += place
    return sorted(labels, key=lambda label: (ranks[label], label))


def _nearest(
    shape: TableShape, known: Mapping[str, Sequence[Measured]], others: Mapping[str, Values]
) -> dict[str, Values]:
    def distance(name: str) -> float:
        return math.dist(_features(shape), _features(known[name][0].shape))

    return {name: others[name] for name in sorted(others, key=lambda name: (distance(name), name))[:_NEIGHBOURS]}


def _features(shape: TableShape) -> tuple[float, ...]:
    """Of about equal spread over the measured tables."""
    return (
        math.log10(shape.rows),
        2 * math.log10(shape.columns),
        shape.continuous / shape.columns,
        3 * shape.missing_share,
        math.log10(1 + shape.max_levels),
    )


def _lot(labels: Sequence[str], truth: Values) -> dict[str, float]:
    """The mean of a hundred draws."""
    rng = np.random.default_rng(0)
    return _mean([judge_ranking([labels[i] for i in rng.permutation(len(labels))], truth) for _ in range(100)])


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
