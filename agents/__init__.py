"""The runnable that users call."""

from .selector import ClinicalModelSelector

__all__ = ["ClinicalModelSelector"]
