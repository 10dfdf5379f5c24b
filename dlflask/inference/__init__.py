"""Loading and running of Keras models, for every recogniser."""
