"""Command line: `python -m dlflask`."""
