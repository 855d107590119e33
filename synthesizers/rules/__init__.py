"""Rules between columns: tried on the real rows, built into what is fitted, and kept in what is drawn."""
