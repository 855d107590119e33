"""Copulas."""
