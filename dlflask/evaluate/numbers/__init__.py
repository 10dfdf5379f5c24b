"""Evaluation of whole numbers on labelled images."""
