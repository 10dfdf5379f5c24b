"""Networks compiled for this processor, kept because compiling takes a quarter of a start."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dlflask.inference.cache.files import keep, read_kept, versions
from dlflask.inference.model_graph import ModelGraph

#: Most compiled networks that are kept. A service with both models has three.
MAX_COMPILED = 12

_DEVICE = "CPU"


class CompiledCache:
    """Compiled networks of one graph: one for each processor, settings and software versions.

    An imported network computes the same as a compiled one, and takes 5 MB less.

    Args:
        folder: The folder, which may be missing or read-only; None keeps nothing.
        graph: The graph.
        settings: Properties of OpenVINO.
    """

    def __init__(self, folder: Path | None, graph: ModelGraph, settings: Mapping[str, Any]) -> None:
        self._folder = folder
        self._graph = graph
        self._settings = settings

    def compile(self, core: Any, variant: str, model: Callable[[], Any]) -> Any:
        """Return the compiled network, from the folder if it is there.

        Args:
            core: The `openvino.Core`.
            variant: Name of this network; several may be compiled from one graph.
            model: Returns the `openvino.Model`. Not called if the folder has the network.
        """
        if self._folder is None:
            return core.compile_model(model(), _DEVICE, self._settings)
        path = self._path(self._folder, core, variant)
        data = read_kept(path)
        if data is not None:
            # An OpenVINO that is built differently may reject it.
            with contextlib.suppress(RuntimeError):
                return core.import_model(data, _DEVICE, self._settings)
        compiled = core.compile_model(model(), _DEVICE, self._settings)
        if data is None:
            keep(path, compiled.export_model().getvalue(), MAX_COMPILED)
        return compiled

    def _path(self, folder: Path, core: Any, variant: str) -> Path:
        key = hashlib.sha256(self._graph.xml)
        key.update(self._graph.weights)
        facts = [variant, self._settings, _name_processor(core), versions()]
        key.update(json.dumps(facts).encode())
        return folder / f"{key.hexdigest()[:24]}.compiled"


def _name_processor(core: Any) -> str:
    """Return the processor's name and, on Linux, the instructions that it offers.

    A virtual machine may hide some of them, and the network depends on them.
    """
    name: str = core.get_property(_DEVICE, "FULL_DEVICE_NAME")
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        return name + next((line for line in file if line.startswith(("flags", "Features"))), "")
    return name
