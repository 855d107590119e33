"""Recognise what a column is from its name, its values and its neighbours; imports schemas and values."""
