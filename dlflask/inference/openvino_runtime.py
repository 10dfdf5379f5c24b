"""A Keras model in, a function from tensors to probabilities out. Only this module knows Keras.

On Keras's OpenVINO backend, the default, the network is compiled here, with settings fit for a
worker process; on any other backend (`KERAS_BACKEND=tensorflow`) Keras runs it.
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
from numpy.typing import NDArray

# Keras reads this once, when it is first imported. OpenVINO serves without TensorFlow installed.
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND") or "openvino"
# TBB, under OpenVINO, else asks for and sets its thread's CPUs at every call, to what they were.
os.environ.setdefault("HWLOC_THISSYSTEM", "0")
# OpenVINO's openvino_telemetry reports each import to Google Analytics and keeps a client id under
# ~/intel. This entry makes its import fail, and OpenVINO then uses its own stub.
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

# ruff: noqa: E402  after the settings above, which are read at import
import keras

from dlflask.inference.channels_first import with_channels_first

Tensors = NDArray[np.float32]
Forward = Callable[[Tensors], NDArray[np.float32]]

# OpenVINO's own defaults suit one process that owns the machine; these suit one worker of several.
OPENVINO_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    # Pinning would put every worker's thread on the same core.
    "ENABLE_CPU_PINNING": False,
    # On processors with bfloat16 the default rounds to 8 bits; the answer is to equal TensorFlow's.
    "INFERENCE_PRECISION_HINT": "f32",
}


def name_runtime() -> str:
    """What computes, on what kind of processor: `openvino 2026.4.1 on x86_64`."""
    backend = keras.backend.backend()
    return f"{backend} {metadata.version(backend)} on {platform.machine()}"


def load_model(path: Path) -> Any:
    """The Keras model in the file at `path`; of its optimizer, if it has one, no use is made."""
    return keras.models.load_model(path, compile=False)


def compile_model(model: Any) -> Forward:
    """Make ready to run: (N, *model.input_shape[1:]) float32 in, (N, classes) float32 out.

    The function may be called from several threads at once. It owns threads of the runtime, which
    do not survive `fork`.
    """
    if keras.backend.backend() != "openvino":
        forward: Forward = model.predict_on_batch
        return forward
    model = with_channels_first(model)
    shape = model.input_shape[1:]
    one, many = _compile(model, 1), _compile(model, -1)
    single, several = _Single(one), many.create_infer_request()
    # An infer request holds its own buffers and serves one thread at a time. A worker has one CPU:
    # threads that shared it, each with buffers of its own, would find theirs gone from the caches.
    turn = threading.Lock()

    def forward_by_openvino(batch: Tensors) -> NDArray[np.float32]:
        # One channel: its place among the axes moves no value.
        batch = batch.reshape(-1, *shape)
        with turn:
            if len(batch) == 1:
                return single.run(batch)
            # share_outputs would hand out the request's own buffer, which the next call overwrites.
            return several.infer([batch])[0]

    return forward_by_openvino


class _Single:
    """Runs one picture at a time in buffers that stay: 102 µs instead of 195 with new ones."""

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._input = self._request.get_input_tensor(0).data
        self._output = self._request.get_output_tensor(0).data

    def run(self, batch: Tensors) -> NDArray[np.float32]:
        self._input[...] = batch
        self._request.infer(share_outputs=True)
        return self._output.copy()


def _compile(model: Any, batch_size: int) -> Any:
    """Trace the Keras model into an OpenVINO graph and compile that; -1 takes any batch size.

    `model.export` would do, were it not that it fixes the batch size inside Flatten layers.
    """
    # Only this backend has these; importing them on another would load it as well.
    import openvino  # noqa: PLC0415
    from keras.src.backend.openvino.core import OpenVINOKerasTensor  # noqa: PLC0415
    from openvino import opset16  # noqa: PLC0415

    parameter = opset16.parameter([batch_size, *model.input_shape[1:]], np.float32)
    output = model(OpenVINOKerasTensor(parameter.output(0)), training=False)
    graph = openvino.Model([opset16.result(output.output)], [parameter])
    return _core().compile_model(graph, "CPU", OPENVINO_SETTINGS)


@cache
def _core() -> Any:
    """Return the one `openvino.Core` of this process; never call this before the process forks.

    Each Core loads the CPU plugin, which gives the thread a stack for signal handlers and, when it
    is unloaded, restores the previous one. With two Cores, unloaded in the order in which they were
    made, that is a stack already freed: the next signal, such as SIGTERM, ends in SIGSEGV. The
    cache keeps this Core and its plugin for the life of the process.
    """
    import openvino  # noqa: PLC0415

    return openvino.Core()
