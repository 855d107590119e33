"""Made-up patients with visits whose memory, end and codes are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from clinical_model_selector.evidence.histories.table import Histories


def make_visits(patients: int = 160, seed: int = 0) -> pd.DataFrame:
    """One row a visit: a marker with a strong memory, a stage that never falls, a follow-up that ends."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(patients):
        sex, age = rng.choice(["f", "m"]), round(float(rng.normal(60, 10)), 1)
        end = int(rng.integers(100, 2000))
        died = int(rng.random() < 0.4)
        level, stage, day = float(rng.normal(0, 1)), int(rng.integers(1, 3)), 0
        for _ in range(int(rng.integers(1, 9))):
            marker = None if rng.random() < 0.1 else round(float(np.exp(level)), 2)
            rows.append((1000 + i, sex, age, end, died, day, marker, round(float(rng.normal(4, 1)), 1), f"s{stage}"))
            level = 0.9 * level + float(rng.normal(0, 0.3)) + 0.1 * died
            stage = min(4, stage + int(rng.random() < 0.2))
            day += int(rng.choice([180, 360])) + int(rng.integers(-10, 11))
            if day > end:
                break
    names = ["patient_id", "sex", "age", "futime", "died", "day", "marker", "albumin", "stage"]
    return pd.DataFrame(rows, columns=names)


def as_histories(table: pd.DataFrame) -> Histories:
    """What the measures take of :func:`make_visits`."""
    table = table.sort_values(["patient_id", "day"], kind="stable").reset_index(drop=True)
    owners, keys = pd.factorize(table["patient_id"])
    patients = table.groupby("patient_id").first().loc[keys].reset_index()
    return Histories(
        patients[["sex", "age"]],
        table[["marker", "albumin", "stage"]].astype({"marker": float, "albumin": float}),
        owners,
        table["day"].to_numpy(dtype=float),
        patients["futime"].to_numpy(dtype=float),
        patients["died"].to_numpy(dtype=bool),
    )


def make_register(patients: int = 150) -> dict[str, pd.DataFrame]:
    """Patients with their conditions, a tenth of them without any."""
    rng = np.random.default_rng(0)
    people = pd.DataFrame(
        {
            "Id": [f"id-{i}" for i in range(patients)],
            "GENDER": rng.choice(["F", "M"], patients),
            "AGE": rng.integers(20, 80, patients),
        }
    )
    rows = []
    for name in people["Id"]:
        day = pd.Timestamp("2015-01-01") + pd.Timedelta(days=int(rng.integers(700)))
        for _ in range(0 if rng.random() < 0.1 else int(rng.integers(1, 7))):
            rows.append((name, f"{day:%Y-%m-%d}", str(rng.choice(["I10", "E11", "J18", "N39", "K52"]))))
            day += pd.Timedelta(days=int(rng.integers(1, 300)))
    return {"patients": people, "conditions": pd.DataFrame(rows, columns=["PATIENT", "START", "ICD10"])}
