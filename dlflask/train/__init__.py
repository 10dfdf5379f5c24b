"""Training of `mnist_model.h5`: data, augmentation, network, trainer, calibration and export."""
