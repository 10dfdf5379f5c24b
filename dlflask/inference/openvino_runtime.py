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

#: Function from a batch of inputs to the outputs of a network.
Forward = Callable[[Tensor], Outputs]

#: Properties of OpenVINO for one worker of several. OpenVINO's defaults are for a single process
#: that uses the whole machine.
OPENVINO_SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    # With pinning, the threads of all workers would run on the same core.
    "ENABLE_CPU_PINNING": False,
    # On processors with bfloat16, OpenVINO rounds to 8 bits by default. The outputs would then
    # differ from the outputs of TensorFlow.
    "INFERENCE_PRECISION_HINT": "f32",
}


def name_runtime() -> str:
    """Return runtime, version and kind of processor, such as `openvino 2026.4.1 on x86_64`."""
    return f"{backend()} {metadata.version(backend())} on {platform.machine()}"


def import_runtime() -> None:
    """Import OpenVINO.

    Importing is safe before the process forks, and saves memory, because the workers share it.
    """
    configure_runtime()
    # OpenVINO also imports its converter of model files, which takes longer than the rest. With the
    # entry below, the converter cannot be imported. OpenVINO accepts that, and this process does
    # not convert model files.
    skips_converter = "openvino.tools.ovc" not in sys.modules
    if skips_converter:
        sys.modules["openvino.tools.ovc"] = None  # type: ignore[assignment]
    import openvino  # noqa: F401, PLC0415

    if skips_converter:
        del sys.modules["openvino.tools.ovc"]


def compile_graph(graph: ModelGraph, cache: Path | None = None) -> Forward:
    """Compile `graph` into a function that may be called from several threads at once.

    Call this after the process has forked: the function owns threads of the runtime, which do not
    survive `fork`.

    Args:
        graph: The graph.
        cache: Folder in which compiled networks are kept. It may be missing or read-only. None
            keeps nothing.

    Returns:
        Function from a batch, (N, ...) float32, to the graph's outputs, (N, ...) float32. The batch
        may have other axes than the graph's input, but must have the same number of values for
        each image. If a size of the graph's input is -1, the batch must have the axes of the
        graph's input. The function raises MemoryError if OpenVINO runs out of memory.
    """
    import_runtime()
    kept = CompiledCache(cache, graph, OPENVINO_SETTINGS)
    shape = graph.input_shape
    single = None
    if -1 not in shape:
        single = _Single(kept.compile(_core(), "one image", lambda: _read_for_one(graph)))
    several = kept.compile(_core(), "several images", lambda: _read(graph)).create_infer_request()
    # An infer request serves one thread at a time. One request is enough, because the threads of a
    # worker share one CPU. With further requests, the buffers would only push each other out of the
    # CPU's caches.
    lock = threading.Lock()

    def forward_by_openvino(batch: Tensor) -> Outputs:
        if single:
            # The axis of the channels is the first in some graphs, and the last in some batches.
            # With one channel, the values have the same order in both layouts.
            batch = batch.reshape(-1, *shape)
        with lock:
            try:
                if single and len(batch) == 1:
                    return single.run(batch)
                # Do not set share_outputs: it would return the request's own buffer, which the next
                # inference overwrites.
                return several.infer([batch])[0]
            except RuntimeError as error:
                # OpenVINO raises RuntimeError for all C++ exceptions. After bad_alloc, OpenVINO may
                # crash in its next inference. The server replaces a worker after a MemoryError.
                if "std::bad_alloc" in str(error):
                    raise MemoryError("OpenVINO ran out of memory.") from error
                raise

    return forward_by_openvino


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

    Each Core loads the CPU plugin, which sets the thread's stack for signal handlers and restores
    the previous stack when the plugin is unloaded. If two Cores were unloaded in the order in which
    they were made, the second Core would restore the stack of the first, which is already freed.
    The next signal, such as SIGTERM, would then end in SIGSEGV. `functools.cache` prevents a second
    Core and keeps this Core for the life of the process.
    """
    import openvino  # noqa: PLC0415

    return openvino.Core()
