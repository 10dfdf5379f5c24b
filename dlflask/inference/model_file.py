"""Thresholds and golden digits stored in an `.h5` model file.

They and the description of a number network are attributes of the file's root. Keras ignores them,
so every version of Keras can load the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dlflask.errors import ModelError
from dlflask.inference.model_graph import Golden

ATTRIBUTE = "dlflask"
NUMBER_ATTRIBUTE = "dlflask_number_network"
DIGITS, OUTPUTS = "dlflask_golden_digits", "dlflask_golden_outputs"


def read_thresholds(path: Path) -> str | None:
    """Return the thresholds in the file at `path` as JSON text, None if it has none.

    The text is not checked here, but by `Thresholds.from_json` of the recogniser.
    """
    return _read_text(path, ATTRIBUTE)


def write_thresholds(path: Path, text: str) -> None:
    """Store thresholds, as JSON text, in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[ATTRIBUTE] = text


def read_number_network(path: Path) -> str | None:
    """Return the description of the number network at `path` as JSON text, None if it has none.

    The text is not checked; `dlflask.numbers.characters` knows its fields.
    """
    return _read_text(path, NUMBER_ATTRIBUTE)


def write_number_network(path: Path, text: str) -> None:
    """Store the description of a number network, as JSON text, in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[NUMBER_ATTRIBUTE] = text


def _read_text(path: Path, name: str) -> str | None:
    # A `.keras` file is a zip archive, without attributes.
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r") as file:
        text: str | None = file.attrs.get(name)
        return text


def read_golden(path: Path) -> Golden | None:
    """Return the golden digits in the `.h5` file at `path`, None if it has none.

    Raises:
        ModelError: Only one of both attributes is there, or one has a wrong shape or type.
    """
    with h5py.File(path, "r") as file:
        return golden_in(file.attrs)


def golden_in(attributes: Mapping[str, Any]) -> Golden | None:
    """Return the golden digits in the attributes of a file, None if it has none.

    Raises:
        ModelError: Only one of both attributes is there, or one has a wrong shape or type. The
            message starts with a verb, since the caller writes the name of the file before it.
    """
    stored = [attributes.get(name) for name in (DIGITS, OUTPUTS)]
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
            f"holds golden digits {digits.dtype} {digits.shape} with outputs {outputs.dtype} "
            f"{outputs.shape}; expected uint8 (N, 28, 28) and float32 (N, 10) or (N, 11). Delete "
            f"the attributes {DIGITS} and {OUTPUTS}, or store them again with `python -m "
            "dlflask.train.golden`."
        )
    return Golden(digits, outputs)


def write_golden(path: Path, golden: Golden) -> None:
    """Store `golden` in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[DIGITS] = golden.digits
        file.attrs[OUTPUTS] = golden.outputs
