"""Handwritten digits over HTTP: upload -> bytes -> ink -> tensor -> Prediction -> JSON or HTML."""

__version__ = "0.1.0"
