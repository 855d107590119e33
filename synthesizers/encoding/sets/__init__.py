"""Linked tables of the same patients: their keys and dates, what enters a fit, and the way back."""
