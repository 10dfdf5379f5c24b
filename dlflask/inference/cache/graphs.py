"""Cache of graphs made from model files. With a cached graph, the service does not load Keras."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from dlflask.config import ROOT
from dlflask.inference.cache.files import keep, read_kept, versions
from dlflask.inference.model_graph import ModelGraph

#: Folder with graphs from the build of the container's image. It exists only in containers.
IN_IMAGE = ROOT / "graphs"

#: Maximum number of graphs in the folder.
MAX_GRAPHS = 8


class GraphCache:
    """Cache of graphs, by the SHA-256 of the model file, the purpose and the software versions.

    Args:
        folder: Folder of the cache. It may be missing or read-only. If None, nothing is kept.
        purpose: Kind of network. For digit networks, it also identifies the sample digits, because
            the graph depends on the sample digits.
    """

    def __init__(self, folder: Path | None, purpose: str) -> None:
        self._folder = folder
        self._purpose = purpose

    def read(self, sha256: str) -> ModelGraph | None:
        """Return the graph of a model file, None if the graph is missing or damaged."""
        for folder in (self._folder, IN_IMAGE) if self._folder else ():
            data = read_kept(self._path(folder, sha256))
            if data is not None:
                with contextlib.suppress(ValueError):
                    return ModelGraph.from_bytes(data)
        return None

    def write(self, sha256: str, graph: ModelGraph) -> None:
        """Write the graph to the cache. Ignore a full disk or a read-only folder."""
        if self._folder:
            keep(self._path(self._folder, sha256), graph.to_bytes(), MAX_GRAPHS)

    def _path(self, folder: Path, sha256: str) -> Path:
        key = hashlib.sha256(f"{sha256} {self._purpose} {versions()}".encode()).hexdigest()
        return folder / f"{sha256[:12]}-{key[:12]}.graph"
