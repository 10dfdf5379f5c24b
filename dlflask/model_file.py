"""What a model file holds beside the network: the thresholds of the verdict, and golden digits.

They are attributes of the file's root, where Keras does not look: the file stays a plain Keras
model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from dlflask.verdict import Thresholds

ATTRIBUTE = "dlflask"
DIGITS, OUTPUTS = "dlflask_golden_digits", "dlflask_golden_outputs"


@dataclass(frozen=True, eq=False)
class Golden:
    """Digits and what the network said of them where it was made.

    Attributes:
        digits: (N, 28, 28) uint8, ink = 255.
        outputs: (N, 10) or (N, 11) float32, of the digits divided by 255.
    """

    digits: NDArray[np.uint8]
    outputs: NDArray[np.float32]


def read_thresholds(path: Path) -> Thresholds | None:
    """The thresholds in the file at `path`; None where there are none, as in a plain Keras model.

    Raises:
        ModelError: The attribute is there and cannot be read.
    """
    # A `.keras` file, which Keras loads as well, is a zip archive.
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r") as file:
        text = file.attrs.get(ATTRIBUTE)
    return None if text is None else Thresholds.from_json(text)


def write_thresholds(path: Path, thresholds: Thresholds) -> None:
    """Store `thresholds` in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[ATTRIBUTE] = thresholds.to_json()


def read_golden(path: Path) -> Golden | None:
    """The golden digits in the file at `path`; None where there are none."""
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r") as file:
        if OUTPUTS not in file.attrs:
            return None
        return Golden(file.attrs[DIGITS], file.attrs[OUTPUTS])


def write_golden(path: Path, golden: Golden) -> None:
    """Store `golden` in the `.h5` file at `path`."""
    with h5py.File(path, "r+") as file:
        file.attrs[DIGITS] = golden.digits
        file.attrs[OUTPUTS] = golden.outputs
