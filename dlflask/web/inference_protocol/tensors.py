"""Shapes and numbers of input tensors.

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

#: Most images of one request, the same limit as for POST /predictlabels.
MAX_BATCH = 256

#: NumPy type of each type of numbers in binary data.
BINARY_TYPES: dict[str, np.dtype[Any]] = {
    "FP32": np.dtype("<f4"),
    "UINT8": np.dtype("u1"),
    "INT64": np.dtype("<i8"),
}

#: Python types of the numbers of each type in JSON.
_JSON_TYPES: dict[str, set[type]] = {"FP32": {int, float}, "UINT8": {int}}

#: Value of full ink in each type.
_FULL_INK = {"FP32": 1, "UINT8": 255}


def read_shape(tensor: Mapping[str, Any], input_shape: tuple[int, ...]) -> list[int]:
    """Check and return the shape of an input: (N, *input_shape) for numbers, (N,) for BYTES.

    Numbers may also be flat, (N, 784), have an axis of 1 for the channel, or be a single tensor
    without the first axis.

    Args:
        tensor: JSON object of the input.
        input_shape: Shape of one tensor of numbers; empty if the model reads image files only.

    Raises:
        InvalidInferRequest: The shape or the type is wrong, or N is not 1 to `MAX_BATCH`.
    """
    datatype, shape = tensor.get("datatype"), tensor.get("shape")
    numbers = {"FP32": input_shape, "UINT8": input_shape} if input_shape else {}
    one = ({"BYTES": ()} | numbers).get(str(datatype))
    if one is None:
        raise InvalidInferRequest(
            f"The input has the type {datatype!r:.20}; expected "
            f"{'FP32 (0 to 1), UINT8 (0 to 255) or ' if numbers else ''}BYTES (image files)."
        )
    if (
        not isinstance(shape, list)
        or not shape
        or any(type(side) is not int for side in shape)
        or not _is_batch(tuple(shape), one)
    ):
        batch = f"[{', '.join(map(str, ('N', *one)))}]"
        others = f", [N, {math.prod(one)}] or one image, {list(one)}," if one else ""
        raise InvalidInferRequest(
            f"The input of type {datatype} has the shape {shape!r:.60}; expected {batch}{others} "
            f"with N from 1 to {MAX_BATCH}."
        )
    return shape


def _is_batch(shape: tuple[int, ...], one: tuple[int, ...]) -> bool:
    """Return True if `shape` fits a batch of tensors of the shape `one`, or a single one."""
    layouts = [one, (*one, 1)]
    if one:
        flat = math.prod(one)
        layouts += [(1, *one), (flat,), (flat, 1)]
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
        input_shape: Shape of one tensor.

    Returns:
        (N, *input_shape) float32 in 0..1.

    Raises:
        InvalidInferRequest: The number of values is wrong, or one is out of range.
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
    # NaN fails every comparison.
    if not (numbers.min() >= 0 and numbers.max() <= _FULL_INK[datatype]):
        raise InvalidInferRequest(
            f"The input has numbers outside of 0 to {_FULL_INK[datatype]}; expected {datatype} "
            f"with 0 for paper and {_FULL_INK[datatype]} for full ink."
        )
    tensors = numbers.astype(np.float32).reshape(-1, *input_shape)
    return tensors / np.float32(255) if datatype == "UINT8" else tensors


def _numbers_in_json(data: Any, shape: list[int], datatype: str) -> NDArray[np.float64]:
    """Return the numbers in `data`.

    Their types are checked first, because NumPy would make every string as wide as the longest one.
    """
    values, lengths = _flatten(data)
    if not set(map(type, values)) <= _JSON_TYPES[datatype]:
        kinds = ", ".join(sorted({type(one).__name__ for one in values}))
        raise InvalidInferRequest(
            f"The input's data contain {kinds}; expected {datatype} numbers only."
        )
    if lengths not in ([math.prod(shape)], shape):
        raise InvalidInferRequest(
            f"The input's data have the shape {lengths!r:.60}; expected {shape}, or one list of "
            f"{math.prod(shape)} numbers."
        )
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return np.array([np.inf])


def _flatten(data: Any) -> tuple[list[Any], list[int]]:
    """Return the values in nested lists and the length of the lists at each depth.

    Raises:
        InvalidInferRequest: The lists at one depth differ in length.
    """
    values, lengths = [data], []
    while values and all(type(one) is list for one in values):
        found = set(map(len, values))
        if len(found) > 1:
            raise InvalidInferRequest(
                "The input's data are not a tensor: lists at the same depth differ in length. Send "
                "lists of equal length, or one flat list."
            )
        lengths.append(found.pop())
        values = list(chain.from_iterable(values))
    return values, lengths
