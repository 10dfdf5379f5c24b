"""What a model file holds beside the network: the thresholds of the verdict.

They are JSON in an attribute of the file's root, where Keras does not look: the file stays a plain
Keras model.
"""

from __future__ import annotations

from pathlib import Path

import h5py

from dlflask.verdict import Thresholds

ATTRIBUTE = "dlflask"


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
