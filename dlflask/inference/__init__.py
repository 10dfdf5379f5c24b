"""Loading and running of Keras models, whatever they recognise."""
