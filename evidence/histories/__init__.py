"""How well synthetic histories keep what a patient's rows say together, and whom they give away."""
