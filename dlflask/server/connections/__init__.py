"""The worker's main loop. It receives requests, sends responses and closes connections."""
