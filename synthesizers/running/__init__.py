"""Carry a plan out: environments, workers, files, run card; imports schemas, encoding and the catalogue."""
