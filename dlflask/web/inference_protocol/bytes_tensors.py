"""Tensors of the type BYTES. They contain image files in a request, and texts in a response.

Binary data are the bytes that follow the JSON in a body.

Source: see the module `tensors`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dlflask.errors import InvalidBase64, InvalidInferRequest
from dlflask.web.inference_protocol.tensors import MAX_BATCH, read_shape
from dlflask.web.json_upload import decode_base64, strip_data_url

#: Format of the length that precedes each element in binary data: four bytes, little-endian.
_LENGTH = struct.Struct("<I")


def read_images(tensor: Mapping[str, Any], binary: bytes | None) -> list[bytes]:
    """Return the image files of an input of shape (N,).

    In JSON the files are base64. In binary data the files are raw bytes.

    Args:
        tensor: JSON object of the input.
        binary: Binary data of the input, or None if the files are in the JSON.

    Raises:
        InvalidInferRequest: The number of images is not N, or the length or the base64 of an image
            is not valid.
    """
    num_images = read_shape(tensor, ())[0]
    if binary is not None:
        elements: Sequence[Any] = _split(binary)
    else:
        data = tensor.get("data")
        elements = data if isinstance(data, list) else []
    if len(elements) != num_images:
        raise InvalidInferRequest(
            f"The input has {len(elements)} images, but its shape is for {num_images}. Send the "
            "shape [N], where N is the number of images."
        )
    return list(elements) if binary is not None else _decode(elements)


def _split(binary: bytes) -> list[bytes]:
    """Split binary data into elements. Four bytes before each element give its length."""
    elements: list[bytes] = []
    start = 0
    while start < len(binary):
        if start + _LENGTH.size > len(binary):
            raise InvalidInferRequest(
                "The binary data are cut off in the four bytes that give the length of element "
                f"{len(elements)}, counted from 0. Before each file, send its length as a 32-bit "
                "integer, little-endian."
            )
        (length,) = _LENGTH.unpack_from(binary, start)
        start += _LENGTH.size
        if start + length > len(binary):
            raise InvalidInferRequest(
                f"Element {len(elements)} of the binary data, counted from 0, has a length of "
                f"{length} bytes, but only {len(binary) - start} bytes follow. Before each file, "
                "send its length as a 32-bit integer, little-endian."
            )
        elements.append(binary[start : start + length])
        if len(elements) > MAX_BATCH:
            raise InvalidInferRequest(
                f"The binary data contain more than {MAX_BATCH} images, which is the limit. "
                "Send the other images in further requests."
            )
        start += length
    return elements


def _decode(elements: Sequence[Any]) -> list[bytes]:
    # Clients that send the shape (N, 1) put each element into its own list.
    flat = [each[0] if isinstance(each, list) and len(each) == 1 else each for each in elements]
    try:
        return [decode_base64(strip_data_url(text)) for text in flat]
    except InvalidBase64 as error:
        raise InvalidInferRequest(str(error)) from error


def join_texts(texts: Iterable[str]) -> bytes:
    """Return texts as binary data in UTF-8. Four bytes before each text give its length."""
    elements = [text.encode() for text in texts]
    return b"".join(_LENGTH.pack(len(element)) + element for element in elements)
