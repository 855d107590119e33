"""Small mixed tables for tests that fit something."""

from __future__ import annotations

import numpy as np
import pandas as pd


def mixed_table(rows: int = 300, seed: int = 0) -> pd.DataFrame:
    """Numbers, whole numbers, flags, levels, dates, missing cells; the outcome depends on age and marker."""
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 85, rows)
    marker = np.round(rng.gamma(2, 2, rows) + age / 30, 2)
    risk = 1 / (1 + np.exp(-(age - 55) / 8 - (marker - 6) / 2))
    table = pd.DataFrame(
        {
            "age": age,
            "marker": marker,
            "stage": pd.Categorical(
                np.where(marker > 7, "III", np.where(marker > 5, "II", "I")), categories=["I", "II", "III"]
            ),
            "smoker": rng.random(rows) < 0.3,
            "ward": rng.choice(["north", "south", "west"], rows),
            "visits": rng.poisson(2, rows),
            "outcome": np.where(rng.random(rows) < risk, "dead", "alive"),
        }
    )
    table.loc[rng.choice(rows, rows // 10, replace=False), "marker"] = np.nan
    table.loc[rng.choice(rows, rows // 20, replace=False), "ward"] = None
    return table
