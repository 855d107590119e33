"""Write tables that packages under permissive licences ship to a folder, as ``packaged_tables.toml`` lists them.

    pip install scikit-learn statsmodels lifelines linearmodels palmerpenguins
    python benchmarks/packaged_tables.py FOLDER
    python benchmarks/race.py FOLDER --tables benchmarks/packaged_tables.toml

The packages' files are read where they are installed; no package but scikit-learn is imported. Nothing else in this
project knows these tables, so that a choice on them is one on tables never seen.
"""

from __future__ import annotations

import argparse
from importlib.metadata import distribution
from pathlib import Path

import pandas as pd

# Package, file within it and separator.
FILES = {
    "rossi": ("lifelines", "lifelines/datasets/rossi.csv", ","),
    "lung": ("lifelines", "lifelines/datasets/lung.csv", ","),
    "kidney_transplant": ("lifelines", "lifelines/datasets/kidney_transplant.csv", ","),
    "fair": ("statsmodels", "statsmodels/datasets/fair/fair.csv", ","),
    "anes96": ("statsmodels", "statsmodels/datasets/anes96/anes96.csv", "\t"),
    "randhie": ("statsmodels", "statsmodels/datasets/randhie/randhie.csv", ","),
    "birthweight": ("linearmodels", "linearmodels/datasets/birthweight/birthweight.csv.bz2", ","),
    "meps": ("linearmodels", "linearmodels/datasets/meps/meps.csv.bz2", ","),
    "mroz": ("linearmodels", "linearmodels/datasets/mroz/mroz.csv.bz2", ","),
    "penguins": ("palmerpenguins", "palmerpenguins/data/penguins.csv", ","),
}


def main() -> None:
    """Read the arguments and write the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, (package, file, separator) in FILES.items():
        table = pd.read_csv(str(distribution(package).locate_file(file)), sep=separator)
        table.columns = [str(column).strip(" '\"") for column in table.columns]
        table.to_csv(folder / f"{name}.csv", index=False)
    from sklearn.datasets import load_wine

    load_wine(as_frame=True).frame.to_csv(folder / "wine.csv", index=False)


if __name__ == "__main__":
    main()
