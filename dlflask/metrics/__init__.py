"""Counters and histograms of all workers."""
