"""`mnist_model.h5` in, probabilities out."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS, NOT_A_DIGIT, Thresholds
from dlflask.errors import ModelError
from dlflask.inference.model_file import Golden, check_format, read_golden, read_thresholds, reason
from dlflask.inference.openvino_runtime import (
    Forward,
    Tensors,
    compile_model,
    load_model,
    name_runtime,
)
from dlflask.inference.saliency import saliency
from dlflask.types import SIZE

#: Ten digits, with or without "not a digit" behind them.
NUM_OUTPUTS = (NOT_A_DIGIT, NOT_A_DIGIT + 1)

#: How far the probabilities may sum from 1: float32 softmax stays well inside.
SUM_TOLERANCE = 1e-3

#: How far an output may lie from the one stored with the model: processors and runtimes round
#: differently, by some 1e-6 in float32.
GOLDEN_TOLERANCE = 1e-3


class Classifier:
    """A Keras digit classifier, loaded; compiled by `warm_up` or by the first prediction.

    Loading is safe before a process forks, compiling is not: the runtime owns threads, and they do
    not survive `fork`. Predictions may come from several threads at once.

    Attributes:
        sha256: Of the model file, in hexadecimal.
        runtime: What computes, on what kind of processor: `openvino 2026.4.1 on x86_64`.
        thresholds: Of the verdict: those stored in the file, or `DEFAULT_THRESHOLDS`.
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
        """Whether the network is compiled and has passed its self-test."""
        return self._forward is not None

    def warm_up(self) -> None:
        """Compile, run once, and check that what comes out is what should.

        Raises:
            ModelError: The network cannot be compiled, its outputs do not sum to 1, or it does not
                say of the golden digits in its file what it said where it was made.
        """
        with self._lock:
            if self._forward is None:
                try:
                    forward = compile_model(self._model)
                except (
                    Exception
                ) as error:  # Keras traces the file's layers, which may raise anything
                    raise ModelError(
                        f"The network cannot be compiled here ({reason(error)})."
                    ) from error
                _self_test(forward(np.zeros((1, *self._input_shape), np.float32)))
                if self._golden is not None:
                    _compare(forward, self._golden, self._input_shape)
                self._forward = forward

    def predict(self, tensor: Tensors) -> Prediction:
        """Classify one (28, 28) float32 tensor with values in 0..1, ink = 1."""
        return self._predict(tensor)[0]

    def predict_many(self, tensors: Sequence[Tensors]) -> list[Prediction]:
        """Classify (28, 28) tensors in one forward pass, in the order given."""
        # One image is the common case, and stacking it would copy it.
        return self._predict(tensors[0] if len(tensors) == 1 else np.stack(tensors))

    def _predict(self, tensors: Tensors) -> list[Prediction]:
        if self._forward is None:
            self.warm_up()
        assert self._forward is not None  # noqa: S101  told to the type checker; warm_up set it
        outputs = self._forward(tensors.reshape(-1, *self._input_shape))
        return [Prediction(row, self.thresholds) for row in outputs]

    def explain(self, tensor: Tensors, prediction: Prediction) -> Tensors:
        """Where the ink is that `prediction` of `tensor` rests on: (28, 28) float32 in 0..1."""

        def probability(batch: Tensors) -> NDArray[np.float32]:
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
            f"There is no model at {path}. Make one with `make train`, or name yours in "
            "DLFLASK_MODEL_PATH."
        ) from error
    except ModelError:
        raise
    except Exception as error:  # a damaged or hostile file makes Keras raise anything
        raise ModelError(
            f"{path} cannot be loaded as a Keras model ({reason(error)}). Restore the file, or "
            "make it again with `make train`."
        ) from error


def _input_shape(model: Any, path: Path) -> tuple[int, ...]:
    # Keras also loads a file that holds a single layer, which has no shapes.
    inputs, outputs = getattr(model, "input_shape", None), getattr(model, "output_shape", None)
    if not isinstance(inputs, tuple) or None in inputs[1:] or math.prod(inputs[1:]) != SIZE * SIZE:
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


def _compare(forward: Forward, golden: Golden, input_shape: tuple[int, ...]) -> None:
    batch = golden.digits.reshape(-1, *input_shape).astype(np.float32) / np.float32(255)
    outputs = forward(batch)
    if outputs.shape != golden.outputs.shape:
        raise ModelError(
            f"The golden digits are stored with outputs of shape {golden.outputs.shape}; the "
            f"network gives {outputs.shape}. Make the model again with `make train`."
        )
    difference = float(np.abs(outputs - golden.outputs).max())
    if not difference < GOLDEN_TOLERANCE:
        raise ModelError(
            f"The network's outputs for its golden digits are off by {difference:.4f}; expected "
            f"less than {GOLDEN_TOLERANCE}. The model file is damaged, or the runtime computes "
            "wrongly on this processor: restore the file, or try KERAS_BACKEND=tensorflow."
        )
