"""Comparison of this project with other programs that read whole numbers (readers)."""
