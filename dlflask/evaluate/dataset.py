"""Labelled images of digits, and images without a digit, from folders and `.npz` files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Names of the array of images and the array of labels in an `.npz` file. In the file of
#: `keras.datasets.mnist`, the second pair contains the test digits.
_ARRAYS = (("x", "y"), ("x_test", "y_test"))


@dataclass(frozen=True)
class LabelledImage:
    """One image of a dataset.

    Attributes:
        name: Path of the file, relative to the folder of the dataset. For an image in an `.npz`
            file, the name of this file and the index of the image.
        source: Origin of the image, such as one writer or one public set. This is the first
            folder in `name`. If `name` is a file name, or its only folder is the label, this is
            the name of the dataset.
        label: The digit or the number in the image, as text; None if the image shows no digit.
        load: Function that returns the bytes of the image file. It may raise OSError.
    """

    name: str
    source: str
    label: str | None
    load: Callable[[], bytes]


@dataclass(frozen=True)
class Dataset:
    """Labelled images, and the names of files without a label."""

    images: list[LabelledImage]
    without_label: list[str]


def find_digits(path: Path) -> Dataset:
    """Find the images of a folder or an `.npz` file, and their labels.

    Paths in the folder must have the form `<label>/<file>` or `<source>/.../<label>/<file>`.

    Raises:
        FileNotFoundError: `path` does not exist.
        ValueError: `path` contains no labelled images, or its arrays are not as expected.
    """
    if path.suffix == ".npz":
        return Dataset(list(_read_arrays(path)), [])
    images, without_label = [], []
    for file, name, source in _walk(path):
        if _is_label(file.parent.name):
            images.append(LabelledImage(name, source, file.parent.name, file.read_bytes))
        else:
            without_label.append(name)
    if not images:
        raise ValueError(
            f"{path} holds no labelled images; expected files named LABEL/FILE or "
            "SOURCE/LABEL/FILE, with a digit as LABEL."
        )
    return Dataset(images, without_label)


def find_non_digits(path: Path) -> list[LabelledImage]:
    """Return all files in a folder. All of them must be images that show no digit.

    Paths in the folder must have the form `<source>/.../<file>`.

    Raises:
        FileNotFoundError: `path` does not exist.
        ValueError: The folder is empty.
    """
    images = [
        LabelledImage(name, source, None, file.read_bytes) for file, name, source in _walk(path)
    ]
    if not images:
        raise ValueError(
            f"{path} is empty. Add images that show no digit, as SOURCE/FILE: one folder for each "
            "source."
        )
    return images


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """Encode a (height, width), (height, width, 1) or (height, width, 3) array as a PNG file."""
    buffer = BytesIO()
    Image.fromarray(image.squeeze()).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _is_label(name: str) -> bool:
    return len(name) == 1 and name in "0123456789"


def _walk(root: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield each file below `root`, with `name` and `source` as in `LabelledImage`.

    Hidden files are left out.
    """
    if not root.is_dir():
        raise FileNotFoundError(
            f"{root} is not a folder. Give the path of a folder or of an .npz file."
        )
    for file in sorted(file for file in root.rglob("*") if file.is_file()):
        *folders, name = file.relative_to(root).parts
        if name.startswith("."):
            continue
        has_source = folders and not (len(folders) == 1 and _is_label(folders[0]))
        yield file, "/".join((*folders, name)), folders[0] if has_source else root.resolve().name


def _read_arrays(path: Path) -> Iterator[LabelledImage]:
    if not path.is_file():
        raise FileNotFoundError(f"The file {path} does not exist.")
    with np.load(path) as npz:
        names = next((names for names in _ARRAYS if set(names) <= set(npz.files)), None)
        if names is None:
            raise ValueError(
                f"{path} holds the arrays {', '.join(npz.files)}; expected arrays named x and y, "
                "or x_test and y_test."
            )
        images, labels = npz[names[0]], npz[names[1]]
    if images.dtype != np.uint8:
        raise ValueError(
            f"The images in {path} have the type {images.dtype}; expected uint8 and the shape "
            "(number of images, height, width)."
        )
    if len(images) != len(labels):
        raise ValueError(
            f"The number of images in {path} is {len(images):,}, but the number of labels is "
            f"{len(labels):,}; expected one label for each image."
        )
    if (invalid := labels[(labels < 0) | (labels > 9)]).size:
        raise ValueError(f"{path} holds the label {invalid[0]}; expected labels from 0 to 9.")
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield LabelledImage(
            f"{path.stem}/{index}", path.stem, str(int(label)), partial(encode_png, image)
        )
