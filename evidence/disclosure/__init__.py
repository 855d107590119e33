"""What the synthetic table tells about persons: attacks on fitted persons, held against held-out ones."""
