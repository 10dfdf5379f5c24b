"""The Open Inference Protocol v2, which KServe, Triton and MLServer speak, as views of its own.

Faults are answered as `{"error": "..."}`, which `problems` does for every address under /v2.

Source: as `tensors`.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from flask import Blueprint, Response, json, jsonify, request

from dlflask import __version__
from dlflask.digits.batch import read_digits
from dlflask.digits.normalization import Tensor
from dlflask.digits.prediction import Prediction
from dlflask.digits.reading import milliseconds_between
from dlflask.errors import DlflaskError
from dlflask.web.inference_protocol.request import (
    INPUT,
    OUTPUTS,
    Output,
    inflate,
    parse_infer_request,
)
from dlflask.web.inference_protocol.tensors import (
    SIDE,
    read_numbers,
    read_pictures,
    read_shape,
    write_tensor,
)
from dlflask.web.state import current_service
from dlflask.web.uploads import check_size

MODEL = "mnist"
#: The protocol names versions; which file it is, its SHA-256 tells.
VERSION = "1"

blueprint = Blueprint("v2", __name__, url_prefix="/v2")

_MODEL = f"/models/{MODEL}"
_VERSIONED = f"{_MODEL}/versions/{VERSION}"


@blueprint.get("")
def server() -> Response:
    """The server's name, version and extensions."""
    extensions = ["binary_tensor_data", "classification"]
    return jsonify(name="dlflask", version=__version__, extensions=extensions)


@blueprint.get("/health/live")
def live() -> Response:
    """The process answers."""
    return jsonify(live=True)


@blueprint.get("/health/ready")
def ready() -> tuple[Response, int]:
    """The model is loaded, compiled and self-tested."""
    is_ready = current_service().readiness.state == "ready"
    return jsonify(ready=is_ready), 200 if is_ready else 503


@blueprint.get(_MODEL + "/ready")
@blueprint.get(_VERSIONED + "/ready")
def model_ready() -> tuple[Response, int]:
    """The same, of the one model."""
    is_ready = current_service().readiness.state == "ready"
    return jsonify(name=MODEL, ready=is_ready), 200 if is_ready else 503


@blueprint.get(_MODEL)
@blueprint.get(_VERSIONED)
def model() -> Response:
    """The model's inputs and outputs; -1 is the number of pictures."""
    image = {
        "name": INPUT,
        "datatype": "FP32",
        "shape": [-1, SIDE, SIDE],
        "parameters": {
            "FP32": "0 to 1, ink = 1, seen by the network as it is",
            "UINT8": "the same, 0 to 255",
            "BYTES": "picture files, shape [-1], read as POST /predictlabel reads them",
        },
    }
    outputs = [
        {"name": name, "datatype": datatype, "shape": [-1, *shape]}
        for name, (datatype, shape) in OUTPUTS.items()
    ]
    return jsonify(
        name=MODEL,
        versions=[VERSION],
        platform="keras",
        inputs=[image],
        outputs=outputs,
        parameters={"sha256": current_service().classifier.sha256},
    )


@blueprint.post(_MODEL + "/infer")
@blueprint.post(_VERSIONED + "/infer")
def infer() -> Response:
    """The outputs that are asked for, of each picture of the input."""
    limit = request.max_content_length or 0
    body = inflate(
        request.get_data(cache=False), request.headers.get("Content-Encoding", ""), limit
    )
    asked = parse_infer_request(body, request.headers.get("Inference-Header-Content-Length"))
    read_shape(asked.tensor)
    current_service().check_worth(request.environ)
    if asked.tensor["datatype"] == "BYTES":
        predictions = _predict_pictures(read_pictures(asked.tensor, asked.binary))
    else:
        predictions = _predict_tensors(list(read_numbers(asked.tensor, asked.binary)))
    written = [_write(output, predictions) for output in asked.outputs]
    header = {
        "model_name": MODEL,
        "model_version": VERSION,
        "outputs": [tensor for tensor, _ in written],
    }
    if asked.identifier is not None:
        header["id"] = asked.identifier
    if not any(output.as_binary for output in asked.outputs):
        return jsonify(header)
    text = json.dumps(header).encode()
    answer = Response(text + b"".join(binary for _, binary in written))
    answer.mimetype = "application/octet-stream"
    answer.headers["Inference-Header-Content-Length"] = str(len(text))
    return answer


def _predict_pictures(pictures: list[bytes]) -> list[Prediction]:
    """All or none, as the protocol has it: the first that cannot be read fails the request."""
    service = current_service()
    limit = service.config.max_upload_bytes
    for picture in pictures:
        check_size(len(picture), limit)
    predictions = []
    for number, reading in enumerate(read_digits(pictures, service.classifier)):
        if isinstance(reading, DlflaskError):
            raise type(reading)(f"Picture {number} of the input, counted from 0: {reading}")
        service.count(reading)
        predictions.append(reading.prediction)
    return predictions


def _predict_tensors(tensors: list[Tensor]) -> list[Prediction]:
    service = current_service()
    started = time.perf_counter()
    predictions = service.classifier.predict_many(tensors)
    passed = milliseconds_between(started, time.perf_counter())
    for prediction in predictions:
        service.metrics.count_reading(prediction, {"predict": passed / len(tensors)})
    return predictions


def _write(output: Output, predictions: list[Prediction]) -> tuple[dict[str, Any], bytes]:
    datatype, _ = OUTPUTS[output.name]
    if output.name == "verdict":
        values: Any = [prediction.verdict for prediction in predictions]
    elif output.name == "label":
        values = np.array([prediction.label for prediction in predictions])
    elif output.classes:
        datatype, values = "BYTES", [_classes(one, output.classes) for one in predictions]
    else:
        values = np.stack([prediction.probabilities for prediction in predictions])
    return write_tensor(output.name, datatype, values, as_binary=output.as_binary)


def _classes(prediction: Prediction, number: int) -> list[str]:
    """The most probable digits as `probability:index:label`."""
    order = np.argsort(-prediction.probabilities, kind="stable")[:number]
    return [f"{prediction.probabilities[digit]!s}:{digit}:{digit}" for digit in order]
