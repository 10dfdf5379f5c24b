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

#: Maximum number of float32 values (64 MB) that one layer may return for one input. This is five
#: times the number in VGG's largest layer. Without the limit, a layer such as UpSampling2D in a
#: small file could take all memory.
MAX_VALUES = 2**24

#: Accepted activations: names of functions of Keras.
_ACTIVATIONS = (
    "elu exponential gelu hard_sigmoid leaky_relu linear log_softmax mish relu relu6 selu sigmoid "
    "silu softmax softplus softsign swish tanh"
)

#: Other names of activations in model files, with the names in Keras 3. A layer without an
#: activation has None in the file.
_RENAMED_ACTIVATIONS = {"softmax_v2": "softmax", "relu_v2": "relu", None: "linear"}

#: Options that are not taken from the file, because this module or Keras sets them.
_IGNORED_OPTIONS = frozenset(
    {"name", "dtype", "trainable", "seed", "noise_shape", "layer", "weights"}
)

#: Options that determine how many weights a layer has.
_SIZE_OPTIONS = ("units", "filters", "kernel_size", "depth_multiplier")


@dataclass(frozen=True)
class Network:
    """Keras network, and its layers in the order of the file.

    Attributes:
        model: The network.
        layers: For each layer, its configuration and the object of Keras.
        shapes: Shape of the first output of each layer.
    """

    model: Any
    layers: list[tuple[LayerConfig | NetworkConfig, Any]]
    shapes: list[tuple[int | None, ...]]


class Builder:
    """Builder of the networks and layers in one file.

    Args:
        version: Version of Keras that saved the file.
        num_values: Number of weights in the file, which an option such as `units` must not exceed.
    """

    def __init__(self, version: str, num_values: int) -> None:
        self._is_keras_1_or_2 = version.partition(".")[0] in ("", "1", "2")
        self._num_values = num_values

    def build(self, config: NetworkConfig, shapes: Mapping[str, tuple[int | None, ...]]) -> Network:
        """Build the network of `config`.

        Args:
            config: The configuration.
            shapes: Shape of each input without the batch axis, by the name of the input.

        Raises:
            ModelError: A layer is not connected, is too large, or has options that are not valid.
        """
        inputs = {name: keras.Input(shape) for name, shape in shapes.items()}
        tensors = {Reference(name, 0, 0): tensor for name, tensor in inputs.items()}
        layers = {name: self._make(node.layer) for name, node in config.nodes.items()}
        # Call each layer as soon as all its inputs exist.
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
                    f"The network has a layer {later[0][0][:80]!r} whose input is missing. Save "
                    "the model again."
                )
            waiting = later
        if missing := [each.layer for each in config.outputs if each not in tensors]:
            raise ModelError(
                f"The output of the network is the layer {missing[0][:80]!r}, which is missing in "
                "the file. Save the model again."
            )
        outputs = [tensors[reference] for reference in config.outputs]
        model = keras.Model(
            _unpack_single([inputs[name] for name in config.inputs]), _unpack_single(outputs)
        )
        model.trainable = config.trainable
        # Index of each layer's first call: 0, or 1 for some nested networks (see `_calls`).
        first_calls = {name: call for name, call, _ in reversed(list(_calls(config.nodes)))}
        first_outputs = [tensors[Reference(name, first_calls[name], 0)] for name in layers]
        pairs = [(config.nodes[name].layer, layer) for name, layer in layers.items()]
        return Network(model, pairs, [tuple(output.shape) for output in first_outputs])

    def _make(self, config: LayerConfig | NetworkConfig) -> Any:
        if isinstance(config, NetworkConfig):
            if None in config.input_shapes.values():
                raise ModelError(
                    f"The nested network {config.name[:80]!r} has an input of unknown size. Build "
                    "this network with an Input layer and save the model again."
                )
            shapes = {name: shape for name, shape in config.input_shapes.items() if shape}
            network = self.build(config, shapes)
            if config.is_sequential:
                # Keep the class Sequential: Keras finds weights in a .keras file by class names.
                layers = [layer for _, layer in network.layers]
                return keras.Sequential([*network.model.inputs, *layers])
            return network.model
        return self.make_layer(config)

    def make_layer(self, config: LayerConfig) -> Any:
        """Make the layer of `config` with weights that are all 0."""
        self._check_sizes(config)
        layer_class = getattr(keras.layers, config.kind)
        accepted = inspect.signature(layer_class.__init__).parameters
        options = {
            key: self._option(key, value)
            for key, value in config.options.items()
            if key in accepted and key not in _IGNORED_OPTIONS
        }
        # Do not compute random weights, because the weights in the file replace them later.
        options |= {key: "zeros" for key in accepted if key.endswith("_initializer")}
        if config.inner:
            options["layer"] = self.make_layer(config.inner)
        try:
            layer = layer_class(**options)
        except Exception as error:  # Keras may raise any exception for an option that is not valid
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"The network has a layer {config.name[:80]!r} whose options are not valid "
                f"({reason}). Save the model again."
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
                f"The network uses a custom activation, {str(value)[:80]!r}, whose code is not in "
                "the file. Use an activation of Keras and save the model again."
            )
        if name == "hard_sigmoid" and self._is_keras_1_or_2:
            return _old_hard_sigmoid
        return keras.activations.get(name)

    def _check_sizes(self, config: LayerConfig) -> None:
        for key in _SIZE_OPTIONS:
            for size in _integers(config.options.get(key)):
                if size > self._num_values:
                    raise ModelError(
                        f"The network has a layer {config.name[:80]!r} with {key} {size:,}, but "
                        f"the file has only {self._num_values:,} weights. Save the model again."
                    )


