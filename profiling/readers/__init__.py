"""Open a table where it lives and answer what the profiler asks of it; imports schemas and values."""
