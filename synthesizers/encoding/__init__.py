"""Tables as the synthesizers take them, and back; imports schemas."""
