"""`mnist_model.h5` in, probabilities out. The only module that imports Keras and its runtime.

Keras loads the file. On its OpenVINO backend, the default, the network is compiled here, with
settings fit for a worker process; on any other backend (`KERAS_BACKEND=tensorflow`) Keras runs it.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import ModelError
from dlflask.explain import saliency
from dlflask.model_file import read_thresholds
from dlflask.prediction import Prediction
from dlflask.verdict import NOT_A_DIGIT, PLAIN

# Keras reads this once, when it is first imported. OpenVINO serves without TensorFlow installed.
os.environ.setdefault("KERAS_BACKEND", "openvino")

import keras

Tensors = NDArray[np.float32]
Forward = Callable[[Tensors], NDArray[np.float32]]

#: Ten digits, with or without "not a digit" behind them.
NUM_OUTPUTS = (NOT_A_DIGIT, NOT_A_DIGIT + 1)
SIZE = 28

#: How far the probabilities may sum from 1: float32 softmax stays well inside.
SUM_TOLERANCE = 1e-3

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


class Classifier:
    """A Keras digit classifier, loaded; compiled by `warm_up` or by the first prediction.

    Loading is safe before a process forks, compiling is not: the runtime owns threads, and they do
    not survive `fork`. Predictions may come from several threads at once.

    Attributes:
        sha256: Of the model file, in hexadecimal.
        thresholds: Of the verdict: those stored in the file, or `PLAIN`.
    """

    def __init__(self, path: Path) -> None:
        """Load the model at `path`.

        Raises:
            ModelError: The file is missing, is no Keras model, or does not map 784 pixels to ten
                or eleven classes.
        """
        self.sha256, self._model = _load(path)
        self.thresholds = read_thresholds(path) or PLAIN
        self._input_shape = _input_shape(self._model, path)
        self._forward: Forward | None = None
        self._lock = threading.Lock()

    @property
    def is_ready(self) -> bool:
        """Whether the network is compiled and has passed its self-test."""
        return self._forward is not None

    def warm_up(self) -> None:
        """Compile, run once, and check that what comes out are probabilities.

        Raises:
            ModelError: The outputs do not sum to 1.
        """
        with self._lock:
            if self._forward is None:
                forward = _compile(self._model)
                _self_test(forward(np.zeros((1, *self._input_shape), np.float32)))
                self._forward = forward

    def predict(self, tensor: Tensors) -> Prediction:
        """Classify one (28, 28) float32 tensor with values in 0..1, ink = 1."""
        return self.predict_many([tensor])[0]

    def predict_many(self, tensors: Sequence[Tensors]) -> list[Prediction]:
        """Classify (28, 28) tensors in one forward pass, in the order given."""
        if self._forward is None:
            self.warm_up()
        batch = np.stack(tensors).reshape(-1, *self._input_shape)
        assert self._forward is not None  # noqa: S101  told to the type checker; warm_up set it
        return [Prediction(row, self.thresholds) for row in self._forward(batch)]

    def explain(self, tensor: Tensors, prediction: Prediction) -> Tensors:
        """Where the ink is that `prediction` of `tensor` rests on: (28, 28) float32 in 0..1."""

        def probability(batch: Tensors) -> NDArray[np.float32]:
            outputs = [one.outputs[prediction.label] for one in self.predict_many(list(batch))]
            return np.array(outputs, np.float32)

        return saliency(probability, tensor)


def _load(path: Path) -> tuple[str, Any]:
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        # Serving needs no optimizer; a file saved with one loads all the same.
        return sha256, keras.models.load_model(path, compile=False)
    except FileNotFoundError as fault:
        raise ModelError(
            f"There is no model at {path}. Make one with `make train`, or name yours in "
            "DLFLASK_MODEL_PATH."
        ) from fault
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise ModelError(
            f"{path} cannot be loaded as a Keras model ({fault}). Restore the file, or make it "
            "again with `make train`."
        ) from fault


def _input_shape(model: Any, path: Path) -> tuple[int, ...]:
    inputs, outputs = model.input_shape, model.output_shape
    if not isinstance(inputs, tuple) or math.prod(inputs[1:]) != SIZE * SIZE:
        raise ModelError(f"{path} takes {inputs}; expected one input of 28 x 28 values.")
    if outputs not in [(None, number) for number in NUM_OUTPUTS]:
        raise ModelError(
            f"{path} gives {outputs}; expected ten probabilities, (None, 10), or (None, 11) with "
            "that of no digit behind them."
        )
    return inputs[1:]


def _self_test(probabilities: NDArray[np.float32]) -> None:
    total = float(probabilities.sum())
    if not abs(total - 1) < SUM_TOLERANCE:
        raise ModelError(
            f"The model's outputs sum to {total:.4f}; expected probabilities that sum to 1. "
            "End the network with a softmax."
        )


def _compile(model: Any) -> Forward:
    if keras.backend.backend() == "openvino":
        return _compile_by_openvino(model)
    forward: Forward = model.predict_on_batch
    return forward


def _compile_by_openvino(model: Any) -> Forward:
    """Trace the Keras model into an OpenVINO graph of any batch size, and compile that.

    `model.export` would do, were it not that it fixes the batch size inside Flatten layers.
    """
    # Only this backend has these; importing them on another would load it as well.
    import openvino  # noqa: PLC0415
    from keras.src.backend.openvino.core import OpenVINOKerasTensor  # noqa: PLC0415
    from openvino import opset16  # noqa: PLC0415

    parameter = opset16.parameter([-1, *model.input_shape[1:]], np.float32)
    output = model(OpenVINOKerasTensor(parameter.output(0)), training=False)
    graph = openvino.Model([opset16.result(output.output)], [parameter])
    compiled = openvino.Core().compile_model(graph, "CPU", OPENVINO_SETTINGS)
    # An infer request holds its own buffers and serves one thread at a time.
    own = threading.local()

    def forward(batch: Tensors) -> NDArray[np.float32]:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        # share_outputs would hand out the request's own buffer, which the next call overwrites.
        result: NDArray[np.float32] = own.request.infer([batch])[0]
        return result

    return forward
