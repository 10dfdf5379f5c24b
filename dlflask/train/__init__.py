"""Training of the digit network (`mnist_model.h5`). `numbers` trains the number network."""
