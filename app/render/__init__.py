"""Results, profiles and evaluations for terminal and page; imports the rooms below app."""
