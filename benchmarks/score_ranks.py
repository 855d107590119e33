"""How far two seeds agree on the order of the candidates, by the score and by its first definition.

    python benchmarks/score_ranks.py

Read are the shipped measurements with value protection, of tables measured with seeds 0 and 1: nothing is fitted. For
each table the candidates (a method at a level of caution; controls apart) are ordered by either seed, and Spearman's
correlation is taken; means are over tables, with a 95 % bootstrap interval over tables. The first definition is worked
out from the raw figures of the same fits: the mean of column shapes and pair trends as they are, the target's ratio
alone, and a risk that counts an AUC below .5 like one above it.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
import pandas as pd
from clinical_model_selector.evidence.recommender.weighing import score_cell
from scipy.stats import spearmanr

CONTROLS = ("independent", "row_copy", "patient_copy", "noisy_copy", "lonely_copy", "smote")


def main() -> None:
    with (files("clinical_model_selector.evidence.benchmark") / "measurements.parquet").open("rb") as file:
        cells = pd.read_parquet(file)
    cells = cells[cells["protection"].notna() & cells["failure"].isna() & ~cells["method"].isin(CONTROLS)].copy()
    cells["candidate"] = cells["method"] + "~" + cells["caution"].astype(str)
    cells["first_definition"] = [first_definition(cell) for _, cell in cells.iterrows()]
    agreements = {name: agree(cells, name) for name in ("quick_score", "first_definition")}
    for name, values in agreements.items():
        print(f"{name:18} {len(values)} tables  {interval(values)}")
    print(f"{'difference':18} {interval(agreements['quick_score'] - agreements['first_definition'])}")


def first_definition(cell: pd.Series) -> float:
    """The balanced score as it was defined at first, from a cell's raw figures."""
    fidelity = (cell["quick_shapes"] + cell["quick_pairs"]) / 2
    utility = None if pd.isna(cell["quick_target_ratio"]) else float(cell["quick_target_ratio"])
    risk = min(1.0, abs(cell["membership_auc"] - 0.5) / max(cell["quick_copy_auc"] - 0.5, 1e-6))
    return score_cell("balanced", fidelity, utility, risk, 1.0)


def agree(cells: pd.DataFrame, score: str) -> np.ndarray:
    """Spearman's correlation between seeds 0 and 1, one a table that has both."""
    correlations = []
    for _, table in cells.groupby("table"):
        seeds = table.pivot_table(index="candidate", columns="seed", values=score).dropna()
        if {0, 1} <= set(seeds.columns):
            correlations.append(spearmanr(seeds[0], seeds[1]).statistic)
    return np.array(correlations)


def interval(values: np.ndarray) -> str:
    """Mean and its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    means = [np.nanmean(rng.choice(values, len(values))) for _ in range(2000)]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{np.nanmean(values):.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
