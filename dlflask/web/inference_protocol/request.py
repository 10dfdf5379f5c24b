"""Parsing of an inference request.

The body of a request is JSON, or JSON followed by binary data.

Source: see the module `tensors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dlflask.errors import InvalidInferRequest
from dlflask.recogniser import OutputSpec
from dlflask.types import SIZE
from dlflask.web.inference_protocol.tensors import MAX_BATCH
from dlflask.web.json_upload import parse_json

#: Name of the only input of every model.
INPUT = "image"

#: Maximum length of an id in characters. It is limited because the response repeats the id. Most
#: clients send a UUID.
MAX_ID_CHARACTERS = 1000

#: Maximum number of opening brackets and of commas in the JSON. These numbers suffice for MAX_BATCH
#: images as nested lists, with 100 of each for the rest of the JSON.
MAX_BRACKETS = MAX_BATCH * (SIZE * SIZE + SIZE + 1) + 100
MAX_COMMAS = MAX_BATCH * SIZE * SIZE + 100


@dataclass(frozen=True)
class Output:
    """A requested output.

    Attributes:
        name: Name of one of the model's outputs.
        as_binary: True to send the values after the JSON, False to send them in the JSON.
        num_classes: Number of classes to return as text, the most probable classes first. If 0, all
            values are returned as numbers.
    """

    name: str
    as_binary: bool
    num_classes: int


@dataclass(frozen=True)
class InferRequest:
    """An inference request.

    Attributes:
        tensor: JSON object of the only input.
        binary: Binary data of the input, or None if the data are in the JSON.
        outputs: Requested outputs, in the order of the request.
        identifier: Id to return in the response, or None.
    """

    tensor: Mapping[str, Any]
    binary: bytes | None
    outputs: list[Output]
    identifier: str | None


def parse_infer_request(
    body: bytes, header_length: str | None, outputs: Mapping[str, OutputSpec]
) -> InferRequest:
    """Parse an inference request: the JSON, and the binary data that follow the JSON.

    Args:
        body: Body of the request.
        header_length: Value of `Inference-Header-Content-Length`, the length of the JSON in bytes.
            None if the whole body is JSON.
        outputs: Outputs of the model.

    Raises:
        InvalidJson: The JSON is not valid.
        InvalidInferRequest: An input or output is unknown, the input is missing, an output is
            requested twice, or a size or a parameter is wrong.
    """
    json_length = _json_length(body, header_length)
    document = parse_json(body[:json_length], MAX_BRACKETS, MAX_COMMAS)
    if not isinstance(document, dict):
        raise InvalidInferRequest(
            "The JSON is not an object; expected an object with the key 'inputs'."
        )
    identifier = document.get("id")
    if not isinstance(identifier, str | None) or len(identifier or "") > MAX_ID_CHARACTERS:
        raise InvalidInferRequest(
            f"The id is {identifier!r:.20}; expected a string of at most {MAX_ID_CHARACTERS} "
            "characters. Send such an id or leave it out."
        )
    tensor = _only_input(document.get("inputs"))
    return InferRequest(
        tensor, _binary(tensor, body[json_length:]), _outputs(document, outputs), identifier
    )


def _json_length(body: bytes, header_length: str | None) -> int:
    if header_length is None:
        return len(body)
    if not (header_length.isascii() and header_length.isdigit() and len(header_length) < 12):
        raise InvalidInferRequest(
            f"Inference-Header-Content-Length is {header_length[:20]!r}; expected the length of "
            "the JSON in bytes."
        )
    if int(header_length) > len(body):
        raise InvalidInferRequest(
            f"Inference-Header-Content-Length is {header_length}, but the body has {len(body)} "
            "bytes; expected the length of the JSON in bytes."
        )
    return int(header_length)


def _only_input(inputs: Any) -> Mapping[str, Any]:
    names = [tensor.get("name") for tensor in _check_objects(inputs, "inputs")]
    if names != [INPUT]:
        raise InvalidInferRequest(
            f"The inputs are {names!r:.80}; expected a single input with the name {INPUT!r}."
        )
    only_input: Mapping[str, Any] = inputs[0]
    return only_input


def _binary(tensor: Mapping[str, Any], after_json: bytes) -> bytes | None:
    """Return `after_json` as the binary data of the input, or None if the data are in the JSON."""
    parameters = _check_parameters(tensor.get("parameters"))
    if any(name.startswith("shared_memory") for name in parameters):
        raise InvalidInferRequest(
            "The input is in shared memory, which is not supported. Send the data in the request."
        )
    size = parameters.get("binary_data_size")
    if size is None and not after_json:
        return None
    if "data" in tensor:
        raise InvalidInferRequest(
            "The input has both 'data' and binary data after the JSON. Leave out one of them."
        )
    if type(size) is not int or size != len(after_json):
        raise InvalidInferRequest(
            f"The input's binary_data_size is {size!r:.20}, but {len(after_json)} bytes follow the "
            "JSON. Set binary_data_size to the number of bytes after the JSON, and the header "
            "Inference-Header-Content-Length to the length of the JSON."
        )
    return after_json


def _outputs(document: Mapping[str, Any], known: Mapping[str, OutputSpec]) -> list[Output]:
    parameters = _check_parameters(document.get("parameters"))
    as_binary = _flag(parameters, "binary_data_output", default=False)
    all_outputs = [{"name": name} for name in known]
    requested = _check_objects(document.get("outputs") or all_outputs, "outputs")
    names = [output.get("name") for output in requested]
    if not all(isinstance(name, str) and name in known for name in names):
        raise InvalidInferRequest(
            f"The requested outputs are {names!r:.80}; expected names from this list: "
            f"{', '.join(known)}."
        )
    if len(set(names)) != len(names):
        raise InvalidInferRequest(
            f"The requested outputs are {names!r:.80}; expected each name only once."
        )
    return [_output(output, as_binary=as_binary) for output in requested]


def _output(requested: Mapping[str, Any], *, as_binary: bool) -> Output:
    name, parameters = requested["name"], _check_parameters(requested.get("parameters"))
    num_classes = parameters.get("classification", 0)
    if type(num_classes) is not int or num_classes < 0:
        raise InvalidInferRequest(
            f"The parameter `classification` of the output {name!r} is {num_classes!r:.20}; "
            "expected the number of classes, as an integer of 0 or more."
        )
    if num_classes and name != "probabilities":
        raise InvalidInferRequest(
            f"The output {name!r} has the parameter `classification`. Only the output "
            "'probabilities' may have this parameter."
        )
    return Output(name, _flag(parameters, "binary_data", default=as_binary), num_classes)


def _check_parameters(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict | None):
        raise InvalidInferRequest(f"The parameters are {value!r:.20}; expected an object.")
    return value or {}


def _flag(parameters: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise InvalidInferRequest(f"The parameter {name} is {value!r:.20}; expected true or false.")
    return value


def _check_objects(value: Any, key: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise InvalidInferRequest(
            f"The {key} are {value!r:.80}; expected a list of objects with the key 'name'."
        )
    return value