def _old_hard_sigmoid(x: Any) -> Any:
    """Return the `hard_sigmoid` of Keras 1 and 2, whose slope is 0.2 instead of 1/6."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def _call(name: str, layer: Any, tensors: list[Any]) -> list[Any]:
    try:
        result = layer(_unpack_single(tensors))
    except Exception as error:  # Keras may raise any exception for layers that do not fit together
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"The network has a layer {name[:80]!r} that cannot be built ({reason}). Check the "
            "layer's input shape and options in Keras, and save the model again."
        ) from error
    results = list(result) if isinstance(result, list | tuple) else [result]
    for each in results:
        if math.prod(size or 1 for size in each.shape[1:]) > MAX_VALUES:
            raise ModelError(
                f"The layer {name[:80]!r} has outputs of shape {tuple(each.shape[1:])}; expected "
                f"at most {MAX_VALUES:,} values. Serve a smaller network."
            )
    return results


def _calls(nodes: Mapping[str, Node]) -> Iterator[tuple[str, int, list[Reference]]]:
    """Yield each call of each layer: the layer's name, the index of the call, and its inputs.

    Usually the calls of a layer are counted from 0. In Keras 2 and 3, the calls of a nested network
    are counted from 1, because building the nested network counts as call 0. The index of the first
    call is computed from the number of calls and the highest call index that a reference contains.
    """
    highest: dict[str, int] = {}
    for node in nodes.values():
        for reference in (each for call in node.calls for each in call):
            highest[reference.layer] = max(highest.get(reference.layer, 0), reference.call)
    for name, node in nodes.items():
        first = max(0, highest.get(name, 0) - len(node.calls) + 1)
        for number, references in enumerate(node.calls):
            yield name, first + number, list(references)


def _unpack_single(items: list[Any]) -> Any:
    """Return the item of a list with one item. Return any other list itself."""
    return items[0] if len(items) == 1 else items


def _integers(value: Any) -> Iterator[int]:
    """Yield as integers the numbers in `value`, which is a number or a nested list."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield int(value)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _integers(each)
