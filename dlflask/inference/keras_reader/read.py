"""Reading of a model file into a Keras network with its weights, on any backend of Keras."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlflask.errors import ModelError
from dlflask.inference.adaptation import Adaptation, adapt, fit_shape
from dlflask.inference.description import ModelDescription
from dlflask.inference.keras_reader.build import Builder, Network
from dlflask.inference.keras_reader.layer_config import LayerConfig
from dlflask.inference.keras_reader.network_config import NetworkConfig, read_network
from dlflask.inference.keras_reader.saved_model import SavedModel
from dlflask.inference.keras_reader.weights import load_archive, load_weights, needs_flip_test
from dlflask.types import Outputs, Tensor

#: Accepted numbers of classes: ten digits, with or without "not a digit".
NUM_CLASSES = (10, 11)

#: Layers that, in a prediction, return the values of their input unchanged.
_PASSING = ("Dropout", "Flatten", "Identity", "Reshape", "Permute")

_UNKNOWN_SIZE = (
    "The network has an input of unknown size. Build the network with an Input layer and save it "
    "again."
)

#: Function that takes a Keras network and returns a function that runs the network, from
#: (N, *shape) to (N, classes).
Runner = Callable[[Any], Callable[[Tensor], Outputs]]


@dataclass(frozen=True)
class DigitModel:
    """Keras network of a digit model, with its adaptation to this service and its description."""

    model: Any
    adaptation: Adaptation
    description: ModelDescription


def read_model(
    saved: SavedModel, shape: tuple[int, ...] | None = None, *, is_flipped: bool = False
) -> tuple[NetworkConfig, Network]:
    """Build the network in a file and load its weights.

    Args:
        saved: The file.
        shape: Shape of the input. None uses the shape in the file.
        is_flipped: True to turn each convolution's kernel by 180 degrees (see `needs_flip_test`).

    Raises:
        ModelError: The network is not supported, or its weights are not in the file.
    """
    config = read_network(saved.config, saved.version)
    return config, _build(saved, config, shape, is_flipped=is_flipped)


def read_digits(saved: SavedModel, samples: Tensor, run: Runner) -> DigitModel:
    """Read a network that classifies digits, and adapt it to this service.

    Args:
        saved: The file.
        samples: Sample digits 0 to 9, (10, 28, 28) in 0..1.
        run: Function that makes a Keras network callable (see `Runner`).

    Raises:
        ModelError: The network does not map an image to ten or eleven classes.
    """
    config = read_network(saved.config, saved.version)
    shape = fit_shape(_only_input(config))
    network = _build(saved, config, shape)
    num_classes = _count_classes(config, network)
    activation = _last_activation(config)
    found = adapt(run(network.model), shape, activation, samples)
    if needs_flip_test(network, saved.version, saved.backend):
        flipped = _build(saved, config, shape, is_flipped=True)
        other = adapt(run(flipped.model), shape, activation, samples)
        # Keep the result of `adapt` with the higher score. Item 2 of a result is the score.
        if other[2] > found[2]:
            network, found = flipped, other
    adaptation, samples_read, _ = found
    description = ModelDescription(
        keras_version=saved.version,
        layers=_describe_layers(config, network),
        num_parameters=network.model.count_params(),
        input_shape=shape,
        convention=adaptation.convention,
        samples_read=samples_read,
        outputs=adaptation.outputs,
        num_classes=num_classes,
    )
    return DigitModel(network.model, adaptation, description)


def _build(
    saved: SavedModel,
    config: NetworkConfig,
    shape: tuple[int, ...] | None,
    *,
    is_flipped: bool = False,
) -> Network:
    shapes = {name: shape or size for name, size in config.input_shapes.items()}
    if None in shapes.values():
        raise ModelError(_UNKNOWN_SIZE)
    builder = Builder(saved.version, saved.num_values)
    network = builder.build(config, {name: size for name, size in shapes.items() if size})
    if saved.archive is None:
        load_weights(network, saved.weights, saved.version, is_flipped=is_flipped)
        return network
    load_archive(network, saved.archive)
    return network


def _only_input(config: NetworkConfig) -> tuple[int | None, ...]:
    if len(config.inputs) != 1:
        raise ModelError(
            f"The network has {len(config.inputs)} inputs; expected one image. Train a network "
            "that takes only the image."
        )
    shape = config.input_shapes.get(config.inputs[0])
    if not shape:
        raise ModelError(_UNKNOWN_SIZE)
    return shape


def _count_classes(config: NetworkConfig, network: Network) -> int:
    if len(config.outputs) != 1:
        raise ModelError(
            f"The network has {len(config.outputs)} outputs; expected one output, the "
            "probabilities of ten digits. Save a model with this output only."
        )
    shape = tuple(network.model.output_shape[1:])
    count = 0 if None in shape else int(np.prod(shape))
    if count in NUM_CLASSES and count in shape:
        return count
    if shape == tuple(network.model.input_shape[1:]) or len(shape) > 1:
        dimensions = " x ".join("any" if size is None else str(size) for size in shape)
        raise ModelError(
            f"The network's output has the shape of an image ({dimensions}), so the network may be "
            "an autoencoder. Serve a network that returns the probabilities of ten digits."
        )
    raise ModelError(
        f"The network has {count} outputs; expected ten, the probabilities of the digits, or "
        "eleven with the probability of 'not a digit' as the last. Train a network that classifies "
        "the ten digits."
    )


def _last_activation(config: NetworkConfig) -> str:
    """Return the name of the activation that computes the outputs of the network."""
    reference = config.outputs[0]
    while node := config.nodes.get(reference.layer):
        layer = node.layer
        if isinstance(layer, NetworkConfig):
            return _last_activation(layer)
        if layer.kind == "Softmax":
            return "softmax"
        if layer.kind not in _PASSING:
            return _name_activation(layer.options.get("activation"))
        reference = node.calls[0][0]
    return "linear"


def _name_activation(activation: Any) -> str:
    if isinstance(activation, dict):
        inner = activation.get("config")
        activation = inner if isinstance(inner, str) else activation.get("class_name")
    return str(activation or "linear").lower().removesuffix("_v2")


def _describe_layers(
    config: NetworkConfig, network: Network
) -> tuple[tuple[str, str, tuple[int | None, ...]], ...]:
    return tuple(
        (name, layer.kind if isinstance(layer, LayerConfig) else "Model", shape)
        for name, (layer, _), shape in zip(
            config.nodes, network.layers, network.shapes, strict=True
        )
    )
