"""Code of the notebook that is too long for a cell."""
