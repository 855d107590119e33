"""Figures of one synthetic table against the real one; imports schemas and profiling."""
