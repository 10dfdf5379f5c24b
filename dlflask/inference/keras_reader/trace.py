"""Conversion of a model file to a graph of OpenVINO, by tracing the Keras network in the file.

Tracing runs the network on an input without values, and records each operation in the graph.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from keras.src.backend.openvino.core import OpenVINOKerasTensor
from openvino import opset16

from dlflask.errors import ModelError
from dlflask.inference.adaptation import CONVENTIONS, TINY, Adaptation
from dlflask.inference.keras_reader.read import read_digits, read_model
from dlflask.inference.keras_reader.saved_model import SavedModel
from dlflask.inference.keras_reader.transposes import remove_transposes
from dlflask.inference.model_graph import ModelGraph
from dlflask.inference.openvino_runtime import OPENVINO_SETTINGS
from dlflask.types import SIZE, Outputs, Tensor


def convert(saved: SavedModel, samples: bytes, count: int) -> ModelGraph:
    """Convert the model in a file to a graph.

    Args:
        saved: The file.
        samples: Sample digits, as the bytes of `count` images of 28 x 28 float32 in 0..1.
        count: Number of samples. If 0, the graph has the inputs and outputs of the network.
            Otherwise, the graph takes tensors of 784 values in 0..1 and returns the
            probabilities of the digits.
    """
    description = None
    if count:
        digits = np.frombuffer(samples, np.float32).reshape(count, SIZE, SIZE)
        found = read_digits(saved, digits, run)
        graph = trace(found.model, found.adaptation)
        description = found.description
    else:
        graph = trace(read_model(saved)[1].model)
    xml, weights = serialize(graph)
    shape = tuple(
        size.get_length() if size.is_static else -1
        for size in list(graph.input().partial_shape)[1:]
    )
    return ModelGraph(
        xml,
        weights,
        shape,
        description,
        saved.thresholds,
        saved.golden,
        saved.number_network,
    )


def trace(model: Any, adaptation: Adaptation | None = None) -> Any:
    """Trace `model` into a graph for any number of images.

    Keras's own `model.export` is not used, because it makes the batch size a constant in Flatten.

    Args:
        model: The network.
        adaptation: With an adaptation, the graph takes tensors of 784 values in 0..1 and returns
            probabilities. With None, the graph has the inputs and outputs of the network.

    Raises:
        ModelError: OpenVINO does not support a layer.
    """
    shape = [-1 if size is None else size for size in model.input_shape[1:]]
    if adaptation is None or adaptation.is_reshape:
        parameter = opset16.parameter([-1, *shape], np.float32)
        prepared = parameter.output(0)
    else:
        parameter = opset16.parameter([-1, SIZE, SIZE], np.float32)
        prepared = _prepare(parameter, adaptation)
    try:
        output = model(OpenVINOKerasTensor(prepared), training=False).output
    except Exception as error:  # tracing a layer may raise any exception
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"The network has a layer that OpenVINO does not support ({reason}). Replace that "
            "layer, or set KERAS_BACKEND=tensorflow where TensorFlow is installed."
        ) from error
    if adaptation:
        output = _finish(output, adaptation)
    graph = openvino.Model([opset16.result(output)], [parameter])
    remove_transposes(graph)
    return graph


def run(model: Any) -> Callable[[Tensor], Outputs]:
    """Return a function that runs `model` on a batch, without an adaptation."""
    compiled = openvino.Core().compile_model(trace(model), "CPU", OPENVINO_SETTINGS)
    request = compiled.create_infer_request()

    def forward(batch: Tensor) -> Outputs:
        return request.infer([batch])[0]

    return forward


def serialize(graph: Any) -> tuple[bytes, bytes]:
    """Return the structure of `graph` as XML, and its constants as bytes."""
    # OpenVINO can write only to files that have a name.
    with tempfile.TemporaryDirectory() as folder:
        xml, weights = Path(folder, "graph.xml"), Path(folder, "graph.bin")
        if sys.platform == "linux":
            # Keep the files in memory, because the temporary folder of a container may have room
            # for only a few megabytes.
            for path in (xml, weights):
                path.symlink_to(f"/proc/self/fd/{os.memfd_create(path.name)}")
        openvino.serialize(graph, xml, weights)
        return xml.read_bytes(), weights.read_bytes()


def _prepare(parameter: Any, adaptation: Adaptation) -> Any:
    """Add the nodes that compute `Adaptation.prepare`."""
    scale, offset = (np.float32(each) for each in CONVENTIONS[adaptation.convention])
    node = parameter
    if margin := adaptation.padding:
        sides = np.array([0, margin, margin])
        node = opset16.pad(node, sides, sides, "constant", np.float32(0))
    if scale != 1:
        node = opset16.multiply(node, scale)
    if offset:
        node = opset16.add(node, offset)
    if 3 in adaptation.shape:
        axis = 1 if adaptation.shape[0] == 3 else 3
        node = opset16.concat([opset16.unsqueeze(node, np.array([axis]))] * 3, axis)
    # The 0 in the shape keeps the size of the batch.
    return opset16.reshape(node, np.array([0, *adaptation.shape]), special_zero=True).output(0)


def _finish(output: Any, adaptation: Adaptation) -> Any:
    """Add the nodes that compute `Adaptation.finish`."""
    if len(output.partial_shape) != 2:
        flat = np.array([0, -1])
        output = opset16.reshape(output, flat, special_zero=True).output(0)
    if adaptation.outputs == "logits":
        return opset16.softmax(output, 1).output(0)
    if adaptation.outputs == "sigmoids":
        output = opset16.add(output, np.float32(TINY))
        total = opset16.reduce_sum(output, np.array([1]), keep_dims=True)
        return opset16.divide(output, total).output(0)
    return output
