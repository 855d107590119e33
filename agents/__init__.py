"""The runnable that users call."""
