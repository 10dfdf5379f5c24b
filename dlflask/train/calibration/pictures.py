"""Development images in folders. They choose the thresholds and are never trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlflask.digits.normalization import read_tensor
from dlflask.errors import DlflaskError


@dataclass(frozen=True)
class Pictures:
    """Images as the network receives them.

    Attributes:
        tensors: (N, 28, 28) float32 in 0..1.
        sources: (N,) names of their folders directly below the root.
        labels: (N,) int64 labels, by the names of their folders; -1 for non-digits.
        refused: Number of images of each source that cause an error, such as blank ones.
    """

    tensors: NDArray[np.float32]
    sources: NDArray[np.str_]
    labels: NDArray[np.int64]
    refused: dict[str, int]


def read_pictures(root: Path) -> Pictures:
    """Read `root/<source>/.../<label>/<file>`, or `root/<source>/<file>` without labels."""
    tensors, sources, labels = [], [], []
    refused: dict[str, int] = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        source = path.relative_to(root).parts[0]
        try:
            tensors.append(read_tensor(path.read_bytes()))
        except DlflaskError:
            refused[source] = refused.get(source, 0) + 1
            continue
        sources.append(source)
        name = path.parent.name
        labels.append(int(name) if len(name) == 1 and name.isdigit() else -1)
    shape = (-1, 28, 28)
    return Pictures(
        np.array(tensors, np.float32).reshape(shape), np.array(sources), np.array(labels), refused
    )
