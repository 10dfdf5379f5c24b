"""Number network: for each four columns of a strip, it computes the logits of all characters.

A strip is the image of a line of characters. It is 32 pixels high and has any width.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

from dlflask.numbers.characters import NUM_CLASSES
from dlflask.numbers.normalization import HEIGHT

#: Numbers of output channels of the three stages that reduce the height, and of the layers along
#: the line, where the height is 1.
WIDTHS = (16, 48, 80)
ALONG = 140


def build_network(widths: tuple[int, ...] = WIDTHS, along: int = ALONG) -> keras.Model:
    """Build a fully convolutional network with one output column for each four input columns.

    Most layers work on a strip whose size is already reduced, so they cost little. Four
    convolutions along the line also see the neighbours of a character. The neighbours help to
    distinguish a 1 from a border, and a comma from a speck. The network has no recurrence and no
    attention, because these cost more and numbers have little grammar to learn.

    Returns:
        A model. Its inputs are (N, 32, W, 1) float32 in 0..1, where W is a multiple of 4. Its
        outputs are (N, W / 4, 15) float32 logits.

    Source: Borisyuk, Gordo, Sivakumar, Rosetta, KDD 2018 (fully convolutional, with CTC).
    """
    inputs = keras.Input((HEIGHT, None, 1), name="strip")
    x = _convolution(inputs, widths[0], 5, (2, 2))  # (N, 16, W/2, 16)
    x = _residual(x)
    x = _convolution(x, widths[1], 3, (2, 2))  # (N, 8, W/4, 48)
    x = _residual(x)
    x = _convolution(x, widths[2], 3, (2, 1))  # (N, 4, W/4, 80)
    x = _residual(x)
    x = _residual(x)
    x = layers.ZeroPadding2D((0, 1))(x)
    x = _convolution(x, along, (4, 3), (1, 1), "valid")  # (N, 1, W/4, 140)
    x = _residual(x, (1, 5))
    x = _residual(x, (1, 5))
    x = _residual(x, (1, 5))
    x = layers.Reshape((-1, along))(x)  # (N, W/4, 140)
    x = layers.Dropout(0.1)(x)
    # The loss needs the precision of float32, even if the other layers compute in bfloat16.
    outputs = layers.Dense(NUM_CLASSES, dtype="float32", name="character")(x)
    return keras.Model(inputs, outputs, name="numbers")


def add_softmax(model: keras.Model) -> keras.Model:
    """Return a model like `model`, but with probabilities instead of logits as outputs."""
    outputs = layers.Softmax(dtype="float32", name="probability")(model.outputs[0])
    return keras.Model(model.inputs, outputs, name=model.name)


def _convolution(
    x: Any, filters: int, size: Any, strides: tuple[int, int], padding: str = "same"
) -> Any:
    return layers.ReLU()(_normalised(x, filters, size, strides, padding))


def _residual(x: Any, size: Any = 3) -> Any:
    return layers.ReLU()(layers.Add()([_normalised(x, x.shape[-1], size, (1, 1), "same"), x]))


def _normalised(x: Any, filters: int, size: Any, strides: tuple[int, int], padding: str) -> Any:
    x = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False)(x)
    return layers.BatchNormalization(momentum=0.98)(x)


def count_multiply_adds(model: keras.Model, width: int) -> int:
    """Count the multiply-adds for one strip that is `width` pixels wide."""
    total = 0
    height, columns = HEIGHT, width
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            rows, steps = layer.strides
            valid = layer.padding == "valid"
            height = height - layer.kernel_size[0] + 1 if valid else -(-height // rows)
            columns = -(-columns // steps)
            total += math.prod(layer.kernel.shape) * height * columns
        elif isinstance(layer, layers.Dense):
            total += math.prod(layer.kernel.shape) * columns
    return total
