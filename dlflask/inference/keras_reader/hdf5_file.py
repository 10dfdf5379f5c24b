"""Checks of an HDF5 file before anything in it is used.

The checks are necessary because an HDF5 file can refer to other files, declare values that it does
not contain, and have links that form a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from dlflask.errors import ModelError

#: Maximum size in bytes of all weights in a file, and maximum number of objects (groups and
#: datasets). The largest network in Keras's documentation has 88 million weights in 300 layers.
MAX_WEIGHTS_BYTES, MAX_OBJECTS = 1024**3, 20_000

#: Maximum size in bytes of the text in an attribute, and of a JSON file in a `.keras` archive.
MAX_TEXT_BYTES = 16 * 1024**2

#: NumPy's letters for the kinds of numbers: float, signed and unsigned integer, boolean.
_NUMBERS = "fiub"

_SAVE_AGAIN = "Save the model again with `model.save`."


def open_hdf5(file: BinaryIO) -> Any:
    """Open `file` and check every object in it.

    Raises:
        ModelError: The file is damaged, refers to other files, or lacks values that it declares.
    """
    try:
        opened = h5py.File(file, "r")
        _check(opened)
    except ModelError:
        raise
    except Exception as error:  # h5py may raise any exception for a damaged file
        raise ModelError(
            f"The file is damaged or incomplete ({type(error).__name__}). Copy or download it "
            "again."
        ) from error
    return opened


def read_values(dataset: Any) -> NDArray[np.float32]:
    """Return the numbers in `dataset` as float32.

    Raises:
        ModelError: `dataset` is not a dataset of numbers.
    """
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in _NUMBERS:
        raise ModelError(f"The weights {dataset.name[:80]!r} are not numbers. {_SAVE_AGAIN}")
    values: NDArray[np.float32] = np.asarray(dataset[()], np.float32)
    return values


def read_text(attributes: Any, name: str) -> str | None:
    """Return the attribute `name` as text, None if it is missing."""
    value = attributes.get(name)
    if value is None:
        return None
    if isinstance(value, np.ndarray | h5py.Empty):
        raise ModelError(f"The attribute {name!r} of the file is not a text. {_SAVE_AGAIN}")
    if len(value) > MAX_TEXT_BYTES:
        raise ModelError(
            f"The attribute {name!r} of the file has {len(value):,} bytes; the limit is "
            f"{MAX_TEXT_BYTES:,}. {_SAVE_AGAIN}"
        )
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def read_names(attributes: Any, name: str) -> list[str]:
    """Return the list of names in the attribute `name`.

    Keras splits a long list into the attributes `name`0, `name`1 and so on.
    """
    if name in attributes:
        parts = [attributes[name]]
    else:
        numbered = (f"{name}{number}" for number in range(MAX_OBJECTS))
        parts = []
        for part in numbered:
            if part not in attributes:
                break
            parts.append(attributes[part])
    return [
        each.decode(errors="replace") if isinstance(each, bytes) else str(each)
        for part in parts
        for each in np.atleast_1d(part)
    ]


def datasets(group: Any) -> Iterator[Any]:
    """Yield every dataset below `group` once, even if several links lead to it."""
    seen, waiting = set(), [group]
    while waiting:
        item = waiting.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        if len(seen) > MAX_OBJECTS:
            raise ModelError(
                f"The file exceeds the limit of {MAX_OBJECTS:,} objects. {_SAVE_AGAIN}"
            )
        if isinstance(item, h5py.Dataset):
            yield item
        elif isinstance(item, h5py.Group):
            waiting.extend(_children(item))


def _children(group: Any) -> Iterator[Any]:
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            # Do not follow the link, because it may lead to another file.
            raise ModelError(
                f"The file contains {name[:80]!r}, a link to another place, instead of values. "
                f"{_SAVE_AGAIN}"
            )
        yield group[name]


def _check(opened: Any) -> None:
    total_bytes = 0
    for dataset in datasets(opened):
        name = dataset.name[:80]
        if dataset.is_virtual or dataset.external:
            raise ModelError(f"The values of {name!r} are in another file. {_SAVE_AGAIN}")
        if dataset.dtype.kind not in _NUMBERS:
            continue
        # Count at least 4 bytes per number, because `read_values` converts to float32.
        total_bytes += dataset.size * max(dataset.dtype.itemsize, 4)
        # Compressed values may take only a few bytes, so require only one byte.
        is_compressed = dataset.chunks is not None and dataset.compression is not None
        min_bytes = 1 if is_compressed else dataset.nbytes
        if dataset.id.get_storage_size() < min_bytes and dataset.size:
            raise ModelError(
                f"The file should contain {dataset.size:,} values of {name!r}, but some values are "
                f"missing. Copy or download the file again. {_SAVE_AGAIN}"
            )
        if total_bytes > MAX_WEIGHTS_BYTES:
            raise ModelError(
                f"The weights exceed the limit of {MAX_WEIGHTS_BYTES:,} bytes. Serve a smaller "
                "network."
            )
