"""Tests of the evaluation, from images to the report."""
