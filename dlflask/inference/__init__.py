"""Loading and running of Keras models of any recogniser."""
