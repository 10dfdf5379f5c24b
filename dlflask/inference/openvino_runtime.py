"""Compilation and running of graphs by OpenVINO, in one of several worker processes."""

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

#: Message of the exception if an inference needs more memory than the process may use.
OUT_OF_MEMORY = "OpenVINO ran out of memory."

#: Function from a batch of inputs to the outputs of a network.
Forward = Callable[[Tensor], Outputs]

#: Properties of OpenVINO in one of several workers. OpenVINO's defaults are for a single process
#: that uses the whole machine.
OPENVINO_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    # With pinning, the threads of all workers would run on the same core.
    "ENABLE_CPU_PINNING": False,
    # On processors with bfloat16, OpenVINO by default rounds numbers to 8 significant bits. The
    # outputs would then differ from the outputs of TensorFlow.
    "INFERENCE_PRECISION_HINT": "f32",
}


def name_runtime() -> str:
    """Return runtime, version and kind of processor, such as `openvino 2026.4.1 on x86_64`."""
    return f"{backend()} {metadata.version(backend())} on {platform.machine()}"


def import_runtime() -> None:
    """Import OpenVINO without its converter of model files.

    This is safe before the process forks. The workers then share the memory of OpenVINO's code.
    """
    configure_runtime()
    # This process does not need the converter, whose import takes longer than the rest of OpenVINO.
    # With the entry below, the converter cannot be imported, which OpenVINO accepts.
    skips_converter = "openvino.tools.ovc" not in sys.modules
    if skips_converter:
        sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
    import openvino  # noqa: F401, PLC0415

    if skips_converter:
        del sys.modules["openvino.tools.ovc"]


def compile_graph(graph: ModelGraph, cache: Path | None = None) -> Forward:
    """Compile `graph` into a function that may be called from several threads at once.

    Call this only after the process has forked, because OpenVINO's threads do not survive `fork`.

    Args:
        graph: The graph.
        cache: Folder in which compiled networks are kept. It may be missing or read-only. If
            None, nothing is kept.

    Returns:
        Function from a batch, (N, ...) float32, to the graph's outputs, (N, ...) float32. The
        function raises MemoryError if OpenVINO runs out of memory. The shape of each image in the
        batch may differ from the shape of the graph's input, but the number of values must be the
        same. If the graph's input has sizes of -1, an image may differ from it only in these sizes.
    """
    import_runtime()
    networks = CompiledCache(cache, graph, OPENVINO_SETTINGS)
    shape = graph.input_shape
    single = None
    if -1 not in shape:
        single = _Single(networks.compile(_core(), "one image", lambda: _read_for_one(graph)))
    several = networks.compile(
        _core(), "several images", lambda: _read(graph)
    ).create_infer_request()
    # An infer request serves one thread at a time. One request is enough, because the threads of a
    # worker share one CPU. The buffers of further requests would only push other data out of the
    # CPU's caches.
    lock = threading.Lock()

    def forward_by_openvino(batch: Tensor) -> Outputs:
        if single:
            # Some graphs take (N, 784), (N, 28, 28, 1) or (N, 1, 28, 28) instead of (N, 28, 28).
            # With one channel, the values have the same order in all of them.
            batch = batch.reshape(-1, *shape)
        with lock:
            try:
                if single and len(batch) == 1:
                    return single.run(batch)
                return infer(several, batch)
            except RuntimeError as error:
                # OpenVINO raises RuntimeError for all C++ exceptions. After bad_alloc, the next
                # inference may crash, so raise MemoryError, after which the server replaces the
                # worker.
                if "std::bad_alloc" in str(error):
                    raise MemoryError(OUT_OF_MEMORY) from error
                raise

    return forward_by_openvino


def infer(request: Any, batch: Tensor) -> Outputs:
    """Run an infer request of OpenVINO on a batch of any size, and return a copy of its outputs.

    The request reads `batch` itself. `request.infer([batch])` would copy the batch, and for a new
    size also allocate a buffer, which takes up to 0.4 ms.

    Raises:
        MemoryError: OpenVINO ran out of memory.
    """
    import openvino  # noqa: PLC0415

    # OpenVINO can read only a contiguous, writeable array of float32. Copy any other batch. The
    # request keeps the address of the batch, but sets a new one before it reads again.
    batch = np.require(batch, np.float32, ["C_CONTIGUOUS", "WRITEABLE"])
    request.set_input_tensor(0, openvino.Tensor(batch, shared_memory=True))
    request.infer(share_outputs=True)
    outputs: Outputs = request.get_output_tensor(0).data.copy()
    if len(outputs) != len(batch):
        # OpenVINO raises no exception if it cannot allocate memory between two layers. It leaves
        # the outputs of the last inference unchanged.
        raise MemoryError(OUT_OF_MEMORY)
    return outputs


class _Single:
    """Inference of one image in reused buffers: 102 µs, instead of 195 µs with new buffers."""

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
    """Return the only `openvino.Core` of this process. Call this only after the process has forked.

    A Core sets the thread's stack for signal handlers, and restores the previous stack when the
    Core is unloaded. If there were two Cores and the older were unloaded first, the newer would
    later restore the older one's stack, which is freed by then. The next signal, such as SIGTERM,
    would end in SIGSEGV. `functools.cache` keeps one Core for the life of the process.
    """
    import openvino  # noqa: PLC0415

    return openvino.Core()
