"""Histories: patients first, then their visits one after another, by trees whose donors are many patients.

Pure functions on numbers and codes; imports numpy and scikit-learn, nothing else of this project.
"""
