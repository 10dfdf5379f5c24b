import base64
import json
import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.web.app import create_app
from tests.infer_requests import FP32, INFER, get_output, with_binary, with_images


def test_metadata_describes_server_and_model(client, classifier):
    server = client.get("/v2").get_json()
    model = client.get("/v2/models/mnist").get_json()

    assert server["name"] == "dlflask"
    assert server["extensions"] == ["binary_tensor_data", "classification"]
    assert (model["name"], model["versions"]) == ("mnist", ["1"])
    assert [(one["name"], one["datatype"]) for one in model["inputs"]] == [("image", "FP32")]
    assert model["outputs"][0] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}
    assert model["parameters"] == {
        "sha256": classifier.sha256,
        "keras_version": "2.2.4",
        "num_layers": 2,
        "num_parameters": 7_850,
        "input_shape": "28 x 28 x 1",
        "convention": "0..255",
        "outputs": "logits",
        "num_classes": 10,
        "samples_read": 9,
    }
    assert client.get("/v2/models/mnist/versions/1").get_json() == model


def test_metadata_warns_of_a_doubtful_model(classifier):
    classifier.description = replace(classifier.description, samples_read=3)
    client = create_app(Config(), DigitRecogniser(classifier)).test_client()

    parameters = client.get("/v2/models/mnist").get_json()["parameters"]

    assert parameters["samples_read"] == 3
    assert parameters["warning"].startswith("The network reads 3 of 10 sample digits")


@pytest.mark.parametrize(
    "path", ["health/ready", "models/mnist/ready", "models/mnist/versions/1/ready"]
)
def test_ready_returns_503_while_classifier_is_not_ready(client, classifier, path):
    assert client.get(f"/v2/{path}").status_code == 200

    classifier.is_ready = False

    assert client.get(f"/v2/{path}").status_code == 503
    assert client.get("/v2/health/live").get_json() == {"live": True}


#: Shapes of two images, and of one, as models of several frameworks take them.
SHAPES = [
    *([2, 28, 28], [2, 28, 28, 1], [2, 1, 28, 28], [2, 784], [2, 784, 1]),
    *(
        [28, 28],
        [28, 28, 1],
        [1, 28, 28],
        [1, 28, 28, 1],
        [1, 1, 28, 28],
        [784],
        [784, 1],
        [1, 784],
    ),
]


@pytest.mark.parametrize("layout", list(product(SHAPES, [True, False])), ids=str)
@pytest.mark.parametrize("datatype", ["FP32", "UINT8"])
def test_infer_passes_json_tensors_to_network_unchanged(
    client, classifier, placed_digit, datatype, layout
):
    shape, is_nested = layout
    batch = np.stack([placed_digit, placed_digit.T])[: math.prod(shape) // 784]
    sent = batch if datatype == "UINT8" else batch / np.float32(255)
    data = sent.reshape(shape if is_nested else -1).tolist()
    tensor = {"name": "image", "shape": shape, "datatype": datatype, "data": data}

    response = client.post(INFER, json={"inputs": [tensor]})

    assert get_output(response, "probabilities")["shape"] == [len(batch), 10]
    assert get_output(response, "label")["data"] == [4] * len(batch)
    assert get_output(response, "verdict")["data"] == ["digit"] * len(batch)
    assert np.array_equal(classifier.tensors, batch / np.float32(255))


@pytest.mark.parametrize("shape", [[1, 28, 28], [28, 28], [784], [1, 784], [1, 1, 28, 28]], ids=str)
@pytest.mark.parametrize("datatype", ["FP32", "UINT8"])
def test_infer_passes_binary_tensors_to_network_unchanged(
    client, classifier, placed_digit, datatype, shape
):
    sent = placed_digit if datatype == "UINT8" else placed_digit / np.float32(255)
    binary = sent.tobytes()
    tensor = {"name": "image", "shape": shape, "datatype": datatype}
    tensor["parameters"] = {"binary_data_size": len(binary)}
    body, headers = with_binary({"inputs": [tensor]}, binary)

    client.post(INFER, data=body, headers=headers)

    assert np.array_equal(classifier.tensors, placed_digit[None] / np.float32(255))


def test_infer_reads_images_as_predictlabel_does(client, classifier, four_png, four_jpeg):
    for image in (four_png, four_jpeg):
        client.post("/predictlabel", data=image, content_type="image/png")
    single = list(classifier.tensors)
    classifier.tensors.clear()
    body, headers = with_images(four_png, four_jpeg)
    text = [base64.b64encode(one).decode() for one in (four_png, four_jpeg)]
    tensor = {"name": "image", "shape": [2, 1], "datatype": "BYTES", "data": text}

    client.post(INFER, data=body, headers=headers)
    client.post(INFER, json={"inputs": [tensor]})
    client.post(INFER, json={"inputs": [{**tensor, "data": [[one] for one in text]}]})

    assert np.array_equal(classifier.tensors, single * 3)


def test_infer_predicts_batch_in_one_pass(client, classifier):
    tensor = {**FP32, "shape": [64, 28, 28], "data": [0.5] * 64 * 784}

    client.post(INFER, json={"inputs": [tensor]})

    assert (classifier.passes, len(classifier.tensors)) == (1, 64)


def test_infer_returns_outputs_as_requested(client, classifier):
    requested = [
        {"name": "verdict", "parameters": {"binary_data": True}},
        {"name": "probabilities", "parameters": {"binary_data": True}},
        {"name": "label"},
    ]

    response = client.post(INFER, json={"id": "mine", "inputs": [FP32], "outputs": requested})

    end = int(response.headers["Inference-Header-Content-Length"])
    header, binary = json.loads(response.data[:end]), response.data[end:]
    assert response.mimetype == "application/octet-stream"
    assert (header["id"], header["model_name"], header["model_version"]) == ("mine", "mnist", "1")
    assert [one["name"] for one in header["outputs"]] == ["verdict", "probabilities", "label"]
    assert [one.get("parameters") for one in header["outputs"]] == [
        {"binary_data_size": 9},
        {"binary_data_size": 40},
        None,
    ]
    assert binary[:9] == b"\x05\0\0\0digit"
    assert np.array_equal(np.frombuffer(binary[9:], "<f4"), classifier.outputs)


def test_probability_in_json_reads_back_to_same_float32(client, classifier):
    classifier.outputs = np.random.default_rng(0).dirichlet(np.full(10, 0.05)).astype(np.float32)

    response = client.post(INFER, json={"inputs": [FP32]})

    data = get_output(response, "probabilities")["data"]
    assert np.array_equal(np.array(data, np.float32), classifier.outputs)


def test_classification_returns_most_probable_classes_as_text(client):
    requested = [{"name": "probabilities", "parameters": {"classification": 2}}]

    response = client.post(INFER, json={"inputs": [FP32], "outputs": requested})

    assert get_output(response, "probabilities") == {
        "name": "probabilities",
        "datatype": "BYTES",
        "shape": [1, 2],
        "data": ["0.91:4:4", "0.01:0:0"],
    }
