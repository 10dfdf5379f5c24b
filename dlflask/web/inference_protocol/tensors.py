"""Tensors of the Open Inference Protocol in, arrays or pictures out; and the other way round.

Source: the protocol's REST form and its binary tensor data extension, as KServe, Triton and
MLServer publish them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlflask.errors import InvalidBase64, InvalidInferRequest
from dlflask.types import Tensor
from dlflask.web.json_upload import base64_of, decode_base64

#: Pictures in one request; as many as POST /predictlabels takes.
MAX_BATCH = 256

#: How each type of numbers lies in binary data.
_BINARY: dict[str, np.dtype[Any]] = {
    "FP32": np.dtype("<f4"),
    "UINT8": np.dtype("u1"),
    "INT64": np.dtype("<i8"),
}

#: Of which types the numbers of each type are in JSON.
_IN_JSON: dict[str, set[type]] = {"FP32": {int, float}, "UINT8": {int}}

#: The largest number that stands for full ink.
_INK = {"FP32": 1, "UINT8": 255}

_LENGTH = struct.Struct("<I")


def read_shape(tensor: Mapping[str, Any], input_shape: tuple[int, ...]) -> list[int]:
    """Return the shape of an input: (N, *input_shape) of numbers, or (N,) of BYTES.

    A last axis of 1 is accepted too.

    Args:
        tensor: An input, as its JSON describes it.
        input_shape: Shape of one tensor of numbers; empty if the model reads image files only.

    Raises:
        InvalidInferRequest: It has another shape or type, or N is not 1 to `MAX_BATCH`.
    """
    datatype, shape = tensor.get("datatype"), tensor.get("shape")
    numbers = {"FP32": input_shape, "UINT8": input_shape} if input_shape else {}
    one = ({"BYTES": ()} | numbers).get(str(datatype))
    if one is None:
        raise InvalidInferRequest(
            f"The input is of type {datatype!r:.20}; expected FP32 of 0 to 1, UINT8 of 0 to 255, "
            "or BYTES of picture files."
        )
    if (
        not isinstance(shape, list)
        or not shape
        or any(type(side) is not int for side in shape)
        or tuple(shape[1:]) not in (one, (*one, 1))
        or not 1 <= shape[0] <= MAX_BATCH
    ):
        raise InvalidInferRequest(
            f"The input of type {datatype} has the shape {shape!r:.60}; expected "
            f"{['N', *one]} with N from 1 to {MAX_BATCH}."
        )
    return shape


def read_numbers(
    tensor: Mapping[str, Any], binary: bytes | None, input_shape: tuple[int, ...]
) -> Tensor:
    """Return the (N, *input_shape) float32 in 0..1 of an FP32 or UINT8 input.

    Raises:
        InvalidInferRequest: It does not hold as many numbers, or some are not in the range.
    """
    shape, datatype = read_shape(tensor, input_shape), tensor["datatype"]
    if binary is None:
        numbers = _numbers_in_json(tensor.get("data"), shape, datatype)
    else:
        kind = _BINARY[datatype]
        if len(binary) != math.prod(shape) * kind.itemsize:
            raise InvalidInferRequest(
                f"The input has {len(binary)} bytes of binary data; the shape {shape} of "
                f"{datatype} takes {math.prod(shape) * kind.itemsize}."
            )
        numbers = np.frombuffer(binary, kind)
    # NaN fails every comparison.
    if not (numbers.min() >= 0 and numbers.max() <= _INK[datatype]):
        raise InvalidInferRequest(
            f"The input holds numbers outside of 0 to {_INK[datatype]}; expected "
            f"{datatype} with paper = 0 and full ink = {_INK[datatype]}."
        )
    tensors = numbers.astype(np.float32).reshape(-1, *input_shape)
    return tensors / np.float32(255) if datatype == "UINT8" else tensors


def _numbers_in_json(data: Any, shape: list[int], datatype: str) -> NDArray[np.float64]:
    """Return the numbers in `data`, whose types are known before an array is made of them.

    NumPy would make an array of strings as wide as the longest of them.
    """
    values, lengths = _flatten(data)
    if not set(map(type, values)) <= _IN_JSON[datatype]:
        raise InvalidInferRequest(f"The input's data does not consist of {datatype} numbers.")
    if lengths not in ([math.prod(shape)], shape):
        raise InvalidInferRequest(
            f"The input's data has the shape {lengths!r:.60}; expected {shape}, or the same "
            f"as one list of {math.prod(shape)} numbers."
        )
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return np.array([np.inf])


def _flatten(data: Any) -> tuple[list[Any], list[int]]:
    """Return the values in nested lists, and the lengths of the lists at each depth.

    Raises:
        InvalidInferRequest: The lists at one depth differ in length.
    """
    values, lengths = [data], []
    while values and all(type(one) is list for one in values):
        found = set(map(len, values))
        if len(found) > 1:
            raise InvalidInferRequest(
                "The input's data is no tensor: its lists at one depth differ in length."
            )
        lengths.append(found.pop())
        values = list(chain.from_iterable(values))
    return values, lengths


def read_pictures(tensor: Mapping[str, Any], binary: bytes | None) -> list[bytes]:
    """The N picture files of a BYTES input: base64 in JSON, as they are in binary data.

    Raises:
        InvalidInferRequest: It does not hold as many, or one's length or base64 is wrong.
    """
    number = read_shape(tensor, ())[0]
    data = tensor.get("data")
    if binary is not None:
        elements: Sequence[Any] = _split(binary)
    else:
        elements = data if isinstance(data, list) else []
    if len(elements) != number:
        raise InvalidInferRequest(
            f"The input holds {len(elements)} pictures; its shape says {number}."
        )
    return list(elements) if binary is not None else _pictures_in_json(elements)


def _split(binary: bytes) -> list[bytes]:
    """Cut binary data into elements: each is its length as four bytes, and itself."""
    elements: list[bytes] = []
    at = 0
    while at < len(binary):
        if at + _LENGTH.size > len(binary):
            raise InvalidInferRequest("The binary data of BYTES ends within the length of one.")
        (length,) = _LENGTH.unpack_from(binary, at)
        at += _LENGTH.size
        if at + length > len(binary):
            raise InvalidInferRequest(
                f"Element {len(elements)} of BYTES is said to have {length} bytes; "
                f"{len(binary) - at} are left."
            )
        elements.append(binary[at : at + length])
        if len(elements) > MAX_BATCH:
            raise InvalidInferRequest(f"The binary data holds over {MAX_BATCH} pictures.")
        at += length
    return elements


def _pictures_in_json(elements: Sequence[Any]) -> list[bytes]:
    # A shape of (N, 1) may nest each in a list of its own.
    flat = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in elements]
    try:
        return [decode_base64(base64_of(one)) for one in flat]
    except InvalidBase64 as fault:
        raise InvalidInferRequest(str(fault)) from fault


def write_tensor(
    name: str, datatype: str, values: NDArray[Any] | Sequence[Sequence[str]], *, as_binary: bool
) -> tuple[dict[str, Any], bytes]:
    """An output as the JSON that describes it, and its binary data, empty unless `as_binary`.

    A float32 in JSON reads back to the same float32.
    """
    array = np.asarray(values)
    tensor: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(array.shape)}
    if not as_binary:
        return tensor | {"data": array.ravel().tolist()}, b""
    if datatype == "BYTES":
        elements = [str(element).encode() for element in array.ravel()]
        binary = b"".join(_LENGTH.pack(len(element)) + element for element in elements)
    else:
        binary = array.astype(_BINARY[datatype]).tobytes()
    return tensor | {"parameters": {"binary_data_size": len(binary)}}, binary
