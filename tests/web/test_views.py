import base64
import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from dlflask.config import Config
from dlflask.digits.normalization import PREPROCESSING
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.web.app import create_app
from tests.conftest import encode
from tests.invalid_requests import encode_form


def form(content, name="image"):
    body, content_type = encode_form([(name, "4.png", content)])
    return {"data": body, "content_type": content_type}


@pytest.mark.parametrize("name", ["image", "file"])
def test_predictlabel_has_response_of_the_original_service(client, four_png, name):
    response = client.post("/predictlabel", **form(four_png, name))

    pairs = json.loads(response.text, object_pairs_hook=list)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert [key for key, _ in pairs] == ["most_probable_label", "predictions", "success"]
    body = response.get_json()
    assert body["most_probable_label"] == "4"
    assert body["success"] is True
    assert [row["label"] for row in body["predictions"]] == list("0123456789")
    assert all(isinstance(row["probability"], str) for row in body["predictions"])
    assert [list(row) for row in body["predictions"]] == [["label", "probability"]] * 10


def test_predictlabel_reads_raw_body_like_form(client, four_png):
    multipart = client.post("/predictlabel", **form(four_png))
    raw = client.post("/predictlabel", data=four_png, content_type="image/png")

    assert raw.data == multipart.data


def test_predictlabel_returns_details_on_request(client, classifier, four_png):
    expected = client.post("/predictlabel", **form(four_png)).get_json()
    response = client.post("/predictlabel?details=1", **form(four_png)).get_json()

    details = response.pop("details")
    assert response == expected
    assert details["verdict"] == "digit"
    assert details["confidence"] == pytest.approx(0.91)
    assert details["candidates"] == [4]
    assert details["model_sha256"] == details["receipt"]["model_sha256"] == classifier.sha256
    assert details["receipt"]["picture_sha256"] == hashlib.sha256(four_png).hexdigest()
    sent = np.frombuffer(base64.b64decode(details["receipt"]["tensor"]), "<f4")
    assert np.array_equal(sent.reshape(28, 28), classifier.tensors[1])
    assert set(details["milliseconds"]) == {"decode", "place", "predict", "explain"}
    assert np.array_equal(details["input"], np.rint(classifier.tensors[1] * 255))
    assert np.shape(details["saliency"]) == (28, 28)


@pytest.mark.parametrize("path", ["/predictlabel", "/predictlabels"])
@pytest.mark.parametrize(
    ("query", "has_details"),
    [
        *(("details=1", True), ("details=true", True), ("details=True", True)),
        *(("details=yes", True), ("details=ON", True), ("details=0", False)),
        *(("details=false", False), ("details=", False), ("detail=1", False)),
    ],
)
def test_details_are_returned_if_query_says_yes(client, four_png, path, query, has_details):
    response = client.post(f"{path}?{query}", data=four_png, content_type="image/png").get_json()

    assert ("details" in response.get("results", [response])[0]) == has_details


@pytest.mark.parametrize("query", ["\x93", "details=1&\xff=\x80", "details=\x80", "%93=%ff"])
def test_query_that_is_not_utf_8_is_read(client, four_png, query):
    response = client.post(
        "/predictlabel",
        data=four_png,
        content_type="image/png",
        environ_overrides={"QUERY_STRING": query},
    )

    assert response.status_code == 200
    assert ("details" in response.get_json()) == query.startswith("details=1")


def test_predictlabel_passes_mnist_image_to_network_unchanged(client, classifier, placed_digit):
    client.post("/predictlabel", **form(encode(Image.fromarray(placed_digit))))

    assert np.array_equal(classifier.tensors[0], placed_digit / np.float32(255))


def test_predictlabel_with_image_over_the_limit_returns_413(classifier, four_png):
    client = create_app(Config(max_upload_bytes=100), DigitRecogniser(classifier)).test_client()

    response = client.post("/predictlabel", **form(four_png))

    assert response.status_code == 413
    assert "limit" in response.get_json()["detail"]


def test_ready_depends_on_classifier_and_live_does_not(client, classifier):
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200

    classifier.is_ready = False

    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize("path", ["/", "/livez", "/static/4.jpg", "/nowhere", "/v2", "/v2/x"])
def test_every_response_names_model_and_preprocessing(client, classifier, path):
    response = client.get(path, buffered=True)

    assert response.headers["X-Model-SHA256"] == classifier.sha256[:12]
    assert response.headers["X-Preprocessing"] == PREPROCESSING


@pytest.mark.parametrize("path", ["/", "/livez", "/static/4.jpg", "/nowhere"])
def test_every_response_has_request_id_and_security_headers(client, path):
    response = client.get(path, headers={"X-Request-ID": "abc-123_DEF.4"}, buffered=True)

    assert response.headers["X-Request-ID"] == "abc-123_DEF.4"
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("received", ["", "short", "with space and more", "x" * 65])
def test_invalid_request_id_is_replaced(client, received):
    response = client.get("/livez", headers={"X-Request-ID": received})

    assert len(response.headers["X-Request-ID"]) == 32


def test_large_upload_stays_in_memory(client, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr("tempfile.tempdir", None)

    response = client.post("/predictlabel", **form(b"no picture" * 200_000))

    assert response.status_code == 415
