"""MNIST as uint8 arrays in the layout of `keras.datasets.mnist`, split for training."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Environment variable with the path of a local `mnist.npz`, for machines without a network.
MNIST_VARIABLE = "MNIST_NPZ"

#: Number of training digits that are held back for validation.
NUM_VALIDATION = 5_000

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Mnist:
    """MNIST split into training, validation and test digits.

    Images are (N, 28, 28) uint8 with ink = 255 and paper = 0. Labels are (N,) uint8 in 0..9.
    """

    x_train: Images
    y_train: Labels
    x_validation: Images
    y_validation: Labels
    x_test: Images
    y_test: Labels

    def head(self, num_train: int) -> Mnist:
        """Return the data with only the first `num_train` training digits, for a fast run."""
        return Mnist(
            self.x_train[:num_train],
            self.y_train[:num_train],
            self.x_validation,
            self.y_validation,
            self.x_test,
            self.y_test,
        )


def load_mnist(path: str | Path | None = None) -> Mnist:
    """Load MNIST from `path`, else from the file that `MNIST_NPZ` names, else by `keras.datasets`.

    The last 5,000 training digits are always the validation digits, so that runs with different
    seeds are compared on the same digits.

    Raises:
        FileNotFoundError: The file does not exist.
        ConnectionError: MNIST cannot be downloaded.

    Source: LeCun, Cortes, Burges, The MNIST Database of Handwritten Digits, 1998.
    """
    path = path or os.environ.get(MNIST_VARIABLE)
    arrays = _read(Path(path)) if path else _download()
    x_train, y_train, x_test, y_test = arrays
    cut = len(x_train) - NUM_VALIDATION
    return Mnist(x_train[:cut], y_train[:cut], x_train[cut:], y_train[cut:], x_test, y_test)


def _read(path: Path) -> tuple[Images, Labels, Images, Labels]:
    if not path.is_file():
        raise FileNotFoundError(
            f"The MNIST file {path} does not exist. Point --data or {MNIST_VARIABLE} at an "
            "mnist.npz with x_train, y_train, x_test and y_test, or leave both out to download "
            "MNIST."
        )
    with np.load(path) as npz:
        return npz["x_train"], npz["y_train"], npz["x_test"], npz["y_test"]


def _download() -> tuple[Images, Labels, Images, Labels]:
    from keras.datasets import mnist  # noqa: PLC0415  Keras takes seconds to import

    try:
        arrays: Any = mnist.load_data()
    except Exception as error:  # Keras does not raise a more specific exception
        raise ConnectionError(
            f"MNIST cannot be downloaded ({error}). Set {MNIST_VARIABLE} to the path of a local "
            "mnist.npz with x_train, y_train, x_test and y_test."
        ) from error
    (x_train, y_train), (x_test, y_test) = arrays
    return x_train, y_train, x_test, y_test
