"""Format check of model files, and the thresholds and golden digits stored in them.

These, and the description of a number network, are attributes of the file's root, which Keras
ignores, so any Keras can load the file.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dlflask.errors import ModelError

ATTRIBUTE = "dlflask"
NUMBER_ATTRIBUTE = "dlflask_number_network"
DIGITS, OUTPUTS = "dlflask_golden_digits", "dlflask_golden_outputs"

#: Largest inflated size of a member of a `.keras` archive, in bytes. Keras reads members whole:
#: without a limit, a small file fills the memory.
MAX_TEXT_BYTES, MAX_WEIGHTS_BYTES = 16 * 1024**2, 1024**3

#: Longest reason quoted in an error, in characters. Some of Keras's hold a layer's configuration.
MAX_REASON = 300


@dataclass(frozen=True, eq=False)
class Golden:
    """Digits with the outputs of the network on the machine that made the file.

    Attributes:
        digits: (N, 28, 28) uint8, ink = 255.
        outputs: (N, 10) or (N, 11) float32, for the digits divided by 255.
    """

    digits: NDArray[np.uint8]
    outputs: NDArray[np.float32]


def reason(error: BaseException) -> str:
    """Return the message of `error` on one line, cut to `MAX_REASON`."""
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= MAX_REASON else words[:MAX_REASON] + "…"


def check_format(path: Path) -> None:
    """Check that the file at `path` has the suffix by which Keras chooses the right reader.

    Raises:
        ModelError: The file is neither HDF5 nor a zip archive, has the suffix of another format, or
            inflates to more than the limits.
    """
    if h5py.is_hdf5(path):
        suffixes = [".h5", ".hdf5"]
    elif zipfile.is_zipfile(path):
        suffixes = [".keras"]
        _check_members(path)
    else:
        raise ModelError(
            f"{path} cannot be loaded as a Keras model: it is neither an HDF5 file (.h5) nor a zip "
            "archive (.keras). Restore the file, or make it again with `make train`."
        )
    if path.suffix not in suffixes:
        raise ModelError(
            f"{path} cannot be loaded: its content is that of a {suffixes[0]} file. "
            f"Rename it to {path.stem}{suffixes[0]}."
        )


def _check_members(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ModelError(f"{path} is a damaged .keras file ({reason(error)}).") from error
    for member in members:
        # zipfile stops reading a member at its announced size.
        limit = MAX_WEIGHTS_BYTES if member.filename.endswith(".h5") else MAX_TEXT_BYTES
        if member.file_size > limit:
            raise ModelError(
                f"{path} cannot be loaded: {member.filename[:80]!r} inflates to "
                f"{member.file_size:,} bytes; the limit is {limit:,}."
            )


def _read_attributes(path: Path, *names: str) -> list[Any]:
    """Return the root attributes `names`, None for each that is missing."""
    # A `.keras` file is a zip archive, without attributes.
    if not h5py.is_hdf5(path):
        return [None] * len(names)
    try:
        with h5py.File(path, "r") as file:
            return [file.attrs.get(name) for name in names]
    except Exception as error:  # HDF5 reports damage as half a dozen types
        raise ModelError(
            f"The attributes of {path} cannot be read ({reason(error)}). Restore the file, or make "
            "it again with `make train`."
        ) from error


def read_thresholds(path: Path) -> str | None:
    """Return the thresholds in the file at `path` as JSON text, None if it has none.

    The text is not checked; the package of the recogniser knows its fields.

    Raises:
        ModelError: The file is damaged.
    """
    text: str | None
    (text,) = _read_attributes(path, ATTRIBUTE)
    return text


def write_thresholds(path: Path, text: str) -> None:
    """Store thresholds, as JSON text, in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[ATTRIBUTE] = text


def read_number_network(path: Path) -> str | None:
    """Return the description of the number network at `path` as JSON text, None if it has none.

    The text is not checked; `dlflask.numbers.characters` knows its fields.

    Raises:
        ModelError: The file is damaged.
    """
    text: str | None
    (text,) = _read_attributes(path, NUMBER_ATTRIBUTE)
    return text


def write_number_network(path: Path, text: str) -> None:
    """Store the description of a number network, as JSON text, in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[NUMBER_ATTRIBUTE] = text


def read_golden(path: Path) -> Golden | None:
    """Return the golden digits in the file at `path`, None if it has none.

    Raises:
        ModelError: An attribute is missing, or has a wrong shape or type.
    """
    stored = _read_attributes(path, DIGITS, OUTPUTS)
    if all(each is None for each in stored):
        return None
    digits, outputs = map(np.asarray, stored)
    if not (
        digits.dtype == np.uint8
        and digits.shape[1:] == (28, 28)
        and outputs.dtype == np.float32
        and outputs.ndim == 2
        and len(outputs) == len(digits) > 0
    ):
        raise ModelError(
            f"The golden digits in {path} are {digits.dtype} {digits.shape} with outputs "
            f"{outputs.dtype} {outputs.shape}; expected uint8 (N, 28, 28) and float32 (N, 10) or "
            f"(N, 11). Delete the attributes {DIGITS} and {OUTPUTS}, or make the file again with "
            "`make train`."
        )
    return Golden(digits, outputs)


def write_golden(path: Path, golden: Golden) -> None:
    """Store `golden` in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[DIGITS] = golden.digits
        file.attrs[OUTPUTS] = golden.outputs
