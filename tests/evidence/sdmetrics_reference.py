"""Runs where sdmetrics is installed and this project is not: tables as JSON in, sdmetrics' figures as JSON out."""

from __future__ import annotations

import json
import sys
import warnings
from itertools import combinations

import pandas as pd


def main() -> None:
    warnings.simplefilter("ignore")
    from sdmetrics.column_pairs import ContingencySimilarity, CorrelationSimilarity
    from sdmetrics.single_column import KSComplement, TVComplement

    given = json.load(sys.stdin)
    real, made = pd.DataFrame(given["real"]), pd.DataFrame(given["made"])
    numeric = given["numeric"]
    shapes = {
        name: (KSComplement if name in numeric else TVComplement).compute(real[name], made[name]) for name in real
    }
    pairs = {}
    for a, b in combinations(real.columns, 2):
        if (a in numeric) == (b in numeric):
            metric = CorrelationSimilarity if a in numeric else ContingencySimilarity
            pairs[f"{a}|{b}"] = metric.compute(real[[a, b]], made[[a, b]])
        else:
            # As sdmetrics' own quality report pairs a number with a category: ten bins over the real values.
            first, second = real[[a, b]].copy(), made[[a, b]].copy()
            number = a if a in numeric else b
            edges = pd.cut(first[number].dropna(), bins=10, retbins=True)[1]
            inner = list(edges[1:-1])
            for table in (first, second):
                table[number] = [str(sum(value >= edge for edge in inner)) for value in table[number]]
            pairs[f"{a}|{b}"] = ContingencySimilarity.compute(first, second)
    print(json.dumps({"shapes": shapes, "pairs": pairs}))


if __name__ == "__main__":
    main()
