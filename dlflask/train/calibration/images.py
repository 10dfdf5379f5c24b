"""Development images in folders, which are used to choose thresholds, but not for training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.normalization import read_tensor
from dlflask.errors import DlflaskError
from dlflask.evaluate.dataset import LabelledImage


@dataclass(frozen=True)
class ImageSet:
    """Images as the network receives them.

    Attributes:
        tensors: (N, 28, 28) float32 in 0..1.
        sources: (N,) names of the images' sources, as in `LabelledImage`.
        labels: (N,) int64 labels, -1 for an image without a digit.
        refused: For each source, number of images that cause an error, such as blank images. The
            arrays above do not contain them.
    """

    tensors: NDArray[np.float32]
    sources: NDArray[np.str_]
    labels: NDArray[np.int64]
    refused: dict[str, int]


def read_images(found: Iterable[LabelledImage]) -> ImageSet:
    """Decode and normalise the images that `find_digits` or `find_non_digits` found."""
    tensors, sources, labels = [], [], []
    refused: Counter[str] = Counter()
    for image in found:
        try:
            tensors.append(read_tensor(image.load()))
        except DlflaskError:
            refused[image.source] += 1
            continue
        sources.append(image.source)
        labels.append(-1 if image.label is None else int(image.label))
    return ImageSet(
        np.array(tensors, np.float32).reshape(-1, 28, 28),
        np.array(sources, np.str_),
        np.array(labels, np.int64),
        dict(refused),
    )
