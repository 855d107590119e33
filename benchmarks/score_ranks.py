"""How far two seeds agree on the order of the candidates, by the score and by its first definition.

    python benchmarks/score_ranks.py
    python benchmarks/score_ranks.py --data DIR --tables gbsg2,pima

The first reads the shipped measurements with value protection, of tables measured with several seeds: nothing is
fitted. For each table the candidates (a method at a level of caution; controls apart) are ordered by each seed, and the
mean of Spearman's correlations of all pairs of seeds is taken; means are over tables, with a 95 % bootstrap interval
over tables. The first definition is worked out from the raw figures of the same fits: the mean of column shapes and
pair trends as they are, the target's ratio alone, and a risk that counts an AUC below .5 like one above it. The second
fits six candidates with three seeds to the protected rows, here, and scores them by the full depth too.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from clinical_model_selector.evidence.benchmark.tables import BenchmarkTable, read_tables, split_table
from clinical_model_selector.evidence.recommender.score import Scorer
from clinical_model_selector.evidence.recommender.weighing import score_cell
from clinical_model_selector.schemas.methods import HYPERPARAMETERS
from clinical_model_selector.synthesizers.adapters import load_adapter
from clinical_model_selector.synthesizers.encoding.table_encoding import Encoding
from clinical_model_selector.synthesizers.protection.protect_table import protect_table
from scipy.stats import spearmanr

CONTROLS = ("independent", "row_copy", "patient_copy", "noisy_copy", "lonely_copy", "smote")


CANDIDATES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("copulas.gaussian_copula", {}), ("trees.cart", {"min_samples_leaf": 5}), ("trees.cart", {"min_samples_leaf": 16}),
    ("trees.cart", {"min_samples_leaf": 50}), ("graphical.latent_class", {}), ("graphical.bayesian_network", {}),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tables", default="")
    wanted = parser.parse_args()
    if wanted.data is None:
        cells, scores = shipped(), ("quick_score", "first_definition")
    else:
        listed = read_tables(Path(__file__).parent / "clinical_tables.toml", wanted.data)
        chosen = [table for table in listed if not wanted.tables or table.name in wanted.tables.split(",")]
        cells = pd.DataFrame([cell for table in chosen for cell in fit(table)])
        scores = ("quick_score", "full_score", "first_definition")
    agreements = {name: agree(cells, name) for name in scores}
    for name, values in agreements.items():
        print(f"{name:30} {len(values)} tables  {interval(values)}")
    for name in scores[:-1]:
        print(f"{f'{name} - first_definition':30} {interval(agreements[name] - agreements['first_definition'])}")


def shipped() -> pd.DataFrame:
    """The measurements with protection, controls apart, with what the first definition makes of them."""
    with (files("clinical_model_selector.evidence.benchmark") / "measurements.parquet").open("rb") as file:
        cells = pd.read_parquet(file)
    cells = cells[cells["protection"].notna() & cells["failure"].isna() & ~cells["method"].isin(CONTROLS)].copy()
    cells["candidate"] = cells["method"] + "~" + cells["caution"].astype(str)
    cells["first_definition"] = [
        first_definition(
            cell.quick_shapes, cell.quick_pairs, cell.quick_target_ratio, cell.membership_auc, cell.quick_copy_auc
        )
        for cell in cells.itertuples()
    ]
    return cells


def fit(table: BenchmarkTable) -> Iterator[dict[str, Any]]:
    """Scores of every candidate with three seeds, fitted to rows without values of fewer than 11 persons."""
    for seed in range(3):
        fitted, held_out = split_table(table, seed)
        protected = protect_table(fitted, k=11, target=table.target).table
        quick = Scorer(fitted, held_out, target=table.target, protected=protected, seed=seed)
        full = Scorer(fitted, held_out, target=table.target, protected=protected, seed=seed, depth="full")
        encoding = Encoding.of(protected)
        for module, stated in CANDIDATES:
            knobs = {
                **HYPERPARAMETERS[module.partition(".")[2]].with_defaults().model_dump(exclude={"method"}),
                **stated,
            }
            adapter = load_adapter(module)(encoding.describe()).fit(encoding.encode(protected, seed), knobs, seed)
            made = encoding.decode(adapter.sample(len(fitted)))
            parts = full.score(made)
            if parts.membership_auc is None:
                return
            raw = parts.raw
            yield {
                "table": table.name,
                "seed": seed,
                "candidate": f"{module} {stated}",
                "quick_score": quick.score(made).score,
                "full_score": parts.score,
                "first_definition": first_definition(
                    raw["shapes"], raw["pairs"], raw["target_ratio"], parts.membership_auc.value, raw["copy_auc"]
                ),
            }


def first_definition(shapes: Any, pairs: Any, target_ratio: Any, auc: Any, copy_auc: Any) -> float:
    """The balanced score as it was defined at first, from raw figures."""
    utility = None if pd.isna(target_ratio) else float(target_ratio)
    risk = min(1.0, abs(auc - 0.5) / max(copy_auc - 0.5, 1e-6))
    return score_cell("balanced", (shapes + pairs) / 2, utility, risk, 1.0)


def agree(cells: pd.DataFrame, score: str) -> np.ndarray:
    """Mean of Spearman's correlations between seeds, one a table that has at least two."""
    agreements = []
    for _, table in cells.groupby("table"):
        seeds = table.pivot_table(index="candidate", columns="seed", values=score).dropna()
        pairs = list(itertools.combinations(seeds.columns, 2))
        if pairs:
            agreements.append(np.mean([spearmanr(seeds[first], seeds[second]).statistic for first, second in pairs]))
    return np.array(agreements)


def interval(values: np.ndarray) -> str:
    """Mean and its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    means = [np.nanmean(rng.choice(values, len(values))) for _ in range(2000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{np.nanmean(values):.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
