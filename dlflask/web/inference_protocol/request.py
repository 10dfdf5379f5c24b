"""The body of an inference request in, what is asked for out.

Source: as `tensors`.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlflask.errors import InvalidInferRequest
from dlflask.recogniser import OutputSpec
from dlflask.types import SIZE
from dlflask.web.inference_protocol.tensors import MAX_BATCH
from dlflask.web.json_upload import parse_json

INPUT = "image"

#: Longest id, which is sent back; clients send UUIDs.
MAX_ID_CHARACTERS = 1000

#: Of MAX_BATCH pictures nested down to lists of one number, and some for the rest.
MAX_BRACKETS = MAX_BATCH * (SIZE * SIZE + SIZE + 1) + 100
MAX_COMMAS = MAX_BATCH * SIZE * SIZE + 100

#: zlib's window for each `Content-Encoding`: 16 more is gzip's own header.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


@dataclass(frozen=True)
class Output:
    """One output that is asked for.

    Attributes:
        name: Name of one of the model's outputs.
        as_binary: Behind the JSON instead of in it.
        classes: Of `probabilities` only so many, the most probable first, as text; 0: all, as
            numbers.
    """

    name: str
    as_binary: bool
    classes: int


@dataclass(frozen=True)
class InferRequest:
    """What is asked.

    Attributes:
        tensor: The one input, as its JSON describes it.
        binary: Its data, where that came behind the JSON.
        outputs: In the order asked for.
        identifier: To be sent back, or None.
    """

    tensor: Mapping[str, Any]
    binary: bytes | None
    outputs: list[Output]
    identifier: str | None


def inflate(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Undo a `Content-Encoding` of gzip or deflate, up to `max_bytes`.

    Raises:
        InvalidInferRequest: It is another, the data are damaged, or would become larger.
    """
    if encoding.lower() in ("", "identity"):
        return body
    if encoding.lower() not in _WINDOWS:
        raise InvalidInferRequest(
            f"The request is encoded as {encoding[:20]!r}; expected gzip, deflate or none."
        )
    stream = zlib.decompressobj(_WINDOWS[encoding.lower()])
    try:
        inflated = stream.decompress(body, max_bytes)
    except zlib.error as fault:
        raise InvalidInferRequest(f"The {encoding} data are damaged ({fault}).") from fault
    if not stream.eof or stream.unused_data:
        raise InvalidInferRequest(
            f"The {encoding} data are cut off, or inflate to more than {max_bytes / 1e6:.1f} MB, "
            "or something follows them."
        )
    return inflated


def parse_infer_request(
    body: bytes, header_length: str | None, outputs: Mapping[str, OutputSpec]
) -> InferRequest:
    """Read the JSON, and the binary data behind it if `header_length` says where they begin.

    Args:
        body: Body of the request.
        header_length: Value of `Inference-Header-Content-Length`, if it was sent.
        outputs: The model's outputs.

    Raises:
        InvalidJson: The JSON is none.
        InvalidInferRequest: It asks for what is not there, or its sizes are wrong.
    """
    end = _header_end(body, header_length)
    document = parse_json(body[:end], MAX_BRACKETS, MAX_COMMAS)
    if not isinstance(document, dict):
        raise InvalidInferRequest("The JSON is no object; expected one with the key 'inputs'.")
    identifier = document.get("id")
    if not isinstance(identifier, str | None) or len(identifier or "") > MAX_ID_CHARACTERS:
        raise InvalidInferRequest(
            f"The id is not a string of up to {MAX_ID_CHARACTERS} characters."
        )
    tensor = _only_input(document.get("inputs"))
    return InferRequest(
        tensor, _binary(tensor, body[end:]), _outputs(document, outputs), identifier
    )


def _header_end(body: bytes, header_length: str | None) -> int:
    if header_length is None:
        return len(body)
    if not (header_length.isascii() and header_length.isdigit() and len(header_length) < 12):
        raise InvalidInferRequest(
            f"Inference-Header-Content-Length is {header_length[:20]!r}; expected a number."
        )
    if int(header_length) > len(body):
        raise InvalidInferRequest(
            f"Inference-Header-Content-Length is {header_length}; the body has {len(body)} bytes."
        )
    return int(header_length)


def _only_input(inputs: Any) -> Mapping[str, Any]:
    names = [one.get("name") if isinstance(one, dict) else one for one in _list(inputs)]
    if names != [INPUT]:
        raise InvalidInferRequest(f"The inputs are {names!r:.80}; expected one named {INPUT!r}.")
    tensor: Mapping[str, Any] = inputs[0]
    return tensor


def _binary(tensor: Mapping[str, Any], rest: bytes) -> bytes | None:
    parameters = _object(tensor.get("parameters"))
    if any(name.startswith("shared_memory") for name in parameters):
        raise InvalidInferRequest("Shared memory is not available. Send the data itself.")
    size = parameters.get("binary_data_size")
    if size is None and not rest:
        return None
    if type(size) is not int or size != len(rest) or "data" in tensor:
        raise InvalidInferRequest(
            f"The input's binary_data_size is {size!r:.20} and {len(rest)} bytes follow the JSON; "
            "expected the same number, no 'data' beside it, and the JSON's own length in the "
            "header Inference-Header-Content-Length."
        )
    return rest


def _outputs(document: Mapping[str, Any], known: Mapping[str, OutputSpec]) -> list[Output]:
    parameters = _object(document.get("parameters"))
    as_binary = _flag(parameters.get("binary_data_output", False))
    asked = document.get("outputs") or [{"name": name} for name in known]
    names = [one.get("name") if isinstance(one, dict) else one for one in _list(asked)]
    if not all(isinstance(name, str) and name in known for name in names) or (
        len(set(names)) != len(names)
    ):
        raise InvalidInferRequest(
            f"The outputs are {names!r:.80}; expected some of {', '.join(known)}, each once."
        )
    return [_output(one, as_binary=as_binary) for one in asked]


def _output(asked: Mapping[str, Any], *, as_binary: bool) -> Output:
    parameters = _object(asked.get("parameters"))
    classes = parameters.get("classification", 0)
    if type(classes) is not int or classes < 0 or (classes and asked["name"] != "probabilities"):
        raise InvalidInferRequest(
            f"The classification of {asked['name']} is {classes!r:.20}; expected a number of "
            "classes, of 'probabilities'."
        )
    return Output(asked["name"], _flag(parameters.get("binary_data", as_binary)), classes)


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict | None):
        raise InvalidInferRequest(f"The parameters are {value!r:.20}; expected an object.")
    return value or {}


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInferRequest(
            f"A flag for binary data is {value!r:.20}; expected true or false."
        )
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
