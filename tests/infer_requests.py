"""Requests and responses of the Open Inference Protocol for tests."""

import json
import struct

INFER = "/v2/models/mnist/infer"
FP32 = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": [0.5] * 784}
BYTES = {"name": "image", "shape": [1], "datatype": "BYTES", "data": ["iVBORw0="]}
BINARY = {**FP32, "parameters": {"binary_data_size": 3136}}
del BINARY["data"]


def with_binary(document, binary, length=None):
    """Return a body of JSON followed by binary data, and its headers."""
    text = json.dumps(document).encode()
    return text + binary, {"Inference-Header-Content-Length": str(length or len(text))}


def with_images(*images, size=None):
    """Return a body with images as binary data, and its headers."""
    binary = b"".join(struct.pack("<I", len(one)) + one for one in images)
    tensor = {"name": "image", "shape": [len(images)], "datatype": "BYTES"}
    tensor["parameters"] = {"binary_data_size": len(binary) if size is None else size}
    return with_binary({"inputs": [tensor]}, binary)


def get_output(response, name):
    """Return the output of that name."""
    assert response.status_code == 200, response.text
    return next(one for one in response.get_json()["outputs"] if one["name"] == name)
