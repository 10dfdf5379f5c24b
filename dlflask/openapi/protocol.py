"""The addresses of the Open Inference Protocol."""

from __future__ import annotations

from dlflask.infer_request import INPUT
from dlflask.openapi.examples import example, picture
from dlflask.openapi.responses import ALWAYS, Responses, by_nginx, infer_errors, response, success
from dlflask.openapi.schemas import Schema, refer

_TAG = "Open Inference Protocol"
_MODEL = "/v2/models/mnist"

_HEADER_LENGTH = {
    "name": "Inference-Header-Content-Length",
    "in": "header",
    "description": "The length of the JSON, where binary data follow it.",
    "schema": {"type": "string", "pattern": "^[0-9]{1,11}$"},
}
_ENCODING = {
    "name": "Content-Encoding",
    "in": "header",
    "description": "How the body is compressed.",
    "schema": {"enum": ["gzip", "deflate", "identity"]},
}


def protocol_paths() -> dict[str, Schema]:
    """Health, metadata and inference, with and without the model's version."""
    server = success("ServerMetadata", "Name, version and extensions.")
    found: dict[str, Schema] = {
        "/v2": _get("serverMetadata", "What the server is.", server),
        "/v2/health/live": _get("serverLive", "Whether it answers.", success("Live", "Yes.")),
        "/v2/health/ready": _get("serverReady", "Whether it can infer.", _readiness()),
    }
    for path, suffix in ((_MODEL, ""), (f"{_MODEL}/versions/1", "Version")):
        metadata = success("ModelMetadata", "Its inputs and outputs.")
        found |= {
            path: _get(f"modelMetadata{suffix}", "What the model takes and gives.", metadata),
            f"{path}/ready": _get(f"modelReady{suffix}", "Whether it can infer.", _readiness()),
            f"{path}/infer": {"post": _infer(f"modelInfer{suffix}")},
        }
    return found


def _readiness() -> Responses:
    not_yet = response(
        "Not yet.",
        {"application/json": refer("Ready"), "application/problem+json": refer("Problem")},
    )
    return success("Ready", "Yes.") | {"503": not_yet}


def _get(name: str, summary: str, responses: Responses) -> Schema:
    return {"get": _operation(name, summary, responses)}


def _operation(name: str, summary: str, responses: Responses) -> Schema:
    fault = response("The service failed.", {"application/json": refer("InferError")})
    every = by_nginx() | {"500": fault} | responses
    return {
        "tags": [_TAG],
        "operationId": name,
        "summary": summary,
        "responses": dict(sorted(every.items())),
    }


def _infer(name: str) -> Schema:
    binary: Schema = {"type": "string", "format": "binary"}
    four = {"name": INPUT, "datatype": "BYTES", "shape": [1], "data": [picture()]}
    answered = response(
        "The outputs, as JSON, or as JSON and binary data behind it.",
        {"application/json": refer("InferResponse"), "application/octet-stream": binary},
        (*ALWAYS, "Inference-Header-Content-Length"),
    )
    operation = _operation(
        name, "The outputs of each picture of the input.", {"200": answered} | infer_errors()
    )
    return operation | {
        "parameters": [_HEADER_LENGTH, _ENCODING, refer("RequestId", "parameters")],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": example("InferRequest", {"inputs": [four]}),
                "application/octet-stream": {"schema": binary},
            },
        },
    }
