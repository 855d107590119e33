"""Command line, and later the HTTP service and its page."""
