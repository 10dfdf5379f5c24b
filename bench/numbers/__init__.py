"""Comparison of programs that read whole numbers (readers): this project's and other projects'."""
