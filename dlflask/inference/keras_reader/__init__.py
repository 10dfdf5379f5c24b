"""Reading of Keras model files of any age, in a separate process."""

#: Exit code of the process if the file cannot be served.
REFUSED = 3
