"""Reading of a `.keras` file, which is a zip archive, with checks before the content is used."""

from __future__ import annotations

import io
import zipfile
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from dlflask.errors import ModelError
from dlflask.inference.keras_reader.hdf5_file import MAX_TEXT_BYTES, MAX_WEIGHTS_BYTES

#: Names of the members (files in the archive) that Keras writes.
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

_SAVE = "Save the model with `model.save('model.keras')` and serve that file."


def read_archive(file: BinaryIO) -> tuple[bytes, bytes, io.BytesIO]:
    """Return the configuration, the metadata and the weights of a `.keras` file.

    The members are read into memory and never unpacked to a folder.

    Raises:
        ModelError: The archive is damaged, was not written by Keras, has a member whose path leads
            outside of the archive, or has a member that is larger than the limit.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
            _check(names)
            if WEIGHTS not in names:
                raise ModelError(
                    f"The file is a Keras archive without {WEIGHTS}, so the weights are missing. "
                    f"{_SAVE}"
                )
            config = _read(archive, CONFIG)
            metadata = _read(archive, METADATA) if METADATA in names else b"{}"
            return config, metadata, io.BytesIO(_read(archive, WEIGHTS))
    except (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"The file is a damaged or incomplete archive ({type(error).__name__}). Copy or "
            "download it again."
        ) from error


def _check(names: set[str]) -> None:
    for name in sorted(names):
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts:
            raise ModelError(f"The path {name[:80]!r} leads outside of the archive. {_SAVE}")
    if CONFIG in names:
        return
    if any(name.endswith(("/data.pkl", "/byteorder")) for name in names):
        raise ModelError("The file is a PyTorch model. Train the network with Keras instead.")
    if any(name.endswith("saved_model.pb") for name in names):
        raise ModelError(f"The archive is a model in TensorFlow's SavedModel format. {_SAVE}")
    if inner := [name for name in sorted(names) if name.endswith((".h5", ".hdf5", ".keras"))]:
        raise ModelError(
            f"The file is a zip archive that contains the model file {inner[0][:80]!r}. Unpack the "
            "archive and serve that file."
        )
    raise ModelError(f"The file is a zip archive without the file {CONFIG}. {_SAVE}")


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    limit = MAX_WEIGHTS_BYTES if name == WEIGHTS else MAX_TEXT_BYTES
    member: Any = archive.getinfo(name)
    # It is enough to check the announced size, because zipfile does not read more bytes than that.
    if member.file_size > limit:
        raise ModelError(
            f"The file contains {name!r}, which has {member.file_size:,} bytes after "
            f"decompression; expected at most {limit:,} bytes. {_SAVE}"
        )
    return archive.read(name)
