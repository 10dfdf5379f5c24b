"""Reading of Keras model files of any age, in a separate process."""

#: Exit code of the process for a file that it refuses.
REFUSED = 3
