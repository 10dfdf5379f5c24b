"""Tests of the benchmark: its arithmetic, its servers and its report."""
