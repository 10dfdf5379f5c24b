"""Counters and histograms of all workers, for Prometheus."""
