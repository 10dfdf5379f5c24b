"""Service that reads handwritten digits and numbers in images."""

__version__ = "0.1.0"
