"""Folders of pictures in, tensors out: what the thresholds are chosen on, never trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import DlflaskError
from dlflask.image import decode_image
from dlflask.preprocess import to_mnist


@dataclass(frozen=True)
class Pictures:
    """Pictures as the network sees them.

    Attributes:
        tensors: (N, 28, 28) float32 in 0..1.
        sources: (N,) the folder directly below the root that each came from.
        labels: (N,) int; the name of the folder each lies in, -1 where that is no digit.
        refused: How many of each source the service answers with a problem, like a blank page.
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
            tensors.append(to_mnist(decode_image(path.read_bytes())))
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
