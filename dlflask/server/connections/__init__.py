"""Client connections of a worker: received, answered and closed by its main loop."""
