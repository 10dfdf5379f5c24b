"""Loading and compilation of Keras models: the only module of the service that imports Keras.

On Keras's OpenVINO backend, the default, the network is compiled with settings for one worker
process of several. On any other backend (`KERAS_BACKEND=tensorflow`) Keras runs it.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
from collections.abc import Callable
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

# Keras reads this at its first import. OpenVINO makes TensorFlow unnecessary.
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "openvino"
# Stop TBB, which OpenVINO uses, from querying and resetting its thread's CPUs at every inference.
os.environ.setdefault("HWLOC_THISSYSTEM", "0")
# OpenVINO's openvino_telemetry reports each import to Google Analytics and keeps a client id under
# ~/intel. This entry makes its import fail, and OpenVINO then uses its own stub.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

# ruff: noqa: E402  after the settings above, which are read at import
import keras
from keras import layers

from dlflask.types import Outputs, Tensor

Forward = Callable[[Tensor], Outputs]

#: OpenVINO's defaults are for one process that owns the machine; these are for one of several.
OPENVINO_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    # Pinning puts every worker's thread on the same core.
    "ENABLE_CPU_PINNING": False,
    # The default on processors with bfloat16 rounds to 8 bits; outputs must equal TensorFlow's.
    "INFERENCE_PRECISION_HINT": "f32",
}

#: Layers that compute the same in both layouts once their axis is set.
_CONVERTIBLE = (
    *(layers.InputLayer, layers.Conv2D, layers.BatchNormalization, layers.ReLU, layers.Add),
    *(layers.Activation, layers.Dropout, layers.MaxPooling2D, layers.AveragePooling2D),
    *(layers.GlobalAveragePooling2D, layers.Flatten, layers.Dense),
)


def name_runtime() -> str:
    """Return the runtime and the kind of processor: `openvino 2026.4.1 on x86_64`."""
    backend = keras.backend.backend()
    return f"{backend} {metadata.version(backend)} on {platform.machine()}"


def load_model(path: Path) -> Any:
    """Load the Keras model in the file at `path`, without its optimizer."""
    return keras.models.load_model(path, compile=False)


def compile_model(model: Any) -> Forward:
    """Compile `model` into a function that may be called from several threads at once.

    The function owns threads of the runtime, which do not survive `fork`.

    Returns:
        Function from (N, *model.input_shape[1:]) float32 to (N, classes) float32. It raises
        MemoryError if OpenVINO runs out of memory.
    """
    if keras.backend.backend() != "openvino":
        forward: Forward = model.predict_on_batch
        return forward
    model = with_channels_first(model)
    shape = model.input_shape[1:]
    one, many = _compile(model, 1), _compile(model, -1)
    single, several = _Single(one), many.create_infer_request()
    # An infer request serves one thread at a time. Threads of a worker share one CPU: a request for
    # each thread would only push the others' buffers out of its caches.
    lock = threading.Lock()

    def forward_by_openvino(batch: Tensor) -> Outputs:
        # With one channel, both layouts hold the values in the same order.
        batch = batch.reshape(-1, *shape)
        with lock:
            try:
                if len(batch) == 1:
                    return single.run(batch)
                # Without share_outputs: it returns the request's own buffer, which is reused.
                return several.infer([batch])[0]
            except RuntimeError as error:
                # OpenVINO wraps C++ exceptions. The server replaces a worker after a MemoryError;
                # this one has to be replaced too: OpenVINO may crash in its next inference.
                if "std::bad_alloc" in str(error):
                    raise MemoryError("OpenVINO ran out of memory.") from error
                raise

    return forward_by_openvino


class _Single:
    """Inference of one image in buffers that are reused: 102 µs instead of 195 with new ones."""

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._input = self._request.get_input_tensor(0).data
        self._output = self._request.get_output_tensor(0).data

    def run(self, batch: Tensor) -> Outputs:
        self._input[...] = batch
        self._request.infer(share_outputs=True)
        return self._output.copy()


def _compile(model: Any, batch_size: int) -> Any:
    """Trace the Keras model into an OpenVINO graph and compile it; -1 is any batch size.

    Keras's own `model.export` fixes the batch size inside Flatten layers.
    """
    # Imported here, so that another backend does not load OpenVINO.
    import openvino  # noqa: PLC0415
    from keras.src.backend.openvino.core import OpenVINOKerasTensor  # noqa: PLC0415
    from openvino import opset16  # noqa: PLC0415

    parameter = opset16.parameter([batch_size, *model.input_shape[1:]], np.float32)
    output = model(OpenVINOKerasTensor(parameter.output(0)), training=False)
    graph = openvino.Model([opset16.result(output.output)], [parameter])
    return _core().compile_model(graph, "CPU", OPENVINO_SETTINGS)


@cache
def _core() -> Any:
    """Return the only `openvino.Core` of this process; never call this before the process forks.

    Each Core loads the CPU plugin, which sets the thread's stack for signal handlers and restores
    the previous one when it is unloaded. Two Cores, unloaded in the order in which they were made,
    restore a stack that is already freed: the next signal, such as SIGTERM, ends in SIGSEGV. The
    cache prevents a second Core and keeps this one for the life of the process.
    """
    import openvino  # noqa: PLC0415

    return openvino.Core()


def with_channels_first(model: Any) -> Any:
    """Rebuild a (N, 28, 28, 1) model as (N, 1, 28, 28), with the same weights.

    OpenVINO runs channels-first. A channels-last model makes it transpose around every layer, a
    quarter of the latency of one image.

    Returns:
        `model` itself if its input has another shape or it has a layer that is not supported.
    """
    if len(model.input_shape) != 4 or model.input_shape[-1] != 1:
        return model
    if not all(_is_convertible(layer) for layer in model.layers):
        return model
    _, height, width, channels = model.input_shape
    inputs = keras.Input((channels, height, width))
    converted = keras.models.clone_model(model, inputs, clone_function=_convert)
    converted.set_weights(model.get_weights())
    return converted


def _is_convertible(layer: Any) -> bool:
    # Dense and softmax work along the last axis, which then no longer holds the channels.
    uses_last_axis = isinstance(layer, layers.Dense) or (
        getattr(layer, "activation", None) is keras.activations.softmax
    )
    return isinstance(layer, _CONVERTIBLE) and not (uses_last_axis and len(layer.input.shape) > 2)


def _convert(layer: Any) -> Any:
    config = layer.get_config()
    if "data_format" in config:
        config["data_format"] = "channels_first"
    if isinstance(layer, layers.BatchNormalization) and len(layer.input.shape) == 4:
        config["axis"] = 1
    return layer.__class__.from_config(config)
