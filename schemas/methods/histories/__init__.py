"""Synthesizers of several rows a patient."""
