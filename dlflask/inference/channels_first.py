"""A Keras model in, the same with its channels before height and width out.

OpenVINO computes that way and would turn the data around before and after every layer that Keras
keeps the other way: a quarter of the time of one picture, a third of that of a batch.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

#: These do the same in both layouts once they are told the axis; others are left as they are.
_KNOWN = (
    *(layers.InputLayer, layers.Conv2D, layers.BatchNormalization, layers.ReLU, layers.Add),
    *(layers.Activation, layers.Dropout, layers.MaxPooling2D, layers.AveragePooling2D),
    *(layers.GlobalAveragePooling2D, layers.Flatten, layers.Dense),
)


def with_channels_first(model: Any) -> Any:
    """The same function of (N, 1, 28, 28) instead of (N, 28, 28, 1), with the same weights.

    Returns:
        `model` itself where it takes another shape or has a layer that is not known here.
    """
    if len(model.input_shape) != 4 or model.input_shape[-1] != 1:
        return model
    if not all(_is_known(layer) for layer in model.layers):
        return model
    _, height, width, channels = model.input_shape
    turned = keras.models.clone_model(
        model, input_tensors=keras.Input((channels, height, width)), clone_function=_turn
    )
    turned.set_weights(model.get_weights())
    return turned


def _is_known(layer: Any) -> bool:
    # A dense layer or a softmax works along the last axis, which is no longer the channels.
    along_last = isinstance(layer, layers.Dense) or (
        getattr(layer, "activation", None) is keras.activations.softmax
    )
    return isinstance(layer, _KNOWN) and not (along_last and len(layer.input.shape) > 2)


def _turn(layer: Any) -> Any:
    config = layer.get_config()
    if "data_format" in config:
        config["data_format"] = "channels_first"
    if isinstance(layer, layers.BatchNormalization) and len(layer.input.shape) == 4:
        config["axis"] = 1
    return layer.__class__.from_config(config)
