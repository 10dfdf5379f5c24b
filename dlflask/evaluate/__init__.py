"""Labelled pictures in, a report out: accuracy, calibration, verdicts and the worst cases."""
