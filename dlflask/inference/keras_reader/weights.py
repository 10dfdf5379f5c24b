"""Reading of weights into a Keras network, from files of every version of Keras."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import numpy as np
from keras.src.saving.saving_lib import H5IOStore, _load_state
from keras.src.utils.naming import to_snake_case
from numpy.typing import NDArray

from dlflask.errors import ModelError
from dlflask.inference.keras_reader.build import Network
from dlflask.inference.keras_reader.hdf5_file import read_names, read_values
from dlflask.inference.keras_reader.layer_config import LayerConfig

_SAVE_AGAIN = "Save the model again."

Values = NDArray[np.float32]

#: Gates of a layer LSTM or GRU, by the layer's number of arrays in the file. Keras 1 stores three
#: arrays for each gate: kernel, recurrent kernel and bias. Each tuple contains the indices of the
#: kernels, in the order of the gates in Keras 2 and later.
_GATES = {12: (0, 6, 3, 9), 9: (0, 3, 6)}


def load_weights(network: Network, group: Any, version: str, *, is_flipped: bool) -> None:
    """Read the weights of an `.h5` file into `network`.

    Args:
        network: The network, changed in place.
        group: HDF5 group that contains one group for each layer.
        version: Version of Keras that saved the file.
        is_flipped: True to turn each convolution's kernel by 180 degrees (see `needs_flip_test`).

    Raises:
        ModelError: The weights in the file do not fit the network.
    """
    stored = [(name, arrays) for name, arrays in _read_layers(group) if arrays]
    expected = [(config, layer) for config, layer in network.layers if layer.weights]
    if len(stored) != len(expected):
        raise ModelError(
            f"The file contains the weights of {len(stored)} layers, but the network has "
            f"{len(expected)} layers with weights. {_SAVE_AGAIN}"
        )
    for (name, arrays), (config, layer) in zip(stored, expected, strict=True):
        values = arrays
        if isinstance(config, LayerConfig):
            values = _convert(config, arrays, layer, is_old=_is_keras_1(version))
            if is_flipped and config.kind == "Conv2D":
                values = [values[0][::-1, ::-1], *values[1:]]
        targets = layer.trainable_weights + layer.non_trainable_weights
        shapes = [tuple(each.shape) for each in values]
        expected_shapes = [tuple(each.shape) for each in targets]
        if shapes != expected_shapes:
            raise ModelError(
                f"The weights of the layer {name[:80]!r} have the shapes {shapes}; expected the "
                f"shapes {expected_shapes}. {_SAVE_AGAIN}"
            )
        for target, value in zip(targets, values, strict=True):
            target.assign(np.ascontiguousarray(value))
    _finalize(network)


def load_archive(network: Network, file: io.BytesIO) -> None:
    """Read the weights of a `.keras` file into `network`.

    Args:
        network: The network, changed in place.
        file: The file `model.weights.h5` of the archive.

    Raises:
        ModelError: The weights in the file do not fit the network.
    """
    store = H5IOStore(file)
    counts: Counter[str] = Counter()
    for config, layer in network.layers:
        # Keras numbers the layers of each class in the file: dense, dense_1, dense_2.
        kind = to_snake_case(type(layer).__name__)
        number = f"_{counts[kind]}" if counts[kind] else ""
        counts[kind] += 1
        try:
            # This is Keras's own reader, which knows the layouts of all versions since 2.12.
            _load_state(layer, store, None, f"layers/{kind}{number}")
        except Exception as error:  # Keras may raise any exception for weights that do not fit
            reason = " ".join(str(error).split())[:200]
            raise ModelError(
                f"The weights of the layer {config.name[:80]!r} do not fit the layer ({reason}). "
                f"{_SAVE_AGAIN}"
            ) from error
    _finalize(network)


def _finalize(network: Network) -> None:
    """Let layers such as Normalization compute constants from their weights."""
    for _, layer in network.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def needs_flip_test(network: Network, version: str, backend: str) -> bool:
    """Return True if the file may contain kernels of Keras's former backend Theano.

    Theano turns each kernel by 180 degrees before it applies the kernel, so kernels from Theano
    have to be turned for other backends. A file of Keras 1 does not contain the name of the
    backend. The caller therefore tries the network with and without turning.
    """
    kernels = [
        layer.kernel_size
        for config, layer in network.layers
        if isinstance(config, LayerConfig) and config.kind == "Conv2D"
    ]
    may_be_theano = backend == "theano" or (not backend and _is_keras_1(version))
    return may_be_theano and any(max(size) > 1 for size in kernels)


def _is_keras_1(version: str) -> bool:
    return version.partition(".")[0] in ("", "1")


def _read_layers(group: Any) -> list[tuple[str, list[Values]]]:
    layers = []
    for name in read_names(group.attrs, "layer_names"):
        if name not in group:
            raise ModelError(f"The layer {name[:80]!r} lacks its weights. {_SAVE_AGAIN}")
        paths = read_names(group[name].attrs, "weight_names")
        if missing := [path for path in paths if path not in group[name]]:
            raise ModelError(f"The weights {missing[0][:80]!r} are missing. {_SAVE_AGAIN}")
        layers.append((name, [read_values(group[name][path]) for path in paths]))
    return layers


def _convert(
    config: LayerConfig, arrays: list[Values], layer: Any, *, is_old: bool
) -> list[Values]:
    if config.kind in ("LSTM", "GRU") and len(arrays) in _GATES:
        order = _GATES[len(arrays)]
        return [np.concatenate([arrays[gate + part] for gate in order], -1) for part in range(3)]
    if not is_old or not arrays:
        return arrays
    kernel, *rest = arrays
    if config.kind == "Conv2D" and config.options.get("data_format") == "channels_first":
        kernel = kernel.transpose(2, 3, 1, 0)
    elif config.kind == "Conv1D" and kernel.ndim == 4:
        # Theano stores (filters, inputs, length, 1), TensorFlow (length, 1, inputs, filters).
        is_theano = kernel.shape[3] == 1 and kernel.shape[0] == layer.filters
        kernel = kernel[..., 0].transpose(2, 1, 0) if is_theano else kernel[:, 0]
    return [kernel, *rest]
