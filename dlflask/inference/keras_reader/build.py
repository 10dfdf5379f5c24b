"""Building of a Keras network from its configuration, without weights."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from dlflask.errors import ModelError
from dlflask.inference.keras_reader.layer_config import LayerConfig, read_layer
from dlflask.inference.keras_reader.network_config import NetworkConfig, Node, Reference

#: Most values that one layer may return for one input: 64 MB, as many as VGG's largest layer times
#: five. A layer such as UpSampling2D can make any number from a small file.
MAX_VALUES = 2**24

#: Activations that are functions of Keras; `softmax_v2` is TensorFlow's name for softmax.
_ACTIVATIONS = (
    "elu exponential gelu hard_sigmoid leaky_relu linear log_softmax mish relu relu6 selu sigmoid "
    "silu softmax softplus softsign swish tanh"
)
_RENAMED_ACTIVATIONS = {"softmax_v2": "softmax", "relu_v2": "relu", None: "linear"}

#: Options that this module or Keras sets.
_LEFT_OUT = frozenset({"name", "dtype", "trainable", "seed", "noise_shape", "layer", "weights"})

#: Options that make a layer large.
_SIZES = ("units", "filters", "kernel_size", "depth_multiplier")


@dataclass(frozen=True)
class Network:
    """Keras network with its layers in the order of the file.

    Attributes:
        model: The network.
        layers: Pairs of a layer's configuration and the layer.
        shapes: Shape of each layer's first output.
    """

    model: Any
    layers: list[tuple[LayerConfig | NetworkConfig, Any]]
    shapes: list[tuple[int | None, ...]]


class Builder:
    """Builds networks and layers of one file.

    Args:
        version: Version of Keras that saved the file.
        num_values: Number of weights in the file, which no layer's size can exceed.
    """

    def __init__(self, version: str, num_values: int) -> None:
        self._is_old = version.partition(".")[0] in ("", "1", "2")
        self._num_values = num_values

    def build(self, config: NetworkConfig, shapes: Mapping[str, tuple[int | None, ...]]) -> Network:
        """Build the network of `config` for inputs of `shapes`, by the names of the inputs.

        Raises:
            ModelError: A layer is larger than the file, or its options are not valid.
        """
        inputs = {name: keras.Input(shape) for name, shape in shapes.items()}
        tensors = {Reference(name, 0, 0): tensor for name, tensor in inputs.items()}
        layers = {name: self._make(node.layer) for name, node in config.nodes.items()}
        waiting = list(_calls(config.nodes))
        while waiting:
            later = []
            for name, call, references in waiting:
                if all(reference in tensors for reference in references):
                    results = _call(name, layers[name], [tensors[each] for each in references])
                    tensors |= {Reference(name, call, i): each for i, each in enumerate(results)}
                else:
                    later.append((name, call, references))
            if len(later) == len(waiting):
                raise ModelError(
                    f"has a layer {later[0][0][:80]!r} whose input is missing. Save the model "
                    "again."
                )
            waiting = later
        if missing := [each.layer for each in config.outputs if each not in tensors]:
            raise ModelError(
                f"names the output {missing[0][:80]!r}, but lacks this layer. Save the model again."
            )
        outputs = [tensors[reference] for reference in config.outputs]
        model = keras.Model(_single([inputs[name] for name in config.inputs]), _single(outputs))
        model.trainable = config.trainable
        firsts = {name: call for name, call, _ in reversed(list(_calls(config.nodes)))}
        sizes = [tuple(tensors[Reference(name, firsts[name], 0)].shape) for name in layers]
        pairs = [(config.nodes[name].layer, layer) for name, layer in layers.items()]
        return Network(model, pairs, sizes)

    def _make(self, config: LayerConfig | NetworkConfig) -> Any:
        if isinstance(config, NetworkConfig):
            if None in config.input_shapes.values():
                raise ModelError(
                    f"has a network {config.name[:80]!r} without the size of its input. Build the "
                    "network with an Input layer and save it again."
                )
            shapes = {name: shape for name, shape in config.input_shapes.items() if shape}
            network = self.build(config, shapes)
            if config.is_sequential:
                # The weights of a .keras file are found by the classes of networks.
                layers = [layer for _, layer in network.layers]
                return keras.Sequential([*network.model.inputs, *layers])
            return network.model
        return self.make_layer(config)

    def make_layer(self, config: LayerConfig) -> Any:
        """Make the layer of `config`, with weights of 0."""
        self._check_sizes(config)
        kind = getattr(keras.layers, config.kind)
        accepted = inspect.signature(kind.__init__).parameters
        options = {
            key: self._option(key, value)
            for key, value in config.options.items()
            if key in accepted and key not in _LEFT_OUT
        }
        # Random values would be computed for nothing.
        options |= {key: "zeros" for key in accepted if key.endswith("_initializer")}
        if config.inner:
            options["layer"] = self.make_layer(config.inner)
        try:
            layer = kind(**options)
        except Exception as error:  # Keras raises anything for an option that is not valid
            words = " ".join(str(error).split())[:200]
            raise ModelError(
                f"has a layer {config.name[:80]!r} whose options are not valid ({words}). Save the "
                "model again."
            ) from error
        layer.trainable = config.trainable
        return layer

    def _option(self, key: str, value: Any) -> Any:
        return self._activation(value) if key.endswith("activation") else value

    def _activation(self, value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") != "function":
            if isinstance(value.get("config"), dict) and "class_name" in value:
                return self.make_layer(read_layer(value, ""))
            value = value.get("class_name")
        elif isinstance(value, dict):
            value = value.get("config")
        name = _RENAMED_ACTIVATIONS.get(value, value)
        if name not in _ACTIVATIONS.split():
            raise ModelError(
                f"uses a custom activation, {str(value)[:80]!r}, whose code is not in the file. "
                "Use an activation of Keras and save the model again."
            )
        if name == "hard_sigmoid" and self._is_old:
            return _old_hard_sigmoid
        return keras.activations.get(name)

    def _check_sizes(self, config: LayerConfig) -> None:
        for key in _SIZES:
            for size in _integers(config.options.get(key)):
                if size > self._num_values:
                    raise ModelError(
                        f"has a layer {config.name[:80]!r} with {key} {size:,}, but the file "
                        f"has only {self._num_values:,} weights. Save the model again."
                    )


def _old_hard_sigmoid(x: Any) -> Any:
    """Return what Keras 1 and 2 call `hard_sigmoid`; Keras 3 changed its slope to 1/6."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _call(name: str, layer: Any, tensors: list[Any]) -> list[Any]:
    try:
        result = layer(_single(tensors))
    except Exception as error:  # tracing a layer may raise anything
        words = " ".join(str(error).split())[:200]
        raise ModelError(
            f"has a layer {name[:80]!r} that cannot be built ({words}). Check its input shape and "
            "options in Keras, and save the model again."
        ) from error
    results = list(result) if isinstance(result, list | tuple) else [result]
    for each in results:
        if math.prod(size or 1 for size in each.shape[1:]) > MAX_VALUES:
            raise ModelError(
                f"has a layer {name[:80]!r} with outputs of shape {tuple(each.shape[1:])}, more "
                f"than {MAX_VALUES:,} values. Serve a smaller network."
            )
    return results


def _calls(nodes: Mapping[str, Node]) -> Iterator[tuple[str, int, list[Reference]]]:
    """Yield name, number and inputs of each call of a layer, numbered as in the references.

    Keras 2 and 3 count a network's own construction as its call 0.
    """
    used: dict[str, int] = {}
    for node in nodes.values():
        for reference in (each for call in node.calls for each in call):
            used[reference.layer] = max(used.get(reference.layer, 0), reference.call)
    for name, node in nodes.items():
        first = max(0, used.get(name, 0) - len(node.calls) + 1)
        for number, references in enumerate(node.calls):
            yield name, first + number, list(references)


def _single(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items


def _integers(value: Any) -> Iterator[int]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield int(value)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _integers(each)
