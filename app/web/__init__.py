"""The page: templates, scripts and styles; imports render."""
