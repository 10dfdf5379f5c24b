"""Stand-in that a process imports instead of TensorFlow; see `tests.serving`."""

raise ModuleNotFoundError("TensorFlow is hidden from this process.", name="tensorflow")
