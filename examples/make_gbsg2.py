"""Write gbsg2.csv from the copy in the PyPI package lifelines (MIT licence); needs `pip install lifelines==0.30.3`.

The 686 women of the German Breast Cancer Study Group's second trial with complete predictor data:
Schumacher M et al., Journal of Clinical Oncology 1994;12(10):2086-2093.
"""

from pathlib import Path

from lifelines.datasets import load_gbsg2

if __name__ == "__main__":
    load_gbsg2().to_csv(Path(__file__).with_name("gbsg2.csv"), index=False, lineterminator="\n")
