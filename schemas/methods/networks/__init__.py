"""Neural networks; each runs in an environment of its own."""
