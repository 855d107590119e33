"""Synthesizers with a differential-privacy guarantee."""
