"""The JSON that comes and goes."""

from __future__ import annotations

from typing import Any

from dlflask.infer_request import INPUT, OUTPUTS
from dlflask.tensors import MAX_BATCH
from dlflask.upload import MAX_UPLOADS
from dlflask.verdict import VERDICTS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FRACTION: Schema = {"type": "number", "minimum": 0, "maximum": 1}
DIGIT: Schema = {"type": "string", "pattern": "^[0-9]$"}
SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}


def refer(name: str, kind: str = "schemas") -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def an_object(properties: dict[str, Schema], *optional: str, **more: Any) -> Schema:
    """An object of these properties and no others, all required but `optional`."""
    required = [name for name in properties if name not in optional]
    described: Schema = {"type": "object", "properties": properties, "required": required}
    return described | {"additionalProperties": False} | more


def a_list(items: Schema, least: int | None = None, most: int | None = None) -> Schema:
    """A list of `items`."""
    limits = {"minItems": least, "maxItems": most}
    return {
        "type": "array",
        "items": items,
        **{name: limit for name, limit in limits.items() if limit is not None},
    }


def _grey(description: str) -> Schema:
    level: Schema = {"type": "integer", "minimum": 0, "maximum": 255}
    return a_list(a_list(level, 28, 28), 28, 28) | {"description": description}


_BASE64: Schema = {
    "type": "string",
    "contentEncoding": "base64",
    "description": "The picture file in base64, with its padding; or a `data:` URL of it.",
    "examples": ["data:image/png;base64,iVBORw0..."],
}

#: One of several: what is no string is answered with a problem of its own.
_ANY_BASE64 = {name: value for name, value in _BASE64.items() if name != "type"}

_PREDICTION = {
    "most_probable_label": DIGIT,
    "predictions": a_list(refer("Probability"), 10, 10),
    "success": {"const": True},
    "details": refer("Details"),
}

_PROBLEM = {
    "type": TEXT | {"description": "`about:blank`, or the kind of problem; see the statuses."},
    "title": TEXT | {"description": "The same for every problem of one type."},
    "status": {"type": "integer", "minimum": 400, "maximum": 599},
    "detail": TEXT | {"description": "What came, what was expected, what to do."},
    "request_id": TEXT | {"description": "As in X-Request-ID."},
    "success": {"const": False},
}

