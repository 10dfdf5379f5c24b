"""Service that reads handwritten digits: upload -> bytes -> ink -> tensor -> result -> JSON."""

__version__ = "0.1.0"
