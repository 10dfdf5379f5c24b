"""The network: (28, 28, 1) ink in, ten probabilities out."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

NUM_CLASSES = 10


def build_network() -> keras.Model:
    """An all-convolutional network of 2.7 million multiply-adds and 63,000 parameters.

    Two strided convolutions take the place of pooling: they cost a quarter of a full-size
    convolution, and the service pays for every multiply-add on every request.

    Returns:
        A model from (N, 28, 28, 1) float32 in 0..1 to (N, 10) float32 probabilities.

    Source: Springenberg et al., Striving for Simplicity: The All Convolutional Net, 2014.
    """
    inputs = keras.Input((28, 28, 1), name="ink")
    x = _convolution(inputs, 16)  # (N, 28, 28, 16)
    x = _convolution(x, 32, strides=2)  # (N, 14, 14, 32)
    x = _convolution(x, 48, strides=2)  # (N, 7, 7, 48)
    x = _convolution(x, 48)  # (N, 7, 7, 48)
    x = layers.Flatten()(x)  # (N, 2352)
    x = layers.Dropout(0.3)(x)
    # float32 even when the rest computes in bfloat16: softmax needs the range.
    outputs = layers.Dense(NUM_CLASSES, activation="softmax", dtype="float32", name="digit")(x)
    return keras.Model(inputs, outputs, name="digits")


def _convolution(x: Any, filters: int, strides: int = 1) -> Any:
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(x)


def count_multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one picture's forward pass, in the convolutions and dense layers."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D | layers.Dense):
            _, *positions, _ = layer.output.shape
            total += math.prod(layer.kernel.shape) * math.prod(positions)
    return total
