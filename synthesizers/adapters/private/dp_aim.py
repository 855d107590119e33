"""AIM over dpmm (McKenna et al. 2022)."""

from __future__ import annotations

from typing import ClassVar

from . import dp_mst

__all__ = ["Synthesizer"]


class Synthesizer(dp_mst.Synthesizer):
    """Adaptive and iterative."""

    pipeline: ClassVar[str] = "AIMPipeline"
