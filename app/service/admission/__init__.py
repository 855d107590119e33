"""Who is let in, and how much of the service each caller gets."""
