"""The runnable that users call, and what carries a plan out; may import all rooms but app."""

from .composition import CHECKPOINT_TYPES
from .selection_tool import selection_tool
from .selector import ClinicalModelSelector

__all__ = ["CHECKPOINT_TYPES", "ClinicalModelSelector", "selection_tool"]
