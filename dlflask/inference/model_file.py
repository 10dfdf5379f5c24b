"""Facts that dlflask stores in an `.h5` model file, as attributes of the file's root group.

The facts are the thresholds of the verdict, the golden digits (test images, with the outputs of the
network for these images) and the description of a number network. Keras ignores the attributes, so
every version of Keras can load the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from dlflask.errors import ModelError
from dlflask.inference.model_graph import Golden

#: Names of the attributes.
THRESHOLDS_ATTRIBUTE = "dlflask"
NUMBER_NETWORK_ATTRIBUTE = "dlflask_number_network"
GOLDEN_DIGITS_ATTRIBUTE = "dlflask_golden_digits"
GOLDEN_OUTPUTS_ATTRIBUTE = "dlflask_golden_outputs"


def read_thresholds(path: Path) -> str | None:
    """Return the thresholds in the file at `path` as JSON text, None if the file has none.

    `Thresholds.from_json` checks the text later.
    """
    return _read_text(path, THRESHOLDS_ATTRIBUTE)


def write_thresholds(path: Path, text: str) -> None:
    """Store thresholds, as JSON text, in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[THRESHOLDS_ATTRIBUTE] = text


def read_number_network(path: Path) -> str | None:
    """Return the description in a number network's file as JSON text, None if the file has none.

    `dlflask.numbers.network` checks the text later.
    """
    return _read_text(path, NUMBER_NETWORK_ATTRIBUTE)


def write_number_network(path: Path, text: str) -> None:
    """Store the description of a number network, as JSON text, in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[NUMBER_NETWORK_ATTRIBUTE] = text


def _read_text(path: Path, name: str) -> str | None:
    # A `.keras` file is a zip archive, which does not have attributes.
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r") as file:
        text: str | None = file.attrs.get(name)
        return text


def read_golden(path: Path) -> Golden | None:
    """Return the golden digits in the `.h5` file at `path`, None if the file has none.

    Raises:
        ModelError: Only the digits or only their outputs exist, or a shape or type is wrong.
    """
    with h5py.File(path, "r") as file:
        return parse_golden(file.attrs)


def parse_golden(attributes: Mapping[str, Any]) -> Golden | None:
    """Return the golden digits in the attributes of a file, None if the file has none.

    Raises:
        ModelError: Only the digits or only their outputs exist, or a shape or type is wrong.
    """
    stored = [attributes.get(name) for name in (GOLDEN_DIGITS_ATTRIBUTE, GOLDEN_OUTPUTS_ATTRIBUTE)]
    if all(each is None for each in stored):
        return None
    if any(each is None for each in stored):
        names = [GOLDEN_DIGITS_ATTRIBUTE, GOLDEN_OUTPUTS_ATTRIBUTE]
        present, missing = names if stored[1] is None else names[::-1]
        raise ModelError(
            f"The file has the attribute {present}, but not {missing}. The attributes contain test "
            "images and the network's outputs for these images. A file must have both or none of "
            f"them. Delete {present}, or store both again with `python -m dlflask.train.golden`."
        )
    digits, outputs = map(np.asarray, stored)
    if not (
        digits.dtype == np.uint8
        and digits.shape[1:] == (28, 28)
        and outputs.dtype == np.float32
        and outputs.ndim == 2
        and len(outputs) == len(digits) > 0
    ):
        raise ModelError(
            f"The file has the attribute {GOLDEN_DIGITS_ATTRIBUTE}, {_describe(digits)}, and the "
            f"attribute {GOLDEN_OUTPUTS_ATTRIBUTE}, {_describe(outputs)}; expected test images "
            "(golden digits) as uint8 of shape (N, 28, 28), and their outputs as float32 of shape "
            "(N, 10), or (N, 11) with an output for non-digits. Delete both attributes, or store "
            "them again with `python -m dlflask.train.golden`."
        )
    return Golden(digits, outputs)


def _describe(array: NDArray[Any]) -> str:
    """Return the type and shape of an array."""
    return f"{array.dtype} of shape {array.shape}"


def write_golden(path: Path, golden: Golden) -> None:
    """Store `golden` in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[GOLDEN_DIGITS_ATTRIBUTE] = golden.digits
        file.attrs[GOLDEN_OUTPUTS_ATTRIBUTE] = golden.outputs
