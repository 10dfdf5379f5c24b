"""Fusion of batch normalisations and residual connections into convolutions.

A trained batch normalisation is a factor and an offset for each filter, and a residual connection
adds 1 at the centre of the kernel. With both in the kernels, six convolutions compute the same
function as the twenty layers of the trained network.

Source: Ding et al., RepVGG: Making VGG-style ConvNets Great Again, CVPR 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

#: Layers that become part of a convolution or are not needed for inference.
_FUSED = (layers.BatchNormalization, layers.Add, layers.ReLU, layers.Dropout, layers.InputLayer)


@dataclass
class _Convolution:
    """A convolution with the layers after it: kernel (height, width, in, out) and bias (out,)."""

    layer: layers.Conv2D
    kernel: NDArray[np.float64]
    bias: NDArray[np.float64]

    def normalise(self, layer: layers.BatchNormalization) -> None:
        """Apply the factor and offset of `layer` at inference to each filter."""
        gamma, beta, mean, variance = (w.astype(np.float64) for w in layer.get_weights())
        factor = gamma / np.sqrt(variance + layer.epsilon)
        self.kernel *= factor
        self.bias = beta + (self.bias - mean) * factor

    def add_input(self) -> None:
        """Add the residual connection: each filter also passes on its own channel."""
        middle = self.kernel.shape[0] // 2
        self.kernel[middle, middle] += np.eye(self.kernel.shape[2])

    def apply(self, x: Any) -> Any:
        """Apply the convolution and a ReLU to `x`."""
        config = self.layer.get_config() | {"use_bias": True, "activation": "relu"}
        layer = layers.Conv2D.from_config(config)
        y = layer(x)
        layer.set_weights([self.kernel, self.bias])
        return y


def fuse_layers(model: keras.Model) -> keras.Model:
    """Return a network of the same function as `model`, with as few layers as possible.

    Args:
        model: A trained network of `network.build_network`.

    Raises:
        TypeError: The model has a layer of another type.
    """
    x = inputs = keras.Input(model.input_shape[1:], name="ink")
    convolution: _Convolution | None = None
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D):
            (kernel,) = layer.get_weights()
            convolution = _Convolution(layer, kernel.astype(np.float64), np.zeros(layer.filters))
        elif isinstance(layer, layers.Flatten | layers.Dense):
            copy = layer.__class__.from_config(layer.get_config())
            x = copy(x)
            copy.set_weights(layer.get_weights())
        elif not isinstance(layer, _FUSED):
            raise TypeError(f"{layer.name} is a {type(layer).__name__}, which cannot be fused.")
        elif convolution is not None:
            x = _fuse(convolution, layer, x)
    return keras.Model(inputs, x, name=model.name)


def _fuse(convolution: _Convolution, layer: layers.Layer, x: Any) -> Any:
    """Fuse `layer` into `convolution`; its final ReLU applies the convolution to `x`."""
    if isinstance(layer, layers.BatchNormalization):
        convolution.normalise(layer)
    elif isinstance(layer, layers.Add):
        convolution.add_input()
    elif isinstance(layer, layers.ReLU):
        return convolution.apply(x)
    return x
