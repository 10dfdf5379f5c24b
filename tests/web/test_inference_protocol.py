import base64
import gzip
import json
import zlib
from itertools import product

import numpy as np
import pytest

from tests.infer_requests import FP32, INFER, behind, by_bytes, output


def test_the_server_and_the_model_are_described(client, classifier):
    server = client.get("/v2").get_json()
    model = client.get("/v2/models/mnist").get_json()

    assert server["name"] == "dlflask"
    assert server["extensions"] == ["binary_tensor_data", "classification"]
    assert (model["name"], model["versions"]) == ("mnist", ["1"])
    assert [(one["name"], one["datatype"]) for one in model["inputs"]] == [("image", "FP32")]
    assert model["outputs"][0] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}
    assert model["parameters"]["sha256"] == classifier.sha256
    assert client.get("/v2/models/mnist/versions/1").get_json() == model


@pytest.mark.parametrize(
    "path", ["health/ready", "models/mnist/ready", "models/mnist/versions/1/ready"]
)
def test_ready_follows_the_classifier(client, classifier, path):
    assert client.get(f"/v2/{path}").status_code == 200

    classifier.is_ready = False

    assert client.get(f"/v2/{path}").status_code == 503
    assert client.get("/v2/health/live").get_json() == {"live": True}


@pytest.mark.parametrize("layout", list(product([True, False], [[], [1]])), ids=str)
@pytest.mark.parametrize("datatype", ["FP32", "UINT8"])
def test_tensors_in_json_reach_the_network_as_they_are(
    client, classifier, placed_digit, datatype, layout
):
    nested, trailing = layout
    shape = [2, 28, 28, *trailing]
    batch = np.stack([placed_digit, placed_digit.T])
    sent = batch if datatype == "UINT8" else batch / np.float32(255)
    data = sent.reshape(shape if nested else -1).tolist()
    tensor = {"name": "image", "shape": shape, "datatype": datatype, "data": data}

    answer = client.post(INFER, json={"inputs": [tensor]})

    assert np.array_equal(classifier.tensors, batch / np.float32(255))
    assert output(answer, "probabilities")["shape"] == [2, 10]
    assert output(answer, "label")["data"] == [4, 4]
    assert output(answer, "verdict")["data"] == ["digit", "digit"]


@pytest.mark.parametrize("datatype", ["FP32", "UINT8"])
def test_tensors_behind_the_json_reach_the_network_as_they_are(
    client, classifier, placed_digit, datatype
):
    sent = placed_digit if datatype == "UINT8" else placed_digit / np.float32(255)
    binary = sent.tobytes()
    tensor = {"name": "image", "shape": [1, 28, 28], "datatype": datatype}
    tensor["parameters"] = {"binary_data_size": len(binary)}
    body, headers = behind({"inputs": [tensor]}, binary)

    client.post(INFER, data=body, headers=headers)

    assert np.array_equal(classifier.tensors, placed_digit[None] / np.float32(255))


def test_pictures_are_read_as_predictlabel_reads_them(client, classifier, four_png, four_jpeg):
    for picture in (four_png, four_jpeg):
        client.post("/predictlabel", data=picture, content_type="image/png")
    alone = list(classifier.tensors)
    classifier.tensors.clear()
    body, headers = by_bytes(four_png, four_jpeg)
    text = [base64.b64encode(one).decode() for one in (four_png, four_jpeg)]
    tensor = {"name": "image", "shape": [2, 1], "datatype": "BYTES", "data": text}

    client.post(INFER, data=body, headers=headers)
    client.post(INFER, json={"inputs": [tensor]})
    client.post(INFER, json={"inputs": [{**tensor, "data": [[one] for one in text]}]})

    assert np.array_equal(classifier.tensors, alone * 3)


def test_one_pass_for_all(client, classifier):
    tensor = {**FP32, "shape": [64, 28, 28], "data": [0.5] * 64 * 784}

    client.post(INFER, json={"inputs": [tensor]})

    assert (classifier.passes, len(classifier.tensors)) == (1, 64)


def test_outputs_come_as_asked_for(client, classifier):
    asked = [
        {"name": "verdict", "parameters": {"binary_data": True}},
        {"name": "probabilities", "parameters": {"binary_data": True}},
        {"name": "label"},
    ]

    answer = client.post(INFER, json={"id": "mine", "inputs": [FP32], "outputs": asked})

    end = int(answer.headers["Inference-Header-Content-Length"])
    header, binary = json.loads(answer.data[:end]), answer.data[end:]
    assert answer.mimetype == "application/octet-stream"
    assert (header["id"], header["model_name"], header["model_version"]) == ("mine", "mnist", "1")
    assert [one["name"] for one in header["outputs"]] == ["verdict", "probabilities", "label"]
    assert [one.get("parameters") for one in header["outputs"]] == [
        {"binary_data_size": 9},
        {"binary_data_size": 40},
        None,
    ]
    assert binary[:9] == b"\x05\0\0\0digit"
    assert np.array_equal(np.frombuffer(binary[9:], "<f4"), classifier.outputs)


def test_a_probability_in_json_reads_back_to_the_same_float32(client, classifier):
    classifier.outputs = np.random.default_rng(0).dirichlet(np.full(10, 0.05)).astype(np.float32)

    answer = client.post(INFER, json={"inputs": [FP32]})

    data = output(answer, "probabilities")["data"]
    assert np.array_equal(np.array(data, np.float32), classifier.outputs)


def test_the_most_probable_classes_come_as_text(client):
    asked = [{"name": "probabilities", "parameters": {"classification": 2}}]

    answer = client.post(INFER, json={"inputs": [FP32], "outputs": asked})

    assert output(answer, "probabilities") == {
        "name": "probabilities",
        "datatype": "BYTES",
        "shape": [1, 2],
        "data": ["0.91:4:4", "0.01:0:0"],
    }


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_request_is_read(client, encoding, compress):
    body = compress(json.dumps({"inputs": [FP32]}).encode())

    answer = client.post(INFER, data=body, headers={"Content-Encoding": encoding})

    assert output(answer, "label")["data"] == [4]
