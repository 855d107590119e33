"""Identifiers by value in any language: names, national numbers, addresses; imports the standard library only."""
