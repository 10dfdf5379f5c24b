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
def test_predictlabel_keeps_the_wire_contract(client, four_png, name):
    answer = client.post("/predictlabel", **form(four_png, name))

    pairs = json.loads(answer.text, object_pairs_hook=list)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    assert [key for key, _ in pairs] == ["most_probable_label", "predictions", "success"]
    body = answer.get_json()
    assert body["most_probable_label"] == "4"
    assert body["success"] is True
    assert [row["label"] for row in body["predictions"]] == list("0123456789")
    assert all(isinstance(row["probability"], str) for row in body["predictions"])
    assert [list(row) for row in body["predictions"]] == [["label", "probability"]] * 10


def test_a_raw_body_is_answered_like_a_form(client, four_png):
    multipart = client.post("/predictlabel", **form(four_png))
    raw = client.post("/predictlabel", data=four_png, content_type="image/png")

    assert raw.data == multipart.data


def test_details_are_added_when_asked_for(client, classifier, four_png):
    plain = client.post("/predictlabel", **form(four_png)).get_json()
    answer = client.post("/predictlabel?details=1", **form(four_png)).get_json()

    details = answer.pop("details")
    assert answer == plain
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


def test_an_mnist_picture_reaches_the_network_bit_for_bit(client, classifier, placed_digit):
    client.post("/predictlabel", **form(encode(Image.fromarray(placed_digit))))

    assert np.array_equal(classifier.tensors[0], placed_digit / np.float32(255))


def test_a_picture_over_the_limit_is_refused(classifier, four_png):
    client = create_app(Config(max_upload_bytes=100), DigitRecogniser(classifier)).test_client()

    answer = client.post("/predictlabel", **form(four_png))

    assert answer.status_code == 413
    assert "limit" in answer.get_json()["detail"]


def test_live_and_ready(client, classifier):
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200

    classifier.is_ready = False

    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 503


@pytest.mark.parametrize("path", ["/", "/livez", "/static/4.jpg", "/nowhere", "/v2", "/v2/x"])
def test_every_answer_names_the_model_and_the_preprocessing(client, classifier, path):
    answer = client.get(path, buffered=True)

    assert answer.headers["X-Model-SHA256"] == classifier.sha256[:12]
    assert answer.headers["X-Preprocessing"] == PREPROCESSING


@pytest.mark.parametrize("path", ["/", "/livez", "/static/4.jpg", "/nowhere"])
def test_every_answer_carries_a_request_id_and_the_security_headers(client, path):
    answer = client.get(path, headers={"X-Request-ID": "abc-123_DEF.4"}, buffered=True)

    assert answer.headers["X-Request-ID"] == "abc-123_DEF.4"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("came", ["", "short", "with space and more", "x" * 65])
def test_a_request_id_that_is_none_is_replaced(client, came):
    answer = client.get("/livez", headers={"X-Request-ID": came})

    assert len(answer.headers["X-Request-ID"]) == 32


def test_a_large_upload_stays_in_memory(client, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    monkeypatch.setattr("tempfile.tempdir", None)

    answer = client.post("/predictlabel", **form(b"no picture" * 200_000))

    assert answer.status_code == 415
