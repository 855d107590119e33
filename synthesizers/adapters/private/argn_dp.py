"""TabularARGN trained with DP-SGD on value ranges found privately; the library's own knobs switch it on."""

from ..networks.argn import Synthesizer

__all__ = ["Synthesizer"]
