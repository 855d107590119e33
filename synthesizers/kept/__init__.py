"""Fitted models that are kept, and further rows of them; imports running, encoding and the schemas."""
