"""TVAE over SDV's ctgan (Xu et al. 2019); BSL-licensed."""

from __future__ import annotations

from typing import ClassVar

from . import ctgan

__all__ = ["Synthesizer"]


class Synthesizer(ctgan.Synthesizer):
    """Variational autoencoder."""

    model: ClassVar[str] = "TVAE"
