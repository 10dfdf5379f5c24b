import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dlflask.config import Config
from dlflask.web.inference_protocol.tensors import MAX_BATCH
from tests.conftest import encode
from tests.infer_requests import BINARY, BYTES, FP32, INFER, with_binary, with_images


def request(*tensors, **more):
    return json.dumps({"inputs": list(tensors), **more}).encode()


def outputs(**one):
    return request(FP32, outputs=[{"name": "label", **one}])


BAD_BODIES = {
    "no-json": (b"{", "not valid JSON"),
    "nan": (request({**FP32, "data": [float("nan")] * 784}), "NaN"),
    "infinity": (request({**FP32, "data": [float("inf")] * 784}), "Infinity"),
    "overflow": (request(FP32).replace(b"0.5", b"1e999", 1), "outside of 0 to 1"),
    "deep": (b'{"inputs":' + b"[" * 200_000, "not valid JSON"),
    "wide": (b'{"inputs":[' + b"[]," * 300_000, "lists"),
    "list": (b"[]", "not an object"),
    "no-inputs": (b"{}", "expected a list of objects"),
    "inputs-number": (b'{"inputs": 3}', "expected a list of objects"),
    "inputs-name": (b'{"inputs": "image"}', "expected a list of objects"),
    "inputs-names": (b'{"inputs": ["image"]}', "expected a list of objects"),
    "inputs-object": (b'{"inputs": {"name": "image"}}', "expected a list of objects"),
    "two-inputs": (request(FP32, FP32), "single input with the name 'image'"),
    "other-input": (request({**FP32, "name": "x"}), "single input with the name 'image'"),
    "id-number": (request(FP32, id=7), "id"),
    "type-fp64": (request({**FP32, "datatype": "FP64"}), "FP64"),
    "type-list": (request({**FP32, "datatype": []}), "expected FP32"),
    "shape-missing": (request({**FP32, "shape": None}), "shape"),
    "shape-empty": (request({**FP32, "shape": []}), "shape"),
    "shape-empty-bytes": (request({**BYTES, "shape": []}), "shape"),
    "shape-27": (request({**FP32, "shape": [1, 27, 28]}), "shape"),
    "shape-channels": (request({**FP32, "shape": [1, 28, 28, 3]}), "shape"),
    "shape-two-channels": (request({**FP32, "shape": [1, 2, 28, 28]}), "[28, 28] for one image"),
    "shape-28": (request({**FP32, "shape": [28]}), "[N, 784]"),
    "shape-785": (request({**FP32, "shape": [785]}), "[N, 784]"),
    "shape-784-images": (request({**FP32, "shape": [784, 784]}), "shape"),
    "shape-257-flat": (request({**FP32, "shape": [257, 784]}), "1 to 256"),
    "shape-zero-flat": (request({**FP32, "shape": [0, 784], "data": []}), "shape"),
    "shape-five-axes": (request({**FP32, "shape": [1, 1, 28, 28, 1]}), "shape"),
    "shape-of-images": (request({**BYTES, "shape": [28, 28]}), "expected [N]. N is"),
    "shape-negative": (request({**FP32, "shape": [-1, 28, 28]}), "shape"),
    "shape-zero": (request({**FP32, "shape": [0, 28, 28], "data": []}), "from 1"),
    "shape-floats": (request({**FP32, "shape": [1.0, 28, 28]}), "shape"),
    "shape-true": (request({**BYTES, "shape": [True]}), "shape"),
    "batch": (request({**FP32, "shape": [MAX_BATCH + 1, 28, 28]}), "1 to 256"),
    "too-few": (request({**FP32, "data": [0.5] * 783}), "[783]"),
    "ragged": (request({**FP32, "data": [[0.5] * 28, [0.5]]}), "not a tensor"),
    "no-data": (request({**FP32, "data": None}), "FP32 numbers"),
    "text": (request({**FP32, "data": ["0.5"] * 784}), "FP32 numbers"),
    "object": (request({**FP32, "data": {"a": 1}}), "FP32 numbers"),
    "booleans": (request({**FP32, "data": [True] * 784}), "FP32 numbers"),
    "huge-integer": (request({**FP32, "data": [10**300] * 784}), "outside of 0 to 1"),
    "huger-integer": (request({**FP32, "data": [10**400] * 784}), "outside of 0 to 1"),
    "one-string": (request({**FP32, "data": [0.5] * 783 + ["0.5"]}), "FP32 numbers"),
    "one-object": (request({**FP32, "data": [0.5] * 783 + [{}]}), "FP32 numbers"),
    "one-list": (request({**FP32, "data": [0.5] * 783 + [[0.5]]}), "FP32 numbers"),
    "one-boolean": (request({**FP32, "data": [0.5] * 783 + [True]}), "FP32 numbers"),
    "number": (request({**FP32, "data": 0.5}), "the shape []"),
    "empty-lists": (request({**FP32, "data": [[]] * 784}), "the shape [784, 0]"),
    "other-nesting": (request({**FP32, "data": [[0.5]] * 784}), "the shape [784, 1]"),
    "deep-data": (
        request({**FP32, "data": [0.5]}).replace(b"[0.5]", b"[" * 500 + b"]" * 500),
        "[1, 1",
    ),
    "utf-16": (request(FP32).decode().encode("utf-16"), "not valid JSON"),
    "id-long": (request(FP32, id="x" * 1001), "1000 characters"),
    "over-one": (request({**FP32, "data": [1.5] * 784}), "outside of 0 to 1"),
    "negative": (request({**FP32, "data": [-0.1] * 784}), "outside of 0 to 1"),
    "uint8-fraction": (request({**FP32, "datatype": "UINT8"}), "UINT8 numbers"),
    "uint8-256": (request({**FP32, "datatype": "UINT8", "data": [256] * 784}), "0 to 255"),
    "bytes-no-base64": (request({**BYTES, "data": ["!!!"]}), "not valid base64"),
    "bytes-number": (request({**BYTES, "data": [4]}), "expected a string"),
    "bytes-too-few": (request({**BYTES, "shape": [2]}), "has 1 images"),
    "bytes-text": (request({**BYTES, "data": "iVBO"}), "has 0 images"),
    "shared-memory": (
        request({**FP32, "parameters": {"shared_memory_region": "x"}}),
        "in shared memory",
    ),
    "parameters-list": (request({**FP32, "parameters": []}), "expected an object"),
    "size-without-data": (request(BINARY), "0 bytes follow"),
    "output-unknown": (outputs(name="logits"), "logits"),
    "output-twice": (request(FP32, outputs=[{"name": "label"}] * 2), "each name only once"),
    "outputs-number": (request(FP32, outputs=3), "expected a list of objects"),
    "outputs-name": (request(FP32, outputs="label"), "expected a list of objects"),
    "outputs-names": (request(FP32, outputs=["label"]), "expected a list of objects"),
    "outputs-object": (request(FP32, outputs={"name": "label"}), "expected a list of objects"),
    "output-name-object": (request(FP32, outputs=[{"name": {}}]), "expected names from this list"),
    "classes-of-label": (
        outputs(parameters={"classification": 2}),
        "Only the output 'probabilities'",
    ),
    "classes-negative": (
        outputs(name="probabilities", parameters={"classification": -1}),
        "classification",
    ),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_infer_with_bad_body_returns_error(client, classifier, name):
    body, message = BAD_BODIES[name]

    response = client.post(INFER, data=body)

    assert (response.status_code, list(response.get_json())) == (400, ["error"])
    assert message in response.get_json()["error"]
    assert not classifier.tensors


@pytest.mark.parametrize(
    ("body", "headers", "message"),
    [
        pytest.param(*with_images(b"x", size=4), "4, but 5 bytes follow", id="size-too-small"),
        pytest.param(*with_images(b"x", size="5"), "'5', but 5 bytes", id="size-is-text"),
        pytest.param(*with_binary({"inputs": [FP32]}, b"0000"), "has both 'data'", id="data-twice"),
        pytest.param(
            *with_binary({"inputs": [{**BINARY, "parameters": {}}]}, b"00"),
            "None, but 2",
            id="no-size",
        ),
        pytest.param(*with_binary({"inputs": [BINARY]}, bytes(3132)), "3132 bytes", id="too-short"),
        pytest.param(
            *with_binary({"inputs": [BINARY]}, b"", 999_999), "999999", id="header-too-long"
        ),
        pytest.param(*with_binary({"inputs": [BINARY]}, b"", "-1"), "'-1'", id="header-negative"),
        pytest.param(*with_binary({"inputs": [BINARY]}, b"", "1e3"), "'1e3'", id="header-float"),
        pytest.param(
            *with_binary({"inputs": [BINARY]}, b"", "9" * 5000), "expected", id="header-huge"
        ),
        pytest.param(b"", {}, "not valid JSON", id="no-body"),
    ],
)
def test_infer_with_wrong_lengths_returns_error(client, body, headers, message):
    response = client.post(INFER, data=body, headers=headers)

    assert response.status_code == 400
    assert message in response.get_json()["error"]


def test_infer_with_nan_in_binary_data_returns_error(client):
    numbers = np.full(784, 0.5, "<f4")
    numbers[100] = np.nan
    body, headers = with_binary({"inputs": [BINARY]}, numbers.tobytes())

    response = client.post(INFER, data=body, headers=headers)

    assert response.status_code == 400
    assert "outside of 0 to 1" in response.get_json()["error"]


@pytest.mark.parametrize(
    ("binary", "message"),
    [
        pytest.param(
            b"\xff\xff\xff\xff\0", "4294967295 bytes, but only 1 bytes follow", id="too-long"
        ),
        pytest.param(b"\1\0\0", "give the length of element 0", id="cut-off"),
        pytest.param(bytes(4 * 257), "more than 256", id="257-empty"),
        pytest.param(bytes(8), "has 2 images", id="too-many"),
    ],
)
def test_infer_with_wrong_lengths_of_images_returns_error(client, binary, message):
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES"}
    tensor["parameters"] = {"binary_data_size": len(binary)}
    body, headers = with_binary({"inputs": [tensor]}, binary)

    response = client.post(INFER, data=body, headers=headers)

    assert response.status_code == 400
    assert message in response.get_json()["error"]


@pytest.mark.parametrize(
    ("image", "status"),
    [
        pytest.param(b"text", 415, id="text"),
        pytest.param(b"", 400, id="empty"),
        pytest.param(encode(Image.new("L", (99, 99), 255)), 422, id="blank"),
    ],
)
def test_infer_with_one_unreadable_image_returns_error(client, four_png, image, status):
    body, headers = with_images(four_png, image)

    response = client.post(INFER, data=body, headers=headers)

    assert (response.status_code, list(response.get_json())) == (status, ["error"])


def test_infer_over_the_limit_returns_error(client):
    response = client.post(INFER, data=bytes(Config().max_upload_bytes + 100_000))

    assert (response.status_code, list(response.get_json())) == (413, ["error"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/mnist/versions/2", 404),
        ("POST", "/v2/repository/index", 404),
        ("GET", "/v2/health", 404),
        ("GET", INFER, 405),
        ("POST", "/v2", 405),
    ],
)
def test_unknown_address_returns_error(client, method, path, status):
    response = client.open(path, method=method, headers={"Accept": "text/html"})

    assert (response.status_code, list(response.get_json())) == (status, ["error"])


_ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["image", "label", "probabilities"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["name", "parameters"]), inner)
    ),
    max_leaves=6,
)
_KEYS = ["name", "shape", "datatype", "data", "parameters"]
_INPUTS = st.dictionaries(st.sampled_from(_KEYS), _ANYTHING).map(lambda changes: [FP32 | changes])


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_INPUTS | _ANYTHING, _ANYTHING, _ANYTHING)
def test_infer_with_any_json_returns_200_or_400(client, inputs, outputs, parameters):
    document = {"inputs": inputs, "outputs": outputs, "parameters": parameters}

    response = client.post(INFER, json=document)

    assert response.status_code in (200, 400)
