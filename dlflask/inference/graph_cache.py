"""Folder of graphs that were made from model files, so that a second start needs no Keras."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path

from dlflask.config import ROOT
from dlflask.inference.model_graph import ModelGraph

#: Graphs of the models in the container's image, made when it is built. Only images have it.
IN_IMAGE = ROOT / "graphs"

#: Most graphs that are kept; the oldest are deleted.
MAX_GRAPHS = 8

_SUFFIX = ".graph"
_DIGEST_BYTES = 32


class GraphCache:
    """Graphs by the SHA-256 of their model files and the versions of what made them.

    Args:
        folder: The folder, which may be missing or read-only; None keeps nothing.
        purpose: Kind of network that the graphs are adapted to, and what decided on the adaptation.
    """

    def __init__(self, folder: Path | None, purpose: str) -> None:
        self._folder = folder
        self._purpose = purpose

    def read(self, sha256: str) -> ModelGraph | None:
        """Return the graph of the file of this SHA-256, None if it is missing or damaged."""
        folders = (self._folder, IN_IMAGE) if self._folder else ()
        return next(filter(None, (_read(self._path(each, sha256)) for each in folders)), None)

    def write(self, sha256: str, graph: ModelGraph) -> None:
        """Keep the graph, if the folder is writable or can be made."""
        if self._folder is None:
            return
        data = graph.to_bytes()
        # The next start reads the file again if the folder is read-only or full.
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            # Renamed when complete, because other processes may read it at any time.
            handle, name = tempfile.mkstemp(dir=self._folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(data).digest() + data)
                Path(name).chmod(0o644)
                Path(name).replace(self._path(self._folder, sha256))
            except OSError:
                Path(name).unlink()
                raise
            self._delete_oldest(self._folder)

    def _delete_oldest(self, folder: Path) -> None:
        graphs = sorted(folder.glob(f"*{_SUFFIX}"), key=lambda path: path.stat().st_mtime)
        for path in graphs[:-MAX_GRAPHS]:
            path.unlink(missing_ok=True)

    def _path(self, folder: Path, sha256: str) -> Path:
        key = hashlib.sha256(f"{sha256} {self._purpose} {_versions()}".encode()).hexdigest()
        return folder / f"{sha256[:12]}-{key[:12]}{_SUFFIX}"


def _read(path: Path) -> ModelGraph | None:
    try:
        data = path.read_bytes()
        digest, data = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
        return ModelGraph.from_bytes(data) if hashlib.sha256(data).digest() == digest else None
    except (OSError, ValueError):
        return None


@cache
def _versions() -> str:
    """Return the versions of Keras and OpenVINO, and a digest of this package's own sources."""
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        sources.update(path.read_bytes())
    versions = [metadata.version(name) for name in ("keras", "openvino", "numpy")]
    return " ".join([*versions, sources.hexdigest()])
