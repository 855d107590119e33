"""The API over HTTP; imports web, render and the rooms below app."""
