"""The Open Inference Protocol with Triton's client, the official one."""

import json

import numpy as np
import pytest
from PIL import Image

from dlflask.digits.normalization import read_tensor
from tests.conftest import encode
from tests.drawing import STROKES, draw_digit
from tests.serving import ask

triton = pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")
InferenceServerException = pytest.importorskip("tritonclient.utils").InferenceServerException

PICTURES = [encode(draw_digit(label)) for label in STROKES]


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(f"127.0.0.1:{server}") as client:
        yield client


@pytest.fixture(scope="module")
def alone(server):
    """Return the probabilities that POST /predictlabel returns for each image."""
    responses = [
        json.loads(ask(server, "POST", "/predictlabel", picture, "image/png").body)
        for picture in PICTURES
    ]
    return np.array(
        [[float(row["probability"]) for row in response["predictions"]] for response in responses],
        np.float32,
    )


@pytest.fixture(scope="module")
def tensors():
    return np.stack([read_tensor(picture) for picture in PICTURES])


def an_input(values, datatype, *, binary=True):
    tensor = triton.InferInput("image", list(values.shape), datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def outputs(*, binary, names=("probabilities", "label", "verdict")):
    return [triton.InferRequestedOutput(name, binary_data=binary) for name in names]


@pytest.mark.parametrize("version", ["", "1"])
def test_health_and_metadata(client, version):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("mnist", version)
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    assert client.get_model_metadata("mnist", version)["inputs"][0]["shape"] == [-1, 28, 28]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_float_tensors_give_the_same_probabilities(client, alone, tensors, batch_size, binary):
    rows = np.arange(batch_size) % len(PICTURES)

    result = client.infer(
        "mnist",
        [an_input(tensors[rows], "FP32", binary=binary)],
        outputs=outputs(binary=binary),
        request_id="7",
    )

    assert np.array_equal(result.as_numpy("probabilities"), alone[rows])
    assert np.array_equal(result.as_numpy("label"), alone[rows].argmax(axis=1))
    assert result.as_numpy("verdict").shape == (batch_size,)
    assert result.get_response()["id"] == "7"


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_images_give_the_same_probabilities(client, alone, batch_size):
    rows = np.arange(batch_size) % len(PICTURES)
    pictures = np.array([PICTURES[row] for row in rows], np.object_)

    result = client.infer("mnist", [an_input(pictures, "BYTES")])

    assert np.array_equal(result.as_numpy("probabilities"), alone[rows])
    assert result.get_output("label")["parameters"]["binary_data_size"] == 8 * batch_size


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_integer_tensors_give_the_probabilities_of_their_image(
    client, server, placed_digit, batch_size
):
    response = ask(
        server, "POST", "/predictlabel", encode(Image.fromarray(placed_digit)), "image/png"
    )
    batch = np.repeat(placed_digit[None, ..., None], batch_size, axis=0)

    result = client.infer("mnist", [an_input(batch, "UINT8")], model_version="1")

    expected = [float(row["probability"]) for row in json.loads(response.body)["predictions"]]
    assert np.array_equal(
        result.as_numpy("probabilities"), np.array([expected] * batch_size, np.float32)
    )


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compressed_requests(client, alone, tensors, algorithm):
    result = client.infer(
        "mnist",
        [an_input(tensors, "FP32")],
        request_compression_algorithm=algorithm,
        response_compression_algorithm=algorithm,
    )

    assert np.array_equal(result.as_numpy("probabilities"), alone)


def test_several_requests_at_once(server, alone, tensors):
    with triton.InferenceServerClient(f"127.0.0.1:{server}", concurrency=4) as client:
        waiting = [
            client.async_infer("mnist", [an_input(tensors[[row]], "FP32")]) for row in range(10)
        ]
        found = [one.get_result().as_numpy("probabilities")[0] for one in waiting]

    assert np.array_equal(found, alone)


def test_request_body_made_in_advance(server, alone, tensors):
    body, json_size = triton.InferenceServerClient.generate_request_body(
        [an_input(tensors, "FP32")], outputs=outputs(binary=True)
    )

    response = ask(
        server,
        "POST",
        "/v2/models/mnist/infer",
        body,
        Inference_Header_Content_Length=str(json_size),
    )

    result = triton.InferenceServerClient.parse_response_body(
        response.body, header_length=int(response.headers["Inference-Header-Content-Length"])
    )
    assert np.array_equal(result.as_numpy("probabilities"), alone)


def test_classification_extension(client, alone, tensors):
    best = triton.InferRequestedOutput("probabilities", class_count=3)

    found = client.infer("mnist", [an_input(tensors, "FP32")], outputs=[best])

    rows = found.as_numpy("probabilities")
    assert rows.shape == (10, 3)
    assert [int(row[0].decode().split(":")[2]) for row in rows] == list(alone.argmax(axis=1))


@pytest.mark.parametrize(
    ("call", "status", "says"),
    [
        pytest.param(
            lambda client: client.infer("mnist", [an_input(np.zeros((1, 32, 32), "f4"), "FP32")]),
            "400",
            "shape",
            id="shape",
        ),
        pytest.param(
            lambda client: client.infer(
                "mnist", [an_input(np.full((1, 28, 28), np.nan, "f4"), "FP32")]
            ),
            "400",
            "outside of 0 to 1",
            id="nan",
        ),
        pytest.param(
            lambda client: client.infer("mnist", [an_input(np.array([b"no"], object), "BYTES")]),
            "415",
            "Image 0",
            id="picture",
        ),
        pytest.param(
            lambda client: client.get_model_metadata("cats"),
            "404",
            "'cats' does not exist",
            id="model",
        ),
        pytest.param(
            lambda client: client.get_model_repository_index(), "404", "repository", id="other-part"
        ),
    ],
)
def test_error_has_the_form_of_the_protocol(client, call, status, says):
    with pytest.raises(InferenceServerException) as caught:
        call(client)

    assert caught.value.status() == status
    assert says in caught.value.message()


def test_unknown_model_is_not_ready(client):
    assert not client.is_model_ready("cats")
