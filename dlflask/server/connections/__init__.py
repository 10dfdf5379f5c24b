"""Client connections of a worker: its main loop receives requests, sends responses and closes."""
