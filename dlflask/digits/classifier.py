"""Digit classifier: a Keras model file, checked when it is loaded and tested when compiled."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS, NOT_A_DIGIT, Thresholds
from dlflask.errors import ModelError
from dlflask.inference.model_file import Golden, check_format, read_golden, read_thresholds, reason
from dlflask.inference.openvino_runtime import Forward, compile_model, load_model, name_runtime
from dlflask.inference.saliency import saliency
from dlflask.types import SIZE, Outputs, Tensor

#: Accepted numbers of outputs: ten digits, with or without "not a digit".
NUM_OUTPUTS = (NOT_A_DIGIT, NOT_A_DIGIT + 1)

#: Largest deviation of the outputs' sum from 1; that of a float32 softmax is far smaller.
SUM_TOLERANCE = 1e-3

#: Largest deviation of an output from the one stored with the model. Rounding differs by about 1e-6
#: between processors and runtimes.
GOLDEN_TOLERANCE = 1e-3


class Classifier:
    """Loaded digit classifier, compiled by `warm_up` or by the first prediction.

    A process may fork after loading but not after compiling: the runtime owns threads, which do not
    survive `fork`. Several threads may predict at once.

    Attributes:
        sha256: SHA-256 of the model file, in hexadecimal.
        runtime: Runtime and kind of processor: `openvino 2026.4.1 on x86_64`.
        thresholds: Thresholds of the verdict: those in the file, or `DEFAULT_THRESHOLDS`.
    """

    def __init__(self, path: Path) -> None:
        """Load the model at `path`.

        Raises:
            ModelError: The file is missing, is not a Keras model, does not map 784 pixels to ten or
                eleven classes, or holds thresholds or golden digits that are not valid.
        """
        self.sha256, self._model = _load(path)
        self.runtime = name_runtime()
        stored = read_thresholds(path)
        self.thresholds = DEFAULT_THRESHOLDS if stored is None else Thresholds.from_json(stored)
        self._golden = read_golden(path)
        self._input_shape = _input_shape(self._model, path)
        self._forward: Forward | None = None
        self._lock = threading.Lock()

    @property
    def is_ready(self) -> bool:
        """True if the network is compiled and has passed its self-test."""
        return self._forward is not None

    def warm_up(self) -> None:
        """Compile the network, run it once and check its outputs.

        Raises:
            ModelError: The network cannot be compiled, its outputs do not sum to 1, or its outputs
                for the golden digits differ from those stored in the file.
        """
        with self._lock:
            if self._forward is None:
                forward = _compile(self._model)
                _self_test(forward(np.zeros((1, *self._input_shape), np.float32)))
                if self._golden is not None:
                    _compare(forward, self._golden, self._input_shape)
                self._forward = forward

    def predict(self, tensor: Tensor) -> Prediction:
        """Classify one (28, 28) float32 tensor with values in 0..1, ink = 1."""
        return self._predict(tensor)[0]

    def predict_many(self, tensors: Sequence[Tensor]) -> list[Prediction]:
        """Classify (28, 28) tensors in one forward pass, in the order given."""
        # Stacking would copy a single image, which is the common case.
        return self._predict(tensors[0] if len(tensors) == 1 else np.stack(tensors))

    def _predict(self, tensors: Tensor) -> list[Prediction]:
        if self._forward is None:
            self.warm_up()
        assert self._forward is not None  # noqa: S101  for mypy; warm_up sets it
        outputs = self._forward(tensors.reshape(-1, *self._input_shape))
        return [Prediction(row, self.thresholds) for row in outputs]

    def explain(self, tensor: Tensor, prediction: Prediction) -> Tensor:
        """Return the saliency of each pixel of `tensor` for `prediction`, (28, 28) in 0..1."""

        def probability(batch: Tensor) -> Outputs:
            outputs = [one.outputs[prediction.label] for one in self.predict_many(list(batch))]
            return np.array(outputs, np.float32)

        return saliency(probability, tensor)


def _load(path: Path) -> tuple[str, Any]:
    try:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        check_format(path)
        return sha256, load_model(path)
    except FileNotFoundError as error:
        raise ModelError(
            f"The model file {path} does not exist. Make it with `make train`, or set "
            "DLFLASK_MODEL_PATH to the path of another."
        ) from error
    except ModelError:
        raise
    except Exception as error:  # Keras may raise anything for a damaged or hostile file
        raise ModelError(
            f"{path} cannot be loaded as a Keras model ({reason(error)}). Restore the file, or "
            "make it again with `make train`."
        ) from error


def _compile(model: Any) -> Forward:
    try:
        return compile_model(model)
    except Exception as error:  # tracing the file's layers may raise anything
        raise ModelError(
            f"The network cannot be compiled ({reason(error)}). Make the model again with "
            "`make train`, or try KERAS_BACKEND=tensorflow."
        ) from error


def _input_shape(model: Any, path: Path) -> tuple[int, ...]:
    # Keras also loads a file of a single layer, which does not have these attributes.
    inputs, outputs = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if not isinstance(inputs, tuple) or None in inputs[1:] or math.prod(inputs[1:]) != SIZE * SIZE:
        raise ModelError(f"{path} has inputs {inputs}; expected one input of 28 x 28 values.")
    if outputs not in [(None, number) for number in NUM_OUTPUTS]:
        raise ModelError(
            f"{path} has outputs {outputs}; expected ten probabilities, (None, 10), or (None, 11) "
            "with that of no digit as the last."
        )
    return inputs[1:]


def _self_test(probabilities: Outputs) -> None:
    total = float(probabilities.sum())
    if not abs(total - 1) < SUM_TOLERANCE:
        raise ModelError(
            f"The model's outputs sum to {total:.4f}; expected probabilities that sum to 1. "
            "End the network with a softmax."
        )


def _compare(forward: Forward, golden: Golden, input_shape: tuple[int, ...]) -> None:
    batch = golden.digits.reshape(-1, *input_shape).astype(np.float32) / np.float32(255)
    outputs = forward(batch)
    if outputs.shape != golden.outputs.shape:
        raise ModelError(
            f"The golden digits are stored with outputs of shape {golden.outputs.shape}; the "
            f"network returns {outputs.shape}. Make the model again with `make train`."
        )
    difference = float(np.abs(outputs - golden.outputs).max())
    if not difference < GOLDEN_TOLERANCE:
        raise ModelError(
            f"The network's outputs for its golden digits differ by {difference:.4f} from those in "
            f"the file; expected less than {GOLDEN_TOLERANCE}. Either the file is damaged or the "
            "runtime computes wrongly on this processor: restore the file, or try "
            "KERAS_BACKEND=tensorflow."
        )
