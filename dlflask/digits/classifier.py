"""Digit classifier, which loads a Keras model file, compiles its network and tests the network."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dlflask.config import ROOT
from dlflask.digits.normalization import PREPROCESSING, read_tensor
from dlflask.digits.prediction import Prediction
from dlflask.digits.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dlflask.errors import ImageError, ModelError
from dlflask.inference.description import ModelDescription
from dlflask.inference.environment import DEFAULT_BACKEND, backend
from dlflask.inference.load_graph import load_graph
from dlflask.inference.model_graph import Golden, ModelGraph
from dlflask.inference.openvino_runtime import (
    Forward,
    compile_graph,
    import_runtime,
    name_runtime,
)
from dlflask.inference.saliency import saliency
from dlflask.types import SIZE, SUM_TOLERANCE, Outputs, Tensor

#: Image files with one sample of each digit. `load_graph` uses these samples to find the range of
#: input values that a network expects.
SAMPLES = tuple(ROOT / "static" / "samples" / f"{digit}.png" for digit in range(10))

#: Limit of the difference between the network's outputs for the golden digits and the outputs in
#: the model file. Golden digits are test images that the model file contains together with their
#: outputs. Between processors and runtimes, rounding differs by about 1e-6.
GOLDEN_TOLERANCE = 1e-3


class Classifier:
    """Loaded digit classifier. `warm_up` or the first prediction compiles the network.

    A process may fork after loading, but not after compiling, because the runtime's threads do not
    survive `fork`. Several threads may predict at once.

    Attributes:
        sha256: SHA-256 of the model file, in hexadecimal.
        description: Facts about the model file.
        runtime: Runtime, version and kind of processor, such as `openvino 2026.4.1 on x86_64`.
        thresholds: Thresholds of the verdict. `DEFAULT_THRESHOLDS` if the file has none.
    """

    def __init__(self, path: Path, cache: Path | None = None) -> None:
        """Load the model at `path`.

        Args:
            path: An `.h5` or `.keras` file, which is not changed.
            cache: Folder in which converted and compiled networks are kept. It may be missing or
                read-only. None keeps nothing.

        Raises:
            ModelError: The file is missing, is not a Keras model, does not map an image to ten or
                eleven classes, or holds thresholds or golden digits that are not valid.
        """
        self._cache = cache
        self._forward: Forward | None = None
        self._keras_forward: Forward | None = None
        if backend() == DEFAULT_BACKEND:
            self.sha256, self._graph = load_graph(path, read_samples, cache, identify_samples())
            import_runtime()
        else:
            # Import Keras only if it runs the network in this process.
            from dlflask.inference.keras_runtime import load_forward  # noqa: PLC0415

            self.sha256, self._graph, self._keras_forward = load_forward(path, read_samples)
        self.runtime = name_runtime()
        self.description: ModelDescription = _description(self._graph)
        stored = self._graph.thresholds
        self.thresholds = DEFAULT_THRESHOLDS if stored is None else Thresholds.from_json(stored)
        self._lock = threading.Lock()

    @property
    def is_ready(self) -> bool:
        """True if the network is compiled and has passed its self-test."""
        return self._forward is not None

    def warm_up(self) -> None:
        """Compile the network, run it and check its outputs.

        Raises:
            ModelError: The network cannot be compiled, its outputs do not sum to 1, or its outputs
                for the golden digits differ from the outputs stored in the file.
        """
        with self._lock:
            if self._forward is None:
                forward = self._keras_forward or _compile(self._graph, self._cache)
                _self_test(forward(np.zeros((1, SIZE, SIZE), np.float32)))
                if self._graph.golden is not None:
                    _compare(forward, self._graph.golden)
                self._forward = forward

    def predict(self, tensor: Tensor) -> Prediction:
        """Classify one (28, 28) float32 tensor with values in 0..1, ink = 1."""
        return self._predict(tensor)[0]

    def predict_many(self, tensors: Sequence[Tensor]) -> list[Prediction]:
        """Classify (28, 28) tensors in one forward pass, in the order given."""
        # Usually there is only one tensor. Stacking would copy it without need.
        return self._predict(tensors[0] if len(tensors) == 1 else np.stack(tensors))

    def _predict(self, tensors: Tensor) -> list[Prediction]:
        if self._forward is None:
            self.warm_up()
        assert self._forward is not None  # noqa: S101  for mypy; warm_up sets it
        outputs = self._forward(tensors.reshape(-1, SIZE, SIZE))
        return [Prediction(row, self.thresholds) for row in outputs]

    def explain(self, tensor: Tensor, prediction: Prediction) -> Tensor:
        """Return the saliency of each pixel of `tensor` for `prediction`, (28, 28) in 0..1."""

        def probability(batch: Tensor) -> Outputs:
            outputs = [each.outputs[prediction.label] for each in self.predict_many(list(batch))]
            return np.array(outputs, np.float32)

        return saliency(probability, tensor)


def read_samples(samples: Sequence[Path] = SAMPLES) -> Tensor:
    """Return the normalised sample digits 0 to 9 as a (10, 28, 28) tensor.

    Raises:
        ModelError: A file is missing, unreadable or not an image of a digit.
    """
    return np.stack([_read_sample(path) for path in samples])


def _read_sample(path: Path) -> Tensor:
    try:
        return read_tensor(path.read_bytes())
    except (OSError, ImageError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ModelError(
            f"The sample digit {path} cannot be read ({reason}). The service needs it to find out "
            "which input values, such as 0..1 or 0..255, a model expects. Restore the file."
        ) from error


def identify_samples(samples: Sequence[Path] = SAMPLES) -> str:
    """Return a digest that changes when a sample file or the preprocessing changes."""
    digest = hashlib.sha256(PREPROCESSING.encode())
    for path in samples:
        # `read_samples` reports a missing file later.
        content = path.read_bytes() if path.is_file() else b""
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _description(graph: ModelGraph) -> ModelDescription:
    if graph.description is None:
        raise ModelError(
            "The cached graph lacks the description of a digit model. Empty the cache's folder."
        )
    return graph.description


def _compile(graph: ModelGraph, cache: Path | None) -> Forward:
    try:
        return compile_graph(graph, cache)
    except Exception as error:  # OpenVINO may raise any exception for layers of an unknown file
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"The network cannot be compiled ({reason}). Serve another network, or try "
            "KERAS_BACKEND=tensorflow."
        ) from error


def _self_test(probabilities: Outputs) -> None:
    total = float(probabilities.sum())
    if not abs(total - 1) < SUM_TOLERANCE:
        raise ModelError(
            f"The model's outputs sum to {total:.4f}; expected probabilities that sum to 1. "
            "Some weights of the network may be infinite or NaN. Train the network again."
        )


def _compare(forward: Forward, golden: Golden) -> None:
    batch = golden.digits.astype(np.float32) / np.float32(255)
    outputs = forward(batch)
    if outputs.shape != golden.outputs.shape:
        raise ModelError(
            f"The model file contains outputs of shape {golden.outputs.shape} for its golden "
            "digits (test images), but the network returns outputs of shape "
            f"{outputs.shape}. Store the golden digits and their outputs again with `python -m "
            "dlflask.train.golden`."
        )
    difference = float(np.abs(outputs - golden.outputs).max())
    if not difference < GOLDEN_TOLERANCE:
        raise ModelError(
            f"The network's outputs for the golden digits differ by {difference:.4f} from the "
            f"outputs in the model file; expected a difference below {GOLDEN_TOLERANCE}. If the "
            "file is damaged, restore it. If the runtime computes wrongly on this processor, try "
            "KERAS_BACKEND=tensorflow."
        )
