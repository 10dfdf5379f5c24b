"""Compilation and running of graphs by OpenVINO, with settings for one worker of several."""

from __future__ import annotations

import functools
import platform
import sys
import threading
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from dlflask.inference.cache.compiled import CompiledCache
from dlflask.inference.environment import backend, configure_runtime
from dlflask.inference.model_graph import ModelGraph
from dlflask.types import Outputs, Tensor

Forward = Callable[[Tensor], Outputs]

#: OpenVINO's defaults are for one process that owns the machine; these are for one of several.
OPENVINO_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    # Pinning puts every worker's thread on the same core.
    "ENABLE_CPU_PINNING": False,
    # The default on processors with bfloat16 rounds to 8 bits; outputs must equal TensorFlow's.
    "INFERENCE_PRECISION_HINT": "f32",
}


def name_runtime() -> str:
    """Return the runtime and the kind of processor: `openvino 2026.4.1 on x86_64`."""
    return f"{backend()} {metadata.version(backend())} on {platform.machine()}"


def import_runtime() -> None:
    """Import OpenVINO, which is safe before the process forks: the workers share its memory."""
    configure_runtime()
    # OpenVINO also imports its converter of model files, which takes longer than the rest. It
    # accepts that this is missing, and this process converts nothing.
    is_skipped = "openvino.tools.ovc" not in sys.modules
    if is_skipped:
        sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
    import openvino  # noqa: F401, PLC0415

    if is_skipped:
        del sys.modules["openvino.tools.ovc"]


def compile_graph(graph: ModelGraph, cache: Path | None = None) -> Forward:
    """Compile `graph` into a function that may be called from several threads at once.

    The function owns threads of the runtime, which do not survive `fork`.

    Args:
        graph: The graph.
        cache: Folder in which compiled networks are kept. It may be missing or read-only.

    Returns:
        Function from (N, ...) float32, of as many values for each image as the graph's input, to
        its outputs, (N, ...) float32. If the graph takes any width, the input must have its axes.
        It raises MemoryError if OpenVINO runs out of memory.
    """
    import_runtime()
    kept = CompiledCache(cache, graph, OPENVINO_SETTINGS)
    shape = graph.input_shape
    single = None
    if -1 not in shape:
        single = _Single(kept.compile(_core(), "one image", lambda: _read_for_one(graph)))
    several = kept.compile(_core(), "several images", lambda: _read(graph)).create_infer_request()
    # An infer request serves one thread at a time. Threads of a worker share one CPU: a request for
    # each thread would only push the others' buffers out of its caches.
    lock = threading.Lock()

    def forward_by_openvino(batch: Tensor) -> Outputs:
        if single:
            # With one channel, both layouts hold the values in the same order.
            batch = batch.reshape(-1, *shape)
        with lock:
            try:
                if single and len(batch) == 1:
                    return single.run(batch)
                # Without share_outputs: it returns the request's own buffer, which is reused.
                return several.infer([batch])[0]
            except RuntimeError as error:
                # OpenVINO wraps C++ exceptions. The server replaces a worker after a MemoryError;
                # this one has to be replaced too: OpenVINO may crash in its next inference.
                if "std::bad_alloc" in str(error):
                    raise MemoryError("OpenVINO ran out of memory.") from error
                raise

    return forward_by_openvino


class _Single:
    """Inference of one image in buffers that are reused: 102 µs instead of 195 with new ones."""

    def __init__(self, compiled: Any) -> None:
        self._request = compiled.create_infer_request()
        self._input = self._request.get_input_tensor(0).data
        self._output = self._request.get_output_tensor(0).data

    def run(self, batch: Tensor) -> Outputs:
        self._input[...] = batch
        self._request.infer(share_outputs=True)
        return self._output.copy()


def _read(graph: ModelGraph) -> Any:
    import openvino  # noqa: PLC0415

    weights = openvino.Tensor(np.frombuffer(graph.weights, np.uint8))
    return _core().read_model(graph.xml, weights)


def _read_for_one(graph: ModelGraph) -> Any:
    model = _read(graph)
    model.reshape([1, *graph.input_shape])
    return model


@functools.cache
def _core() -> Any:
    """Return the only `openvino.Core` of this process; never call this before the process forks.

    Each Core loads the CPU plugin, which sets the thread's stack for signal handlers and restores
    the previous one when it is unloaded. Two Cores, unloaded in the order in which they were made,
    restore a stack that is already freed: the next signal, such as SIGTERM, ends in SIGSEGV. The
    cache prevents a second Core and keeps this one for the life of the process.
    """
    import openvino  # noqa: PLC0415

    return openvino.Core()
