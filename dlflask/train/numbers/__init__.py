"""Training of the number network on fields drawn by code."""
