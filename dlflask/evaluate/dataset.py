"""Folders and `.npz` files in, labelled pictures out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Names of the arrays: plain sets, and the test part of `keras.datasets.mnist`.
_ARRAYS = (("x", "y"), ("x_test", "y_test"))


@dataclass(frozen=True)
class Picture:
    """One picture of a set.

    Attributes:
        name: Where it lies, from the named folder or file on.
        source: The group that the macro average is taken over.
        label: The digit it shows, or None where it shows no digit.
        load: Gives the bytes of the picture's file; may raise OSError.
    """

    name: str
    source: str
    label: int | None
    load: Callable[[], bytes]


@dataclass(frozen=True)
class Found:
    """Pictures of a set, and the names of files there that have no label."""

    pictures: list[Picture]
    unlabelled: list[str]


def find_digits(path: Path) -> Found:
    """Read a folder of `<label>/<file>` or `<source>/<label>/<file>`, or an `.npz` file.

    Raises:
        FileNotFoundError: There is nothing at `path`.
        ValueError: It holds no labelled pictures.
    """
    if path.suffix == ".npz":
        return Found(list(_read_arrays(path)), [])
    pictures, unlabelled = [], []
    for file, name, source in _walk(path):
        label = file.parent.name
        if len(label) == 1 and label in "0123456789":
            pictures.append(Picture(name, source, int(label), file.read_bytes))
        else:
            unlabelled.append(name)
    if not pictures:
        raise ValueError(
            f"{path} holds no labelled pictures; expected LABEL/FILE or SOURCE/LABEL/FILE with "
            "a digit as LABEL."
        )
    return Found(pictures, unlabelled)


def find_non_digits(path: Path) -> list[Picture]:
    """Read every picture of a folder of `<source>/<file>`.

    Raises:
        FileNotFoundError: There is nothing at `path`.
        ValueError: The folder is empty.
    """
    found = [Picture(name, source, None, file.read_bytes) for file, name, source in _walk(path)]
    if not found:
        raise ValueError(f"{path} is empty; expected pictures of what is no digit, SOURCE/FILE.")
    return found


def _walk(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Each file below `root` with its name and source; hidden files are the system's own."""
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder at {root}; name a folder or an .npz file.")
    whole = root.resolve().name
    for file in sorted(file for file in root.rglob("*") if file.is_file()):
        parts = file.relative_to(root).parts
        if parts[-1].startswith("."):
            continue
        folders = parts[:-1]
        is_source = folders and not (len(folders) == 1 and folders[0].isdigit())
        yield file, "/".join(parts), folders[0] if is_source else whole


def _read_arrays(path: Path) -> Iterator[Picture]:
    if not path.is_file():
        raise FileNotFoundError(f"There is no file at {path}.")
    with np.load(path) as npz:
        names = next((names for names in _ARRAYS if set(names) <= set(npz.files)), None)
        if names is None:
            raise ValueError(
                f"{path} holds {', '.join(npz.files)}; expected x and y, or x_test and y_test."
            )
        images, labels = npz[names[0]], npz[names[1]]
    if images.dtype != np.uint8 or len(images) != len(labels) or np.any(labels > 9):
        raise ValueError(
            f"{path} holds {images.dtype} {images.shape} and labels {labels.shape}; expected "
            "uint8 (N, height, width) with as many labels in 0..9."
        )
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = f"{path.stem}/{index}"
        yield Picture(name, path.stem, int(label), partial(encode_png, image))


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """A (height, width) or (height, width, 3) array as a PNG file, which loses nothing."""
    buffer = BytesIO()
    # MNIST's shape in Keras pipelines has a channel axis.
    Image.fromarray(image.squeeze()).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
