"""Column shapes and pair trends are those of sdmetrics, whose answers are kept (see ``sdmetrics_cases``)."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from clinical_model_selector.evidence.metrics.fidelity import measure_fidelity
from sdmetrics_cases import KEPT, cases

ANSWERS = json.loads(KEPT.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", list(cases()))
def test_shapes_and_pair_trends_are_those_of_sdmetrics(case: str) -> None:
    real, made, _ = cases()[case]
    expected = ANSWERS[case]
    assert measure_fidelity(real, made).shapes == pytest.approx(np.mean(list(expected["shapes"].values())))
    for a, b in combinations(real.columns, 2):
        measured = measure_fidelity(real[[a, b]], made[[a, b]])
        assert measured.pairs == pytest.approx(expected["pairs"][f"{a}|{b}"], abs=1e-9), (a, b)
