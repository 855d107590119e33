"""The first step: patients, each column drawn from the leaves of a tree on the columns before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .cells import CellModel, Growth, common_values
from .columns import Array, Column
from .donors import Features

__all__ = ["PatientsModel"]


@dataclass(frozen=True, slots=True)
class PatientsModel:
    """Sequential CART (Reiter 2005) on one row a patient."""

    columns: tuple[Column, ...]
    models: tuple[CellModel, ...]

    @classmethod
    def fit(cls, matrix: Array, columns: Sequence[Column], growth: Growth) -> PatientsModel:
        """Learn ``matrix`` (patients x columns), column by column in the order given."""
        patients = np.arange(len(matrix))
        models = [
            CellModel.fit(
                _before(matrix, columns, j), matrix[:, j], patients, column, growth,
                common_values(matrix[:, j], patients, growth.k),
            )
            for j, column in enumerate(columns)
        ]  # fmt: skip
        return cls(tuple(columns), tuple(models))

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """``n`` synthetic patients x columns."""
        matrix = np.full((n, len(self.columns)), np.nan)
        for j, model in enumerate(self.models):
            matrix[:, j] = model.draw(_before(matrix, self.columns, j), rng)
        return matrix


def _before(matrix: Array, columns: Sequence[Column], j: int) -> Features:
    """The columns before the j-th; a constant goes along, for the first has none."""
    features = np.column_stack([np.zeros(len(matrix)), matrix[:, :j]])
    return Features(features, {i + 1: columns[i].levels for i in range(j) if not columns[i].numeric})
