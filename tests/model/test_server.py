import hashlib
import http.client
import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dlflask.train.model_card import ModelCard
from tests.conftest import encode
from tests.invalid_requests import BAD_REQUESTS, encode_form, encode_request
from tests.serving import ROOT, ask, ask_on, running_server
from tests.unusual_images import UNUSUAL_IMAGES, unusual_image

FOUR = (ROOT / "static" / "4.jpg").read_bytes()
MNIST_FILES = (
    os.environ.get("MNIST_NPZ", ""),
    Path.home() / ".keras" / "datasets" / "mnist.npz",
    ROOT.parent / "shared" / "data" / "mnist" / "mnist.npz",
)


def read_four(port):
    body, content_type = encode_form([("image", "4.jpg", FOUR)])
    return ask(port, "POST", "/predictlabel", body, content_type)


def test_predictlabel_sample_image(server):
    response = read_four(server)

    body = json.loads(response.body)
    assert response.status == 200
    assert list(body) == ["most_probable_label", "predictions", "success"]
    assert body["most_probable_label"] == "4"


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_predictlabel_bad_request(server, bad):
    body, content_type = encode_request(bad)

    response = ask(server, bad.method, bad.path, body, content_type)

    assert response.status == bad.status
    assert response.headers["Content-Type"] == "application/problem+json"
    assert json.loads(response.body)["success"] is False


@pytest.mark.parametrize("name", UNUSUAL_IMAGES)
def test_predictlabel_unusual_image(server, name):
    body, content_type = encode_form([("image", name, unusual_image(name))])

    response = ask(server, "POST", "/predictlabel", body, content_type)

    assert response.status == 200
    assert json.loads(response.body)["most_probable_label"] == "4"


@pytest.fixture(scope="module")
def mnist_test():
    """Return MNIST's 10,000 test digits and their labels."""
    path = next((path for path in map(Path, MNIST_FILES) if path.is_file()), None)
    if path is None:
        pytest.skip("MNIST is not on this machine: name an mnist.npz in MNIST_NPZ")
    with np.load(path) as npz:
        return npz["x_test"], npz["y_test"]


def test_mnist_accuracy_equals_training_report(server, mnist_test):
    images, labels = mnist_test

    def read(chunk):
        with closing(http.client.HTTPConnection("127.0.0.1", server, timeout=30)) as connection:
            for image in images[chunk]:
                content = encode(Image.fromarray(image))
                response = ask_on(connection, "POST", "/predictlabel", content, "image/png")
                yield int(json.loads(response.body)["most_probable_label"])

    chunks = np.array_split(np.arange(len(images)), 4)
    with ThreadPoolExecutor(4) as pool:
        found = np.concatenate(list(pool.map(lambda chunk: list(read(chunk)), chunks)))

    report = ModelCard.read(ROOT / "mnist_model.json")
    assert np.count_nonzero(found == labels) == round(report.test.accuracy * report.test.count)


def test_tensorflow_backend_gives_the_same_response(server):
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

    with running_server(KERAS_BACKEND="tensorflow", WEB_CONCURRENCY="1") as port:
        by_tensorflow = json.loads(read_four(port).body)

    by_openvino = json.loads(read_four(server).body)
    assert by_tensorflow["most_probable_label"] == "4"
    pairs = zip(by_tensorflow["predictions"], by_openvino["predictions"], strict=True)
    assert all(abs(float(a["probability"]) - float(b["probability"])) < 1e-4 for a, b in pairs)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        pytest.param("DLFLASK_MODLE", "x", "DLFLASK_MODLE is not a setting", id="unknown-name"),
        pytest.param(
            "DLFLASK_MODEL_PATH",
            "README.md",
            "README.md cannot be served. The file is neither an HDF5",
            id="no-model",
        ),
        pytest.param("PORT", "99999", "PORT is '99999'; expected", id="port"),
        pytest.param("WEB_CONCURRENCY", "0", "WEB_CONCURRENCY is '0'; expected", id="workers"),
        pytest.param("KERAS_BACKEND", "jaxx", "KERAS_BACKEND is 'jaxx'", id="backend"),
    ],
)
def test_start_with_invalid_setting(variable, value, says):
    with pytest.raises(AssertionError) as caught, running_server(**{variable: value}):
        pass

    assert f"dlflask cannot start: {says}" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_training_report_matches_served_model():
    digest = hashlib.sha256((ROOT / "mnist_model.h5").read_bytes()).hexdigest()

    assert ModelCard.read(ROOT / "mnist_model.json").sha256 == digest
