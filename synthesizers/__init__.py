"""The catalogue: every fact about a synthesizer, and what follows from it for a table."""
