"""Recognition of model files, and of other kinds of files, for error messages that name them."""

from __future__ import annotations

from typing import BinaryIO

from dlflask.errors import ModelError

#: First bytes of the accepted files.
HDF5_MAGIC, ZIP_MAGIC = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"

#: Offsets in bytes at which `HDF5_MAGIC` may stand. A block of user data may precede it.
_HDF5_OFFSETS = (0, 512, 1024, 2048)

#: Number of first bytes that are read to recognise a file.
_HEAD_BYTES = 4096

_SAVE = "Save the model with `model.save('model.h5')` and serve that file."

#: First bytes of files of other kinds, with a description and advice.
_KINDS = (
    (
        b"version https://git-lfs",
        "is a Git LFS pointer, a text that stands for the file",
        "Fetch the file itself with `git lfs pull`.",
    ),
    (
        (b"<!doctype html", b"<html"),
        "is an HTML page, perhaps the page on which the model can be downloaded",
        "Download the file itself; on GitHub, use the link `Raw`.",
    ),
    ((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "is a Python pickle", _SAVE),
    (
        b"\x1f\x8b",
        "is compressed with gzip",
        "Unpack it with `gunzip` and serve the unpacked file.",
    ),
    (b"\x93NUMPY", "is a NumPy array", _SAVE),
    (b"\x89PNG", "is a PNG image", _SAVE),
    (b"%PDF", "is a PDF document", _SAVE),
)


def identify(file: BinaryIO) -> str:
    """Return `hdf5` or `zip`, the kind of `file` by its first bytes.

    Raises:
        ModelError: The file is of another kind.
    """
    head = _read(file, 0, _HEAD_BYTES)
    if any(_read(file, offset, len(HDF5_MAGIC)) == HDF5_MAGIC for offset in _HDF5_OFFSETS):
        return "hdf5"
    if head.startswith(ZIP_MAGIC):
        return "zip"
    if not head:
        raise ModelError("The file is empty. Copy or download it again.")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginning, kind, advice in _KINDS:
        if head.startswith(beginning) or text.startswith(beginning):
            raise ModelError(f"The file {kind}. {advice}")
    if head[4:8] == b"TFL3":
        raise ModelError(f"The file is a TensorFlow Lite model. {_SAVE}")
    if text.startswith((b"{", b"[")):
        _raise_for_json(file)
    first_bytes = head[:12].decode("ascii", "backslashreplace")
    raise ModelError(
        "The file is neither an HDF5 file (.h5) nor a Keras archive (.keras), because it begins "
        f"with {first_bytes!r}. {_SAVE}"
    )


def _raise_for_json(file: BinaryIO) -> None:
    text = _read(file, 0, 1024 * 1024)
    if b'"nbformat"' in text or b'"cell_type"' in text:
        raise ModelError(f"The file is a Jupyter notebook. Run the notebook. {_SAVE}")
    if b'"class_name"' in text:
        raise ModelError(
            "The file is the JSON text of a network, from `model.to_json()`, without its weights. "
            + _SAVE
        )
    raise ModelError(f"The file is a JSON text. {_SAVE}")


def _read(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(size)
