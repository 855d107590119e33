"""Prompt, providers, one answer, the selection with its fallbacks, plan checks."""
