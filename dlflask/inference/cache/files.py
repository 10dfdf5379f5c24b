"""Files of the cache, each with a digest of its content."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path

_DIGEST_BYTES = 32


def read_kept(path: Path) -> bytes | None:
    """Return the content that was kept at `path`, None if it is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, data = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == digest else None


def keep(path: Path, data: bytes, most: int) -> None:
    """Keep `data` at `path`, if its folder is writable or can be made.

    Args:
        path: The file.
        data: Content of the file.
        most: Files of this suffix that stay in the folder; the oldest are deleted.
    """
    folder = path.parent
    # A later start does the work again if the folder is read-only or full.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        # Renamed when complete, because other processes may read it at any time.
        handle, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(data).digest() + data)
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink()
            raise
        files = sorted(folder.glob(f"*{path.suffix}"), key=lambda one: one.stat().st_mtime)
        for old in files[:-most]:
            old.unlink(missing_ok=True)


@cache
def versions() -> str:
    """Return the versions of Keras and OpenVINO, and a digest of the sources of `inference`."""
    sources = hashlib.sha256()
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        sources.update(path.read_bytes())
    numbers = [metadata.version(name) for name in ("keras", "openvino", "numpy")]
    return " ".join([*numbers, sources.hexdigest()])
