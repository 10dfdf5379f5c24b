"""Reading of Keras model files of any age, in a separate process."""

#: Exit code of the process if it refuses the file.
REFUSED = 3
