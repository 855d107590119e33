"""Measured fits on clinical tables: run, results, controls, regret; imports metrics and the recommender."""
