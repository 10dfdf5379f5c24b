"""Evaluation on labelled images: accuracy, calibration, verdicts, and the worst mistakes."""
