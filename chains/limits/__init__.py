"""Breaker, rate and budget limits, plan cache, usage; imports schemas."""
