"""Profiles of uploads in processes of their own; imports the rooms below app."""
