"""Training of the number network on fields, which are images of numbers drawn by code."""
