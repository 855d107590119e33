"""What OpenAPI shows of requests that FastAPI cannot read off a function."""
