"""Rebuilding of a channels-last network as a channels-first network.

In Keras, the axis of the channels is usually the last axis. OpenVINO needs this axis before the
axes of the pixels. In a channels-last model, OpenVINO transposes the values before and after every
layer, which takes a quarter of the time of one image.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from dlflask.inference.keras_reader.build import Builder, Network
from dlflask.inference.keras_reader.layer_config import LayerConfig
from dlflask.inference.keras_reader.network_config import NetworkConfig

#: Layers that compute the same in both layouts if the option for the channels' axis is changed.
_CONVERTIBLE = (
    "Activation Add AlphaDropout AveragePooling2D BatchNormalization Concatenate Conv2D Dense "
    "Dropout Flatten GaussianDropout GaussianNoise GlobalAveragePooling2D GlobalMaxPooling2D "
    "Identity LeakyReLU MaxPooling2D ReLU SpatialDropout2D UpSampling2D ZeroPadding2D"
)

#: Layers with the option `data_format`.
_WITH_FORMAT = (
    "AveragePooling2D Conv2D Flatten GlobalAveragePooling2D GlobalMaxPooling2D MaxPooling2D "
    "SpatialDropout2D UpSampling2D ZeroPadding2D"
)


def with_channels_first(config: NetworkConfig, network: Network, builder: Builder) -> Any:
    """Rebuild a model with the input (N, H, W, 1 or 3), so that its input is (N, C, H, W).

    Returns:
        The rebuilt model, or the model of `network` if a layer or the input cannot be converted.
    """
    model = network.model
    if not _is_convertible(network):
        return model
    nodes = {
        name: dataclasses.replace(node, layer=_convert(node.layer, layer))
        for (name, node), (_, layer) in zip(config.nodes.items(), network.layers, strict=True)
        if isinstance(node.layer, LayerConfig)
    }
    _, height, width, channels = model.input_shape
    shapes = dict.fromkeys(config.inputs, (channels, height, width))
    converted = builder.build(dataclasses.replace(config, nodes=nodes), shapes).model
    converted.set_weights(model.get_weights())
    return converted


def _is_convertible(network: Network) -> bool:
    shape = network.model.input_shape
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[-1] not in (1, 3):
        return False
    return all(
        isinstance(config, LayerConfig) and _is_convertible_layer(config, layer)
        for config, layer in network.layers
    )


def _is_convertible_layer(config: LayerConfig, layer: Any) -> bool:
    if config.kind not in _CONVERTIBLE.split() or len(layer._inbound_nodes) != 1:  # noqa: SLF001
        return False
    if config.options.get("data_format") == "channels_first":
        return False
    # Dense, Concatenate and softmax compute along the last axis. After the conversion, the last
    # axis is the columns instead of the channels.
    uses_last_axis = config.kind in ("Dense", "Concatenate") or "softmax" in str(
        config.options.get("activation")
    )
    return not (uses_last_axis and len(layer.output.shape) > 2)


def _convert(config: LayerConfig, layer: Any) -> LayerConfig:
    options = dict(config.options)
    if config.kind in _WITH_FORMAT.split():
        options["data_format"] = "channels_first"
    if config.kind == "BatchNormalization" and len(layer.output.shape) == 4:
        options["axis"] = 1
    return dataclasses.replace(config, options=options)
