"""Loading of a model file as a graph of OpenVINO, from the cache or by a subprocess with Keras."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from io import BufferedReader
from pathlib import Path

from dlflask.config import ROOT
from dlflask.errors import ModelError
from dlflask.inference.cache.graphs import GraphCache
from dlflask.inference.keras_reader import REFUSED
from dlflask.inference.model_graph import ModelGraph
from dlflask.types import Tensor

#: Maximum time for reading a model, in seconds.
TIMEOUT = 180

_READER = "dlflask.inference.keras_reader"


def load_graph(
    path: Path,
    samples: Callable[[], Tensor] | None = None,
    cache: Path | None = None,
    samples_id: str = "",
) -> tuple[str, ModelGraph]:
    """Load the model at `path`.

    Args:
        path: An `.h5` or `.keras` file, which is not changed.
        samples: Function that returns images of the digits 0 to 9, (10, 28, 28) in 0..1. With
            them, a digit network is tested to find the range of values that it expects, such as
            0..255. None for other networks.
        cache: Folder in which graphs are kept. It may be missing or read-only. If None, nothing is
            kept.
        samples_id: Text that changes when the sample digits change. A cached graph is used only
            with the same `samples_id`, because the graph depends on the sample digits.

    Returns:
        The SHA-256 of the file in hexadecimal, and the graph.

    Raises:
        ModelError: The file cannot be read or is not a model that can be served.
    """
    with open_model(path) as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        graphs = GraphCache(cache, f"digits {samples_id}" if samples else "plain")
        graph = graphs.read(sha256)
        if graph is None:
            graph = _convert(path, file, samples() if samples else None)
            graphs.write(sha256, graph)
        return sha256, graph


def open_model(path: Path) -> BufferedReader:
    """Open the file at `path` for reading.

    Raises:
        ModelError: The file is missing, not a regular file, or not readable by this user.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ModelError(_describe_folder(path))
        if not stat.S_ISREG(mode):
            # Opening a pipe would block until another process writes to it.
            raise ModelError(f"{path} is a device or a pipe; expected a file of a Keras model.")
        return _readable(path).open("rb")
    except OSError as error:
        raise ModelError(_explain(path, error)) from error


def _readable(path: Path) -> Path:
    """Return `path`, or the copy in the container's image if this user may not read `path`.

    Docker Compose mounts the project's model from a clone of the repository. In a clone made with
    `umask 077`, only the owner may read the file. If the sizes of file and copy differ, the user
    has replaced the file, and `path` is returned. Modification times are not compared, because they
    also differ if a build reuses the copy of an earlier build.
    """
    copy = ROOT / path.name
    if os.access(path, os.R_OK) or not copy.is_file():
        return path
    if path.stat().st_size != copy.stat().st_size:
        return path
    logging.getLogger(__name__).warning(
        "The user %d may not read %s, so the copy in the image is served. If you replaced the "
        "file, run `chmod a+r %s` and start the service again.",
        os.getuid(),
        path,
        path.name,
    )
    return copy


def _describe_folder(path: Path) -> str:
    if (path / "saved_model.pb").exists():
        return (
            f"{path} is a folder in TensorFlow's SavedModel format. Load the model with the "
            "version of TensorFlow that saved it, and save the model with `model.save('model.h5')`."
        )
    return f"{path} is a folder; expected a file of a Keras model, `.h5` or `.keras`."


def _explain(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return (
            f"The model file {path} does not exist. Set DLFLASK_MODEL_PATH to the path of a Keras "
            "model, or restore the project's model with `git checkout mnist_model.h5`."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"The service runs as user {os.getuid()}, who may not read {path}. Run "
            f"`chmod a+r {path.name}`, and `chmod a+x` for each folder above the file."
        )
    return f"{path} cannot be read ({error.strerror or type(error).__name__})."


def _convert(path: Path, file: BufferedReader, samples: Tensor | None) -> ModelGraph:
    """Convert the open `file` in a subprocess, and return the graph."""
    # Keras writes its settings into the folder KERAS_HOME. With `os.devnull`, it writes nothing.
    environment = os.environ | {"KERAS_BACKEND": "openvino", "KERAS_HOME": os.devnull}
    descriptor = file.fileno()
    os.lseek(descriptor, 0, os.SEEK_SET)
    count = 0 if samples is None else len(samples)
    try:
        done = subprocess.run(  # noqa: S603  the command is always this Python with `_READER`
            [sys.executable, "-m", _READER, str(descriptor), str(count)],
            input=b"" if samples is None else samples.tobytes(),
            capture_output=True,
            cwd=ROOT,
            env=environment,
            pass_fds=(descriptor,),
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{path} cannot be served: reading it took more than {TIMEOUT} seconds. Serve a "
            "smaller network."
        ) from error
    if done.returncode == 0:
        return ModelGraph.from_bytes(done.stdout)
    raise ModelError(_explain_exit(path, done))


def refusal(path: Path, version: str, reason: str) -> str:
    """Return the error message for a model file that cannot be served.

    Args:
        path: The file.
        version: Version of Keras that saved the file, empty if unknown.
        reason: Sentences that explain the error, such as "The file is empty. Copy it again."
    """
    saved = f", saved by Keras {version}," if version else ""
    return f"{path}{saved} cannot be served. {reason}"


def _explain_exit(path: Path, done: subprocess.CompletedProcess[bytes]) -> str:
    if done.returncode == REFUSED:
        facts = json.loads(done.stdout)
        return refusal(path, facts["keras_version"], facts["error"])
    if done.returncode < 0:
        return (
            f"{path} cannot be served: signal {-done.returncode} ended the process that read it. "
            "Either reading took too much memory or CPU time, or the file is damaged."
        )
    last_line = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
    return f"{path} cannot be read: the process that reads models failed ({last_line[:300]})."
