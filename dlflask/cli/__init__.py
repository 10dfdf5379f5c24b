"""The command line: `python -m dlflask`."""
