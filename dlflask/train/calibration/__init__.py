"""Fit the temperature and choose the thresholds of a trained network."""
