"""Requests and answers of the Open Inference Protocol, for its tests."""

import json
import struct

INFER = "/v2/models/mnist/infer"
FP32 = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": [0.5] * 784}
BYTES = {"name": "image", "shape": [1], "datatype": "BYTES", "data": ["iVBORw0="]}
BINARY = {**FP32, "parameters": {"binary_data_size": 3136}}
del BINARY["data"]


def behind(document, binary, length=None):
    """A body of JSON and the binary data behind it, and its headers."""
    text = json.dumps(document).encode()
    return text + binary, {"Inference-Header-Content-Length": str(length or len(text))}


def by_bytes(*pictures, size=None):
    binary = b"".join(struct.pack("<I", len(one)) + one for one in pictures)
    tensor = {"name": "image", "shape": [len(pictures)], "datatype": "BYTES"}
    tensor["parameters"] = {"binary_data_size": len(binary) if size is None else size}
    return behind({"inputs": [tensor]}, binary)


def output(answer, name):
    assert answer.status_code == 200, answer.text
    return next(one for one in answer.get_json()["outputs"] if one["name"] == name)
