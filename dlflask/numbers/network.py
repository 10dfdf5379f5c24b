"""The number network, a Keras model file.

The file is checked when it is loaded, and the network is tested when it is compiled. The input of
the network is a strip: the image of one line of writing, 32 pixels high.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from dlflask.errors import ModelError
from dlflask.inference.model_graph import ModelGraph
from dlflask.inference.openvino_runtime import OUT_OF_MEMORY, Forward, name_runtime
from dlflask.inference.strip_network import compile_strip_network, load_strip_network
from dlflask.numbers.characters import ALPHABET, BLANK, NUM_CLASSES, NumberNetwork
from dlflask.numbers.normalization import HEIGHT, STRIDE, STRIP_PREPROCESSING
from dlflask.numbers.thresholds import DEFAULT_THRESHOLDS, Thresholds
from dlflask.types import SUM_TOLERANCE, Outputs, Tensor

#: Each strip is padded with paper until its width is a multiple of this number. The runtime needs
#: additional time for each width that it has not received before.
WIDTH_STEP = 32


class StripNetwork:
    """Number network from a model file. `warm_up` or the first call compiles it.

    A process may fork before it compiles the network, but not later, because the threads of the
    runtime do not survive `fork`.

    Attributes:
        sha256: SHA-256 of the model file, in hexadecimal.
        runtime: Runtime, its version and the kind of processor.
        thresholds: Thresholds of the verdict from the file, or `DEFAULT_THRESHOLDS` if the file
            contains no thresholds.
    """

    def __init__(self, path: Path, cache: Path | None = None) -> None:
        """Load the model at `path`.

        Args:
            path: An `.h5` file.
            cache: Folder in which converted and compiled models are kept. The folder may be missing
                or read-only.

        Raises:
            ModelError: The file is missing or damaged, or it is not a number network of this
                version.
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
        """Compile the network, run it once, and check its outputs.

        Raises:
            ModelError: The network cannot be compiled, or its outputs have the wrong shape or are
                not probabilities.
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
            (W / 4, classes) float32. A row describes 4 columns of the strip, and its sum is 1.

        Raises:
            MemoryError: The runtime ran out of memory.
        """
        if self._forward is None:
            self.warm_up()
        assert self._forward is not None  # noqa: S101  for mypy; warm_up sets it
        width = pixels.shape[1]
        padded = np.zeros((1, HEIGHT, -(-width // WIDTH_STEP) * WIDTH_STEP, 1), np.float32)
        padded[0, :, :width, 0] = pixels
        outputs: Outputs = self._forward(padded)[0]
        if len(outputs) * STRIDE != padded.shape[2]:
            # These are the outputs of another strip (see `openvino_runtime.infer`).
            raise MemoryError(OUT_OF_MEMORY)
        return outputs[: width // STRIDE]


def _check_description(path: Path, text: str | None) -> None:
    if text is None:
        raise ModelError(
            f"{path} does not contain the description of a number network; expected a file that "
            f"`{NumberNetwork.COMMAND}` made."
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
    except Exception as error:  # OpenVINO may raise any exception for layers of an unknown file
        raise ModelError(
            f"The number network cannot be compiled ({str(error)[:300]}). Make the model again "
            f"with `{NumberNetwork.COMMAND}`."
        ) from error


def _self_test(outputs: Outputs) -> None:
    expected = (1, 2 * WIDTH_STEP // STRIDE, NUM_CLASSES)
    if outputs.shape[1:] != expected[1:]:
        raise ModelError(
            f"For a test image {2 * WIDTH_STEP} pixels wide, the number network returned an array "
            f"of shape {outputs.shape}; expected the shape {expected}: 1 image, {expected[1]} "
            f"columns (1 for every {STRIDE} pixels), and {NUM_CLASSES} probabilities in each "
            f"column. Make the model again with `{NumberNetwork.COMMAND}`."
        )
    deviation = float(np.abs(outputs.sum(axis=-1) - 1).max())
    if not deviation < SUM_TOLERANCE:
        raise ModelError(
            "The outputs of the number network must be probabilities, whose sum is 1 in each "
            f"column, but a sum differs from 1 by {deviation:.4f}. End the network with a softmax."
        )
