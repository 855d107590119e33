"""Graphical models: a network of conditional tables, classes behind the columns."""
