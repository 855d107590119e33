"""MST over dpmm (McKenna et al. 2021)."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import pandas as pd

__all__ = ["Synthesizer"]


class Synthesizer:
    """Maximum spanning tree."""

    pipeline: ClassVar[str] = "MSTPipeline"
    """Name of the library's class."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._model: Any = None
        self._seed = 0

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Hyper-parameters as dpmm names them; bounds and levels go in as its ``domain``."""
        from dpmm import pipelines

        knobs = dict(hyperparameters)
        generator = {"degree": knobs.pop("degree")} if "degree" in knobs else {}
        self._seed = seed
        self._model = getattr(pipelines, self.pipeline)(**knobs, gen_kwargs=generator, n_jobs=1)
        domain = {
            name: {"categories": facts["levels"]}
            if facts["kind"] == "categorical"
            else {"lower": facts["lower"], "upper": facts["upper"]}
            for name, facts in self._columns.items()
        }
        typed = table.copy()
        for name, facts in self._columns.items():
            if facts["kind"] == "categorical":
                typed[name] = typed[name].astype(object)
        self._model.fit(typed, domain=domain, random_state=seed)
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._seed = seed

    def sample(self, n: int) -> pd.DataFrame:
        """Draw from the fitted marginals."""
        return pd.DataFrame(self._model.generate(n_records=n, random_state=self._seed))
