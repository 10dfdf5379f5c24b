"""Networks whose input is a strip, run by OpenVINO.

A strip is an image of one line of writing. It may have any width.
"""

from __future__ import annotations

import threading
from pathlib import Path

from dlflask.inference.cache.compiled import CompiledCache
from dlflask.inference.load_graph import load_graph
from dlflask.inference.model_graph import ModelGraph
from dlflask.inference.openvino_runtime import (
    OPENVINO_SETTINGS,
    OUT_OF_MEMORY,
    Forward,
    _core,
    _read,
    import_runtime,
    infer,
)
from dlflask.types import Outputs, Tensor


def load_strip_network(path: Path, cache: Path | None = None) -> tuple[str, ModelGraph]:
    """Load the model at `path` as a graph of OpenVINO, even if KERAS_BACKEND is another backend.

    Returns:
        The SHA-256 of the file and the graph.

    Raises:
        ModelError: The file cannot be read or is not a model that can be served.
    """
    loaded = load_graph(path, None, cache)
    import_runtime()
    return loaded


def compile_strip_network(graph: ModelGraph, cache: Path | None = None) -> Forward:
    """Compile `graph` into a function that may be called from several threads at once.

    The returned function takes one image at a time, unlike the function that
    `openvino_runtime.compile_graph` returns. Callers should use few different widths, because
    OpenVINO prepares kernels for each new width, which takes time.

    Returns:
        Function from a strip, (1, H, W, 1) float32, to outputs for T columns of the strip,
        (1, T, classes) float32. The function raises MemoryError if OpenVINO reports that it ran
        out of memory. If OpenVINO does not report it, the outputs are those of an earlier strip,
        so callers should check T.
    """
    import_runtime()
    networks = CompiledCache(cache, graph, OPENVINO_SETTINGS)
    compiled = networks.compile(_core(), "one strip", lambda: _read(graph))
    request, lock = compiled.create_infer_request(), threading.Lock()

    def forward_by_openvino(strip: Tensor) -> Outputs:
        with lock:
            try:
                return infer(request, strip)
            except RuntimeError as error:
                if "std::bad_alloc" in str(error):
                    raise MemoryError(OUT_OF_MEMORY) from error
                raise

    return forward_by_openvino
