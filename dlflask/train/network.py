"""Digit network: it computes the probabilities of the ten digits and of "not a digit"."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

#: Number of outputs: ten digits, and "not a digit".
NUM_CLASSES = 11


def build_network() -> keras.Model:
    """Build a small residual network with 215,000 parameters and 4.7 million multiply-adds.

    The first convolution halves the image, so that most layers work on small feature maps and a
    request costs few multiply-adds. It does not pad the image, because MNIST leaves four pixels of
    paper around each digit. Therefore 28 pixels become 12 instead of 14.

    Returns:
        A model. Its inputs are (N, 28, 28, 1) float32 in 0..1, ink = 1. Its outputs are (N, 11)
        float32 probabilities.

    Source: He et al., Deep Residual Learning for Image Recognition, 2015.
    """
    inputs = keras.Input((28, 28, 1), name="ink")
    x = _convolution(inputs, 32, size=6, strides=2, padding="valid")  # (N, 12, 12, 32)
    x = _residual(x)  # (N, 12, 12, 32)
    x = _convolution(x, 64, strides=2)  # (N, 6, 6, 64)
    x = _residual(x)  # (N, 6, 6, 64)
    x = _convolution(x, 96, strides=2)  # (N, 3, 3, 96)
    x = _residual(x)  # (N, 3, 3, 96)
    x = layers.Flatten()(x)  # (N, 864)
    x = layers.Dropout(0.3)(x)
    # Softmax needs the precision of float32, even if the other layers compute in bfloat16.
    outputs = layers.Dense(NUM_CLASSES, activation="softmax", dtype="float32", name="digit")(x)
    return keras.Model(inputs, outputs, name="digits")


def _convolution(
    x: Any, filters: int, size: int = 3, strides: int = 1, padding: str = "same"
) -> Any:
    return layers.ReLU()(_normalised(x, filters, size, strides, padding))


def _residual(x: Any) -> Any:
    return layers.ReLU()(layers.Add()([_normalised(x, x.shape[-1], 3, 1, "same"), x]))


def _normalised(x: Any, filters: int, size: int, strides: int, padding: str) -> Any:
    x = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def count_multiply_adds(model: keras.Model) -> int:
    """Count the multiply-adds of the convolutions and dense layers for one image."""
    total = 0
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D | layers.Dense):
            _, *positions, _ = layer.output.shape
            total += math.prod(layer.kernel.shape) * math.prod(positions)
    return total


def describe(model: keras.Model) -> str:
    """Describe the convolutions and dense layers, such as `6x6/2 32, 3x3 32, dense 11`.

    `6x6/2 32` is a convolution with 6 x 6 kernels, stride 2 and 32 output channels.
    """
    words = []
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            (size, _), (stride, _) = layer.kernel_size, layer.strides
            words.append(f"{size}x{size}{'/2' if stride == 2 else ''} {layer.filters}")
        elif isinstance(layer, layers.Dense):
            words.append(f"dense {layer.units}")
    return ", ".join(words)
