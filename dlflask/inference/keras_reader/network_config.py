"""Configuration of a network, in one notation for files of every version of Keras.

Keras has saved networks in four notations since 2015. This module translates all of them to one
notation: the layers, and the inputs of each layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from dlflask.errors import ModelError
from dlflask.inference.keras_reader.layer_config import LayerConfig, read_layer

#: Class names of networks. Keras 2.4 renamed `Model` to `Functional`.
_SEQUENTIAL, _FUNCTIONAL = "Sequential", ("Model", "Functional")

#: Names of the option that contains the shape of an input. Keras 3 renamed it.
_SHAPE_NAMES = ("batch_shape", "batch_input_shape")

#: Maximum number of levels of networks inside networks.
_MAX_DEPTH = 8


class Reference(NamedTuple):
    """Reference to an output of a layer: the layer's name, index of the call, index of the output.

    A network may call (use) a layer several times.
    """

    layer: str
    call: int
    output: int


@dataclass(frozen=True)
class Node:
    """Layer or nested network, with the inputs of each of its calls."""

    layer: LayerConfig | NetworkConfig
    calls: Sequence[Sequence[Reference]]


@dataclass(frozen=True)
class NetworkConfig:
    """Network of layers.

    Attributes:
        name: Name of the network.
        input_shapes: Shape of each input without the batch axis, by the name of its input layer.
            A shape is None if the file does not contain it.
        nodes: All layers except the input layers, by name.
        inputs: Names of the input layers, in order.
        outputs: Outputs of the network.
        trainable: False if training does not change the weights.
        is_sequential: True for a chain of layers.
    """

    name: str
    input_shapes: dict[str, tuple[int | None, ...] | None]
    nodes: dict[str, Node]
    inputs: Sequence[str]
    outputs: Sequence[Reference]
    trainable: bool = True
    is_sequential: bool = False


def read_network(config: Any, version: str, depth: int = 0) -> NetworkConfig:
    """Read the configuration of a network that Keras `version` saved.

    Raises:
        ModelError: The configuration does not describe a network, networks are nested too deeply,
            or a layer is not supported.
    """
    if not isinstance(config, dict):
        raise ModelError(
            f"The file has the configuration {str(config)[:60]!r}; expected a JSON object with the "
            "layers of a network. Save the model again with `model.save`."
        )
    if depth > _MAX_DEPTH:
        raise ModelError(
            f"The file exceeds the limit of {_MAX_DEPTH} levels of nested networks. Build the "
            "network with fewer levels and save it again."
        )
    kind, body = config.get("class_name"), config.get("config")
    if kind == _SEQUENTIAL and isinstance(body, list):  # notation of Keras up to 2.2.2
        return _sequential({"layers": body}, version, depth)
    if kind == _SEQUENTIAL and isinstance(body, dict) and "layers" in body:
        return _sequential(body, version, depth)
    if kind in _FUNCTIONAL and isinstance(body, dict) and "layers" in body:
        return _functional(body, version, depth)
    raise ModelError(
        f"The file contains a {str(kind)[:80]!r}, which is a single layer or a custom class; "
        "expected a network. Save a keras.Sequential or a keras.Model."
    )


def _sequential(body: dict[str, Any], version: str, depth: int) -> NetworkConfig:
    layers = list(body["layers"])
    if not layers:
        raise ModelError("The network does not have layers. Add layers and save the model again.")
    first = layers[0].get("config") if isinstance(layers[0], dict) else None
    shape = _shape(first) or _shape({"batch_shape": body.get("build_input_shape")})
    if layers[0]["class_name"] == "InputLayer":
        layers = layers[1:]
    nodes: dict[str, Node] = {}
    name = "input"
    last = Reference(name, 0, 0)
    for number, layer in enumerate(layers):
        inner = _read_one(layer, version, depth)
        if isinstance(inner, NetworkConfig) and number == 0 and not shape:
            shape = inner.input_shapes[inner.inputs[0]]
        # In files of Keras 1, some layers lack a name.
        key = inner.name or f"layer_{number}"
        if key in nodes or key == name:
            key = f"{key}/{number}"
        nodes[key] = Node(inner, [[last]])
        last = Reference(key, 0, 0)
    trainable = body.get("trainable", True) is not False
    return NetworkConfig(
        str(body.get("name", "")),
        {name: shape},
        nodes,
        [name],
        [last],
        trainable,
        is_sequential=True,
    )


def _functional(body: dict[str, Any], version: str, depth: int) -> NetworkConfig:
    shapes: dict[str, tuple[int | None, ...] | None] = {}
    nodes: dict[str, Node] = {}
    for layer in body["layers"]:
        options = layer["config"]
        name = layer.get("name") or options["name"]
        if layer["class_name"] == "InputLayer":
            shapes[name] = _shape(options)
            continue
        calls = [list(_references(call)) for call in layer.get("inbound_nodes", ())]
        nodes[name] = Node(_read_one(layer, version, depth), calls)
    inputs = [reference.layer for reference in _references(body["input_layers"])]
    outputs = list(_references(body["output_layers"]))
    trainable = body.get("trainable", True) is not False
    return NetworkConfig(str(body.get("name", "")), shapes, nodes, inputs, outputs, trainable)


def _read_one(layer: dict[str, Any], version: str, depth: int) -> LayerConfig | NetworkConfig:
    if layer["class_name"] in (_SEQUENTIAL, *_FUNCTIONAL):
        return read_network(layer, version, depth + 1)
    return read_layer(layer, version)


def _shape(options: Any) -> tuple[int | None, ...] | None:
    """Return a layer's input shape from its options, without the batch axis, None if missing."""
    if not isinstance(options, dict):
        return None
    for name in _SHAPE_NAMES:
        if isinstance(shape := options.get(name), list) and len(shape) > 1:
            return tuple(shape[1:])
    if options.get("input_dim"):  # Keras 1
        return (int(options["input_dim"]),)
    return None


def _references(nested: Any) -> Iterator[Reference]:
    """Yield the references in `nested`, a value in the notation of Keras 1 and 2 or of Keras 3."""
    if isinstance(nested, dict):
        if nested.get("class_name") == "__keras_tensor__":
            layer, call, output = nested["config"]["keras_history"]
            yield Reference(str(layer), int(call), int(output))
            return
        for value in nested.values():
            yield from _references(value)
    elif isinstance(nested, list | tuple):
        if len(nested) >= 3 and isinstance(nested[0], str) and isinstance(nested[1], int):
            yield Reference(nested[0], nested[1], int(nested[2]))
            # In Keras 2, the next item contains arguments of the call, perhaps with references.
            for value in nested[3:]:
                yield from _references(value)
            return
        for value in nested:
            yield from _references(value)
