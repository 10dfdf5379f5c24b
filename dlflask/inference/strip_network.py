"""Networks whose input may have any width, compiled by OpenVINO or run by another Keras backend."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from dlflask.inference.openvino_runtime import (
    OPENVINO_SETTINGS,
    Forward,
    _core,
    load_model,
    name_runtime,
    with_channels_first,
)
from dlflask.types import Outputs, Tensor


def load_strip_network(path: Path) -> Any:
    """Load the Keras model in the file at `path`."""
    return load_model(path)


def compile_strip_network(model: Any) -> Forward:
    """Compile `model` into a function that may be called from several threads at once.

    As by `openvino_runtime.compile_model`, but for one strip of any width at a time. OpenVINO
    prepares its kernels for each width that it has not seen yet; callers should use few of them.

    Returns:
        Function from (1, H, W, 1) float32 to (1, T, classes) float32. It raises MemoryError if
        OpenVINO runs out of memory.
    """
    if not name_runtime().startswith("openvino"):
        forward: Forward = model.predict_on_batch
        return forward
    compiled = _trace(model)
    # With one channel, both layouts hold the values in the same order.
    is_channels_first = compiled.input(0).partial_shape[1] == 1
    request, lock = compiled.create_infer_request(), threading.Lock()

    def forward_by_openvino(strip: Tensor) -> Outputs:
        height, width = strip.shape[1:3]
        reshaped = (1, 1, height, width) if is_channels_first else strip.shape
        with lock:
            try:
                return request.infer([strip.reshape(reshaped)])[0]
            except RuntimeError as error:
                if "std::bad_alloc" in str(error):
                    raise MemoryError("OpenVINO ran out of memory.") from error
                raise

    return forward_by_openvino


def _trace(model: Any) -> Any:
    # Imported here, so that another backend does not load OpenVINO.
    import openvino  # noqa: PLC0415
    from keras.src.backend.openvino.core import OpenVINOKerasTensor  # noqa: PLC0415
    from openvino import opset16  # noqa: PLC0415

    model = with_channels_first(model)
    shape = [1, *(-1 if side is None else side for side in model.input_shape[1:])]
    parameter = opset16.parameter(shape, np.float32)
    output = model(OpenVINOKerasTensor(parameter.output(0)), training=False)
    graph = openvino.Model([opset16.result(output.output)], [parameter])
    return _core().compile_model(graph, "CPU", OPENVINO_SETTINGS)
