"""Reading and writing of cache files. Each file begins with the SHA-256 digest of its content."""

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
    """Return the content of the cache file at `path`, None if the file is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, data = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return data if hashlib.sha256(data).digest() == digest else None


def keep(path: Path, data: bytes, max_files: int) -> None:
    """Write `data` to the cache file at `path`. Ignore a full disk or a read-only folder.

    Args:
        path: The file. Its folder is made if it is missing.
        data: Content of the file.
        max_files: Maximum number of files in the folder with the suffix of `path`. If there are
            more, the oldest are deleted.
    """
    folder = path.parent
    # Ignore errors, because without the cache file, a later start only repeats the work.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        # Write a temporary file, and rename it when it is complete. Other processes may read the
        # file at `path` at any time.
        handle, temporary = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(data).digest() + data)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink()
            raise
        files = sorted(folder.glob(f"*{path.suffix}"), key=lambda each: each.stat().st_mtime)
        for old in files[:-max_files]:
            old.unlink(missing_ok=True)


@cache
def versions() -> str:
    """Return the versions of Keras, OpenVINO and NumPy, and a digest of the source code."""
    sources = hashlib.sha256()
    # A change in any module of `dlflask.inference` may change the graphs.
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        sources.update(path.read_bytes())
    numbers = [metadata.version(name) for name in ("keras", "openvino", "numpy")]
    return " ".join([*numbers, sources.hexdigest()])
