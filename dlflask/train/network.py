"""Digit network: it computes the probabilities of the ten digits and of "not a digit".

After the training, the output "not a digit" can get layers of its own, which are trained further
while the ten digits stay as they are.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import layers

#: Number of outputs: ten digits, and "not a digit".
NUM_CLASSES = 11

_DROPOUT = 0.3

#: Beginning of the names of the layers that only the output "not a digit" uses.
_OWN = "not_a_digit"
#: Number of rows and columns of the features that these layers share with the ten digits. They come
#: from the first two convolutions.
_SHARED_SIZE = 12


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
    x = layers.Dropout(_DROPOUT)(x)
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


def give_own_layers(start: keras.Model) -> keras.Model:
    """Return a copy of `start` that can learn "not a digit" better and reads digits as before.

    In the copy, the output "not a digit" gets layers of its own: a second copy of the layers after
    the first two convolutions. Only these layers can be trained. All other layers are frozen.
    Therefore training cannot change which digit is the most probable one. Before training, the
    copy computes the same outputs as `start`.

    Args:
        start: Model of `build_network`, or model that this function returned. Batch normalisations
            and residual connections may be merged into the convolutions.

    Raises:
        ValueError: `start` has other layers.
    """
    model = keras.models.clone_model(start)
    model.set_weights(start.get_weights())
    if not any(layer.name.startswith(_OWN) for layer in model.layers):
        model = _add_own_layers(model)
    for layer in model.layers:
        layer.trainable = layer.name.startswith(_OWN)
    return model


def _add_own_layers(model: keras.Model) -> keras.Model:
    *_, last = model.layers
    is_shared = [layer.output.shape[1:3] == (_SHARED_SIZE, _SHARED_SIZE) for layer in model.layers]
    if not any(is_shared) or not isinstance(last, layers.Dense):
        raise ValueError("its layers differ from the layers of the digit network")
    num_shared = len(is_shared) - is_shared[::-1].index(True)
    # Outputs of the copied layers, by the name of the layer that they are a copy of.
    copied: dict[str, Any] = {}
    late = [layer for layer in model.layers[num_shared:-1] if not isinstance(layer, layers.Dropout)]
    for layer in late:
        copy = type(layer).from_config(layer.get_config() | {"name": f"{_OWN}_{layer.name}"})
        inputs = [
            copied.get(tensor._keras_history.operation.name, tensor)  # noqa: SLF001  no public way
            for tensor in keras.tree.flatten(layer.input)
        ]
        copied[layer.name] = copy(inputs if len(inputs) > 1 else inputs[0])
        copy.set_weights(layer.get_weights())
    own = layers.Dropout(_DROPOUT)(copied[late[-1].name])

    digits = layers.Dense(NUM_CLASSES - 1, dtype="float32", name="digits")
    other = layers.Dense(1, dtype="float32", name=_OWN)
    logits = [digits(last.input), other(layers.Concatenate()([last.input, own]))]
    outputs = layers.Softmax(dtype="float32", name="digit")(layers.Concatenate()(logits))
    kernel, bias = last.get_weights()
    digits.set_weights([kernel[:, :-1], bias[:-1]])
    other.set_weights([np.pad(kernel[:, -1:], ((0, own.shape[-1]), (0, 0))), bias[-1:]])
    return keras.Model(model.inputs, outputs, name=model.name)


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

    `6x6/2 32` is a convolution with 6 x 6 kernels, stride 2 and 32 output channels. Layers that
    only the output "not a digit" uses come last.
    """
    shared = [layer for layer in model.layers if not layer.name.startswith(_OWN)]
    own = [layer for layer in model.layers if layer.name.startswith(_OWN)]
    parts = [_describe(shared)]
    if own:
        parts.append(f'only for "not a digit": {_describe(own)}')
    return "; ".join(parts)


def _describe(described: list[keras.Layer]) -> str:
    words = []
    for layer in described:
        if isinstance(layer, layers.Conv2D):
            (size, _), (stride, _) = layer.kernel_size, layer.strides
            words.append(f"{size}x{size}{'/2' if stride == 2 else ''} {layer.filters}")
        elif isinstance(layer, layers.Dense):
            words.append(f"dense {layer.units}")
    return ", ".join(words)
