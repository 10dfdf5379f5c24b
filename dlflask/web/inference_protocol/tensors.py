"""Shapes and numbers of input tensors.

Binary data are the bytes that follow the JSON in a body.

Source: the protocol's REST form and its binary tensor data extension, as published by KServe,
Triton and MLServer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import InvalidInferRequest
from dlflask.types import Tensor

#: Maximum number of images in one request, as for POST /predictlabels.
MAX_BATCH = 256

#: NumPy type of the values in binary data, for each data type of the protocol.
BINARY_TYPES: dict[str, np.dtype[Any]] = {
    "FP32": np.dtype("<f4"),
    "UINT8": np.dtype("u1"),
    "INT64": np.dtype("<i8"),
}

#: Python types that the JSON parser returns for valid values of each data type.
_JSON_TYPES: dict[str, set[type]] = {"FP32": {int, float}, "UINT8": {int}}

#: Value that means full ink in each data type. 0 means paper.
_FULL_INK = {"FP32": 1, "UINT8": 255}


def read_shape(tensor: Mapping[str, Any], input_shape: tuple[int, ...]) -> list[int]:
    """Check and return the shape of an input: (N, *input_shape) for numbers, (N,) for BYTES.

    For numbers, each image may also be a flat list, as in (N, 784). It may also have a channel axis
    of length 1 before or after its other axes. A single image may lack the axis N. BYTES may also
    have the shape (N, 1).

    Args:
        tensor: JSON object of the input.
        input_shape: Shape of the numbers of one image. Empty if the model reads image files only.

    Raises:
        InvalidInferRequest: The shape or the data type is wrong, or N is not from 1 to `MAX_BATCH`.
    """
    datatype, shape = tensor.get("datatype"), tensor.get("shape")
    number_shapes = {"FP32": input_shape, "UINT8": input_shape} if input_shape else {}
    image_shape = ({"BYTES": ()} | number_shapes).get(str(datatype))
    if image_shape is None:
        raise InvalidInferRequest(
            f"The input has the datatype {datatype!r:.20}; expected "
            f"{'FP32 (0 to 1), UINT8 (0 to 255) or ' if number_shapes else ''}BYTES (image files)."
        )
    if (
        not isinstance(shape, list)
        or not shape
        or any(type(side) is not int for side in shape)
        or not _is_accepted(tuple(shape), image_shape)
    ):
        batch = f"[{', '.join(map(str, ('N', *image_shape)))}]"
        if image_shape:
            batch += f" or [N, {math.prod(image_shape)}], or {list(image_shape)} for one image"
        raise InvalidInferRequest(
            f"The input with the datatype {datatype} has the shape {shape!r:.60}; expected "
            f"{batch}. N is the number of images, from 1 to {MAX_BATCH}."
        )
    return shape


def _is_accepted(shape: tuple[int, ...], image_shape: tuple[int, ...]) -> bool:
    """Return True if `shape` is one of the shapes that `read_shape` accepts."""
    layouts = [image_shape, (*image_shape, 1)]
    if image_shape:
        flat = math.prod(image_shape)
        layouts += [(1, *image_shape), (flat,), (flat, 1)]
        if shape in layouts:
            return True
    return shape[1:] in layouts and 1 <= shape[0] <= MAX_BATCH


def read_numbers(
    tensor: Mapping[str, Any], binary: bytes | None, input_shape: tuple[int, ...]
) -> Tensor:
    """Return the values of an FP32 or UINT8 input.

    Args:
        tensor: JSON object of the input.
        binary: Binary data of the input, or None if the numbers are in the JSON.
        input_shape: Shape of one image.

    Returns:
        Array of shape (N, *input_shape) and type float32, with values in 0..1.

    Raises:
        InvalidInferRequest: The shape or the number of values is wrong, or a value is not a number
            or is out of range.
    """
    shape, datatype = read_shape(tensor, input_shape), tensor["datatype"]
    if binary is None:
        numbers = _numbers_in_json(tensor.get("data"), shape, datatype)
    else:
        dtype = BINARY_TYPES[datatype]
        if len(binary) != math.prod(shape) * dtype.itemsize:
            raise InvalidInferRequest(
                f"The input has {len(binary)} bytes of binary data; expected "
                f"{math.prod(shape) * dtype.itemsize} for the shape {shape} of {datatype}."
            )
        numbers = np.frombuffer(binary, dtype)
    # Comparisons with NaN are false, so this form of the condition also rejects NaN.
    if not (numbers.min() >= 0 and numbers.max() <= _FULL_INK[datatype]):
        raise InvalidInferRequest(
            f"The input has numbers outside of 0 to {_FULL_INK[datatype]}; expected "
            f"{datatype} numbers from 0 (paper) to {_FULL_INK[datatype]} (full ink)."
        )
    tensors = numbers.astype(np.float32).reshape(-1, *input_shape)
    return tensors / np.float32(255) if datatype == "UINT8" else tensors


def _numbers_in_json(data: Any, shape: list[int], datatype: str) -> NDArray[np.float64]:
    """Return the numbers in `data` as a flat array.

    Check the types of the values first. From a list with strings, NumPy would make an array whose
    elements are all as wide as the longest string. Such an array can take a lot of memory.
    """
    values, lengths = _flatten(data)
    if not set(map(type, values)) <= _JSON_TYPES[datatype]:
        types = ", ".join(sorted({type(value).__name__ for value in values}))
        raise InvalidInferRequest(
            f"The input's data contain {types}; expected {datatype} numbers only."
        )
    if lengths not in ([math.prod(shape)], shape):
        raise InvalidInferRequest(
            f"The input's data have the shape {lengths!r:.60}; expected {shape}, or one list of "
            f"{math.prod(shape)} numbers."
        )
    try:
        return np.array(values, np.float64)
    except OverflowError:
        # An integer is too large for float64. Return infinity, which the caller rejects.
        return np.array([np.inf])


def _flatten(data: Any) -> tuple[list[Any], list[int]]:
    """Return all values of nested lists as one list, and the length of the lists at each depth.

    Raises:
        InvalidInferRequest: Lists at the same depth differ in length.
    """
    values, lengths = [data], []
    while values and all(type(value) is list for value in values):
        lengths_here = set(map(len, values))
        if len(lengths_here) > 1:
            raise InvalidInferRequest(
                "The input's data are not a tensor: lists at the same depth differ in length. Send "
                "lists of equal length, or one flat list."
            )
        lengths.append(lengths_here.pop())
        values = list(chain.from_iterable(values))
    return values, lengths
