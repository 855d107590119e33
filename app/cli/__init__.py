"""The command line; imports render and the rooms below app."""
