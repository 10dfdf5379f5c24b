"""MNIST in, `mnist_model.h5` and its report out: data, augmentation, network, fit."""
