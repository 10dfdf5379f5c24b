"""Views of the Open Inference Protocol v2.

Errors under /v2 have the form `{"error": "..."}`. The module `problems` renders them.

Source: see the module `tensors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flask import Blueprint, Response, json, jsonify, request
from werkzeug.exceptions import NotFound

from dlflask import __version__
from dlflask.errors import DlflaskError
from dlflask.recogniser import Recogniser
from dlflask.web.inference_protocol.bytes_tensors import read_images
from dlflask.web.inference_protocol.output_tensors import encode_output
from dlflask.web.inference_protocol.request import INPUT, Output, parse_infer_request
from dlflask.web.inference_protocol.tensors import read_numbers, read_shape
from dlflask.web.middleware.environ import MODEL
from dlflask.web.state import current_state
from dlflask.web.uploads.limits import check_size

#: Version that is reported for every model. It never changes, because the parameter `sha256`
#: identifies the model file.
VERSION = "1"

_MODEL = "/models/<name>"
_VERSIONED = f"{_MODEL}/versions/{VERSION}"

blueprint = Blueprint("v2", __name__, url_prefix="/v2")


@blueprint.get("")
def server() -> Response:
    """Return the server's name, version and extensions."""
    extensions = ["binary_tensor_data", "classification"]
    return jsonify(name="dlflask", version=__version__, extensions=extensions)


@blueprint.get("/health/live")
def live() -> Response:
    """Return 200, which shows that the process responds."""
    return jsonify(live=True)


@blueprint.get("/health/ready")
def ready() -> tuple[Response, int]:
    """Return 200 if every model has passed its self-test and the worker is not draining."""
    is_ready = current_state().health.state == "ready"
    return jsonify(ready=is_ready), 200 if is_ready else 503


@blueprint.get(_MODEL + "/ready")
@blueprint.get(_VERSIONED + "/ready")
def model_ready(name: str) -> tuple[Response, int]:
    """Return 200 if this model has passed its self-test and the worker is not draining."""
    is_ready = _recogniser(name).is_ready and current_state().health.state == "ready"
    return jsonify(name=name, ready=is_ready), 200 if is_ready else 503


@blueprint.get(_MODEL)
@blueprint.get(_VERSIONED)
def model(name: str) -> Response:
    """Return the model's inputs and outputs. In a shape, -1 means any number of images."""
    info = _recogniser(name).info
    parameters = {"BYTES": f"image files, shape [-1], read as POST {info.address} reads them"}
    if info.input_shape:
        parameters |= {
            "FP32": "pixels from 0 (paper) to 1 (ink), not cropped or centred by the service",
            "UINT8": "pixels from 0 (paper) to 255 (ink), not cropped or centred by the service",
        }
    image = {
        "name": INPUT,
        "datatype": "FP32" if info.input_shape else "BYTES",
        "shape": [-1, *info.input_shape],
        "parameters": parameters,
    }
    outputs = [
        {"name": output, "datatype": datatype, "shape": [-1, *shape]}
        for output, (datatype, shape) in info.outputs.items()
    ]
    return jsonify(
        name=name,
        versions=[VERSION],
        platform="keras",
        inputs=[image],
        outputs=outputs,
        parameters={"sha256": info.sha256, **info.parameters},
    )


@blueprint.post(_MODEL + "/infer")
@blueprint.post(_VERSIONED + "/infer")
def infer(name: str) -> Response:
    """Return the requested outputs for each image of the input."""
    recogniser = _recogniser(name)
    info = recogniser.info
    body = request.get_data(cache=False)
    header_length = request.headers.get("Inference-Header-Content-Length")
    infer_request = parse_infer_request(body, header_length, info.outputs)
    read_shape(infer_request.tensor, info.input_shape)
    if infer_request.tensor["datatype"] == "BYTES":
        results = _read_images(recogniser, read_images(infer_request.tensor, infer_request.binary))
    else:
        current_state().admit(request.environ)
        tensors = read_numbers(infer_request.tensor, infer_request.binary, info.input_shape)
        results = recogniser.read_tensors(tensors)
        current_state().count(recogniser, results)
    encoded = [_encode(recogniser, output, results) for output in infer_request.outputs]
    document = {
        "model_name": name,
        "model_version": VERSION,
        "outputs": [tensor for tensor, _ in encoded],
    }
    if infer_request.identifier is not None:
        document["id"] = infer_request.identifier
    if not any(output.as_binary for output in infer_request.outputs):
        return jsonify(document)
    text = json.dumps(document).encode()
    response = Response(text + b"".join(binary for _, binary in encoded))
    response.mimetype = "application/octet-stream"
    response.headers["Inference-Header-Content-Length"] = str(len(text))
    return response


def _recogniser(name: str) -> Recogniser[Any]:
    recognisers = current_state().recognisers
    if name not in recognisers:
        raise NotFound(
            f"The model {name[:80]!r} does not exist; expected one of: {', '.join(recognisers)}. "
            f"Send the request to an address such as /v2/models/{next(iter(recognisers))}."
        )
    request.environ[MODEL] = name
    return recognisers[name]


def _read_images(recogniser: Recogniser[Any], images: list[bytes]) -> list[Any]:
    """Read all images. Raise the first error: the protocol does not have errors per image."""
    state = current_state()
    for image in images:
        check_size(len(image), state.config.max_upload_bytes)
    results = state.read_many(recogniser, images, request.environ)
    for number, result in enumerate(results):
        if isinstance(result, DlflaskError):
            raise type(result)(f"Image {number} of the input, counted from 0: {result}")
    return results


def _encode(
    recogniser: Recogniser[Any], output: Output, results: Sequence[Any]
) -> tuple[dict[str, Any], bytes]:
    datatype = recogniser.info.outputs[output.name].datatype
    values = recogniser.output(output.name, results)
    if output.num_classes:
        datatype, values = "BYTES", [_classes(row, output.num_classes) for row in values]
    return encode_output(output.name, datatype, values, as_binary=output.as_binary)


def _classes(probabilities: Any, num_classes: int) -> list[str]:
    """Return the `num_classes` most probable classes as `probability:index:label`.

    The index and the label of a class are the same digit.
    """
    order = np.argsort(-probabilities, kind="stable")[:num_classes]
    return [f"{probabilities[index]!s}:{index}:{index}" for index in order]
