"""The number network: a Keras model file, checked when it is loaded and tested when compiled."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from dlflask.errors import ModelError
from dlflask.inference.model_graph import ModelGraph
from dlflask.inference.openvino_runtime import Forward, name_runtime
from dlflask.inference.strip_network import compile_strip_network, load_strip_network
from dlflask.numbers.characters import ALPHABET, BLANK, NUM_CLASSES, NumberNetwork
from dlflask.numbers.normalization import HEIGHT, STRIDE, STRIP_PREPROCESSING
from dlflask.numbers.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dlflask.types import SUM_TOLERANCE, Outputs, Tensor

#: Widths of strips are padded with paper to multiples of this, so that the runtime gets few
#: different widths.
WIDTH_STEP = 32


class StripNetwork:
    """Loaded number network, compiled by `warm_up` or by the first call.

    A process may fork after loading but not after compiling; `digits.classifier` says why.

    Attributes:
        sha256: SHA-256 of the model file, in hexadecimal.
        runtime: Runtime and kind of processor.
        thresholds: Thresholds of the verdict: those in the file, or `DEFAULT_THRESHOLDS`.
    """

    def __init__(self, path: Path, cache: Path | None = None) -> None:
        """Load the model at `path`.

        Args:
            path: An `.h5` file.
            cache: Folder in which converted and compiled models are kept. It may be missing or
                read-only.

        Raises:
            ModelError: The file is missing or damaged, or it is another kind of model.
        """
        self.sha256, self._graph = load_strip_network(path, cache)
        self.runtime = name_runtime()
        stored = self._graph.thresholds
        self.thresholds = DEFAULT_THRESHOLDS if stored is None else Thresholds.from_json(stored)
        _check_description(path, self._graph.number_network)
        self._cache = cache
        self._forward: Forward | None = None
        self._lock = threading.Lock()

    @property
    def is_ready(self) -> bool:
        """True if the network is compiled and has passed its self-test."""
        return self._forward is not None

    def warm_up(self) -> None:
        """Compile the network, run it once and check its outputs.

        Raises:
            ModelError: The network cannot be compiled, or its outputs are not probabilities.
        """
        with self._lock:
            if self._forward is None:
                forward = _compile(self._graph, self._cache)
                outputs = forward(np.zeros((1, HEIGHT, 2 * WIDTH_STEP, 1), np.float32))
                _self_test(outputs)
                self._forward = forward

    def __call__(self, pixels: Tensor) -> Outputs:
        """Return the probabilities of blank and of each character in each column of a strip.

        Args:
            pixels: (32, W) float32 in 0..1, as in `normalization.Strip`.

        Returns:
            (W / 4, classes) float32, rows that sum to 1.
        """
        if self._forward is None:
            self.warm_up()
        assert self._forward is not None  # noqa: S101  for mypy; warm_up sets it
        width = pixels.shape[1]
        padded = np.zeros((1, HEIGHT, -(-width // WIDTH_STEP) * WIDTH_STEP, 1), np.float32)
        padded[0, :, :width, 0] = pixels
        outputs: Outputs = self._forward(padded)[0, : width // STRIDE]
        return outputs


def _check_description(path: Path, text: str | None) -> None:
    if text is None:
        raise ModelError(
            f"{path} lacks the description of a number network; expected the file that "
            f"`{NumberNetwork.COMMAND}` makes."
        )
    found = NumberNetwork.from_json(text)
    expected = NumberNetwork(ALPHABET, BLANK, HEIGHT, STRIDE, STRIP_PREPROCESSING)
    if found != expected:
        raise ModelError(
            f"{path} is a number network of another version: its description is "
            f"{found.to_json()}; expected {expected.to_json()}. Make the file again with "
            f"`{NumberNetwork.COMMAND}`."
        )


def _compile(graph: ModelGraph, cache: Path | None) -> Forward:
    try:
        return compile_strip_network(graph, cache)
    except Exception as error:  # tracing the file's layers may raise anything
        raise ModelError(
            f"The number network cannot be compiled ({str(error)[:300]}). Make the model again "
            f"with `{NumberNetwork.COMMAND}`."
        ) from error


def _self_test(outputs: Outputs) -> None:
    deviation = float(np.abs(outputs.sum(axis=-1) - 1).max())
    if outputs.shape[1:] != (2 * WIDTH_STEP // STRIDE, NUM_CLASSES) or not (
        deviation < SUM_TOLERANCE
    ):
        raise ModelError(
            f"The number network returns {outputs.shape} with sums that differ from 1 by "
            f"{deviation:.4f}; expected probabilities for every {STRIDE} columns. End the network "
            "with a softmax."
        )
