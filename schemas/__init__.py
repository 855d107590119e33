"""Ground floor: what goes in, what comes out, settings and errors; pydantic only."""
