"""The benchmark: its arithmetic, its servers and its report."""
