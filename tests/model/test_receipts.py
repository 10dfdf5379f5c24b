import base64
import hashlib
import json
import struct

import numpy as np
import pytest

from dlflask.digits.normalization import PREPROCESSING
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.invalid_requests import encode_form
from tests.serving import ROOT, ask, running_server

PICTURES = [encode(draw_digit(label)) for label in STROKES]
INFER = "/v2/models/mnist/infer"


@pytest.fixture(scope="module")
def responses(server):
    """Return the detailed response for each image, from one process."""
    return [
        json.loads(ask(server, "POST", "/predictlabel?details=1", one, "image/png").body)
        for one in PICTURES
    ]


@pytest.fixture(scope="module")
def other():
    """Start another process and return its port."""
    with running_server(WEB_CONCURRENCY="1") as port:
        yield port


def infer(port, tensors):
    """Return (N, 10) probabilities of (N, 784) float32 tensors, sent in binary."""
    tensor = {"name": "image", "shape": [len(tensors), 28, 28], "datatype": "FP32"}
    tensor["parameters"] = {"binary_data_size": 3136 * len(tensors)}
    head = json.dumps({"inputs": [tensor], "outputs": [{"name": "probabilities"}]}).encode()
    response = ask(
        port,
        "POST",
        INFER,
        head + b"".join(tensors),
        Inference_Header_Content_Length=str(len(head)),
    )
    return np.array(json.loads(response.body)["outputs"][0]["data"], np.float32).reshape(-1, 10)


def rows(response):
    return np.array([float(row["probability"]) for row in response["predictions"]], np.float32)


@pytest.mark.parametrize("batch_size", [1, 2, 7, 64, 256])
def test_receipt_tensor_gives_the_same_bits_in_any_batch(responses, other, batch_size):
    tensors = [base64.b64decode(one["details"]["receipt"]["tensor"]) for one in responses]
    noise = np.random.default_rng(0).random((batch_size, 784)).astype("<f4")
    expected = np.stack([rows(one) for one in responses])

    for number, tensor in enumerate(tensors):
        batch = [neighbour.tobytes() for neighbour in noise]
        batch[-1 - number % batch_size] = tensor
        found = infer(other, batch)
        assert found[-1 - number % batch_size].tobytes() == expected[number].tobytes()


def test_receipt_image_gives_the_same_bytes_in_another_process(responses, other):
    pictures = PICTURES * 6
    body, content_type = encode_form([("image", "x.png", picture) for picture in pictures])

    again = json.loads(ask(other, "POST", "/predictlabels", body, content_type).body)["results"]

    plain = [{name: one[name] for name in one if name != "details"} for one in responses]
    assert again == plain * 6


def test_receipt_identifies_image_model_and_versions(server, responses):
    digest = hashlib.sha256((ROOT / "mnist_model.h5").read_bytes()).hexdigest()
    headers = ask(server, "GET", "/livez").headers

    for picture, response in zip(PICTURES, responses, strict=True):
        receipt = response["details"]["receipt"]
        assert receipt["picture_sha256"] == hashlib.sha256(picture).hexdigest()
        assert receipt["model_sha256"] == digest
        assert receipt["preprocessing"] == PREPROCESSING == headers["X-Preprocessing"]
        assert receipt["runtime"].startswith("openvino 20")
        assert digest.startswith(headers["X-Model-SHA256"])
        seen = struct.unpack("<784f", base64.b64decode(receipt["tensor"]))
        assert np.array_equal(
            np.rint(np.multiply(seen, 255)).reshape(28, 28), response["details"]["input"]
        )
