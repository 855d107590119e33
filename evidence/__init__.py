"""What was measured, and the embedded recommender that decides by it."""