SCHEMAS: dict[str, Schema] = {
    "Prediction": an_object(_PREDICTION, "details"),
    "Probability": an_object(
        {
            "label": DIGIT,
            "probability": {
                "type": "string",
                "pattern": r"^[0-9]+(\.[0-9]+)?(e-[0-9]+)?$",
                "description": "The shortest decimal that reads back to the same float32.",
            },
        }
    ),
    "Details": an_object(
        {
            "verdict": {"enum": list(VERDICTS)},
            "confidence": FRACTION | {"description": "Of the most probable digit."},
            "candidates": a_list({"type": "integer", "minimum": 0, "maximum": 9}, 1, 10),
            "not_a_digit": FRACTION | {"description": "That the picture shows no digit."},
            "input": _grey("The picture as the network saw it."),
            "saliency": _grey("Where the ink is that the answer rests on."),
            "model_sha256": SHA256,
            "receipt": refer("Receipt"),
            "milliseconds": {
                "type": "object",
                "additionalProperties": {"type": "number", "minimum": 0},
                "description": "Per stage; of several pictures, `predict` is that of all.",
            },
        }
    ),
    "Receipt": an_object(
        {
            "picture_sha256": SHA256,
            "preprocessing": TEXT | {"description": "As in X-Preprocessing."},
            "tensor": TEXT
            | {
                "contentEncoding": "base64",
                "description": "The network's input: 784 little-endian float32.",
            },
            "model_sha256": SHA256,
            "runtime": TEXT,
            "version": TEXT | {"description": "Of the service."},
        },
        description="All that made an answer. The same tensor gives the same bits again.",
    ),
    "Results": an_object(
        {
            "results": a_list(
                {"oneOf": [refer("Prediction"), refer("ItemProblem")]}, 1, MAX_UPLOADS
            ),
            "success": {"const": True},
        }
    ),
    "Problem": an_object(_PROBLEM, description="RFC 9457, and `success` for old clients."),
    "ItemProblem": an_object(
        {name: schema for name, schema in _PROBLEM.items() if name != "request_id"},
        description="What is wrong with one picture among several.",
    ),
    "Image": an_object({"image": _BASE64}),
    "Images": an_object({"images": a_list(_ANY_BASE64, 1, MAX_UPLOADS)}),
    "Status": an_object({"status": {"enum": ["live", "ready", "starting"]}}),
    "ServerMetadata": an_object(
        {"name": TEXT, "version": TEXT, "extensions": a_list(TEXT)},
    ),
    "Live": an_object({"live": {"const": True}}),
    "Ready": an_object({"name": TEXT, "ready": {"type": "boolean"}}, "name"),
    "ModelMetadata": an_object(
        {
            "name": TEXT,
            "versions": a_list(TEXT),
            "platform": TEXT,
            "inputs": a_list(refer("TensorMetadata")),
            "outputs": a_list(refer("TensorMetadata")),
            "parameters": {"type": "object"},
        }
    ),
    "TensorMetadata": an_object(
        {
            "name": TEXT,
            "datatype": TEXT,
            "shape": a_list({"type": "integer", "minimum": -1}),
            "parameters": {"type": "object"},
        },
        "parameters",
    ),
    "InferRequest": {
        "type": "object",
        "properties": {
            "id": TEXT | {"description": "Sent back."},
            "inputs": a_list(refer("Input"), 1, 1),
            "outputs": {
                **a_list(refer("RequestedOutput"), None, len(OUTPUTS)),
                "description": "All of them where there is none.",
            },
            "parameters": {
                "type": "object",
                "properties": {"binary_data_output": {"type": "boolean"}},
            },
        },
        "required": ["inputs"],
    },
    "Input": {
        "type": "object",
        "properties": {
            "name": {"const": INPUT},
            "datatype": {
                "enum": ["FP32", "UINT8", "BYTES"],
                "description": "FP32 of 0 to 1 or UINT8 of 0 to 255, ink being the most, seen by "
                "the network as they are; or BYTES of picture files.",
            },
            "shape": {
                **a_list({"type": "integer", "minimum": 1, "maximum": MAX_BATCH}, 1, 4),
                "description": "[N, 28, 28] or [N, 28, 28, 1] of numbers, [N] of BYTES.",
            },
            "data": {
                "type": "array",
                "description": "Numbers, flat or nested; of BYTES base64. None where the data "
                "follow the JSON in binary, `binary_data_size` bytes of them.",
            },
            "parameters": {
                "type": "object",
                "properties": {"binary_data_size": {"type": "integer", "minimum": 0}},
            },
        },
        "required": ["name", "datatype", "shape"],
    },
    "RequestedOutput": {
        "type": "object",
        "properties": {
            "name": {"enum": list(OUTPUTS)},
            "parameters": {
                "type": "object",
                "properties": {
                    "binary_data": {"type": "boolean"},
                    "classification": {"type": "integer", "minimum": 0},
                },
            },
        },
        "required": ["name"],
    },
    "InferResponse": an_object(
        {
            "id": TEXT,
            "model_name": TEXT,
            "model_version": TEXT,
            "outputs": a_list(refer("Output"), 1, len(OUTPUTS)),
        },
        "id",
    ),
    "Output": an_object(
        {
            "name": {"enum": list(OUTPUTS)},
            "datatype": {"enum": ["FP32", "INT64", "BYTES"]},
            "shape": a_list({"type": "integer", "minimum": 0}, 1, 2),
            "data": {"type": "array"},
            "parameters": an_object({"binary_data_size": {"type": "integer", "minimum": 0}}),
        },
        "data",
        "parameters",
    ),
    "InferError": an_object({"error": TEXT}),
}
