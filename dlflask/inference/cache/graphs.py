"""Graphs that were made from model files, kept so that a second start needs no Keras."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from dlflask.config import ROOT
from dlflask.inference.cache.files import keep, read_kept, versions
from dlflask.inference.model_graph import ModelGraph

#: Graphs of the models in the container's image, made when it is built. Only images have it.
IN_IMAGE = ROOT / "graphs"

#: Most graphs that are kept.
MAX_GRAPHS = 8


class GraphCache:
    """Graphs, found by the SHA-256 of the model file and the versions of the software.

    Args:
        folder: The folder, which may be missing or read-only; None keeps nothing.
        purpose: Kind of network, and an id of the samples that decided on the adaptation.
    """

    def __init__(self, folder: Path | None, purpose: str) -> None:
        self._folder = folder
        self._purpose = purpose

    def read(self, sha256: str) -> ModelGraph | None:
        """Return the graph of the file of this SHA-256, None if it is missing or damaged."""
        for folder in (self._folder, IN_IMAGE) if self._folder else ():
            data = read_kept(self._path(folder, sha256))
            if data is not None:
                with contextlib.suppress(ValueError):
                    return ModelGraph.from_bytes(data)
        return None

    def write(self, sha256: str, graph: ModelGraph) -> None:
        """Keep the graph, if the folder is writable or can be made."""
        if self._folder:
            keep(self._path(self._folder, sha256), graph.to_bytes(), MAX_GRAPHS)

    def _path(self, folder: Path, sha256: str) -> Path:
        key = hashlib.sha256(f"{sha256} {self._purpose} {versions()}".encode()).hexdigest()
        return folder / f"{sha256[:12]}-{key[:12]}.graph"
