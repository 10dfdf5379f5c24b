"""The evaluation command, from pictures to report."""
