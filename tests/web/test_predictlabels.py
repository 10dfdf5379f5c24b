import base64
import json
import socket
import time
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from dlflask import deadline
from dlflask.config import Config
from dlflask.digits import recogniser
from dlflask.digits.prediction import Prediction
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.imaging.read_ink import read_ink
from dlflask.web.app import create_app
from dlflask.web.uploads.limits import MAX_DETAILED, MAX_UPLOADS
from tests.conftest import FakeClassifier, encode
from tests.drawing import draw_digit
from tests.invalid_requests import encode_form


class InkClassifier(FakeClassifier):
    """Predicts a digit that depends on the amount of ink."""

    def predict_many(self, tensors):
        super().predict_many(tensors)
        return [
            Prediction(np.eye(10, dtype=np.float32)[int(8 * tensor.sum()) % 10])
            for tensor in tensors
        ]


@pytest.fixture
def classifier():
    return InkClassifier()


@pytest.fixture(scope="module")
def digits():
    return [encode(draw_digit(digit)) for digit in range(10)]


def form(*contents, part="image"):
    body, content_type = encode_form([(part, "x.png", content) for content in contents])
    return {"data": body, "content_type": content_type}


@pytest.mark.parametrize("part", ["image", "file"])
def test_predictlabels_returns_results_in_order(client, digits, part):
    single = [client.post("/predictlabel", **form(digit)).get_json() for digit in digits]

    response = client.post("/predictlabels", **form(*digits, part=part))

    assert response.status_code == 200
    assert response.get_json() == {"results": single, "success": True}
    assert len({one["most_probable_label"] for one in single}) > 3


def test_predictlabels_result_equals_predictlabel_byte_for_byte(client, digits):
    single = [client.post("/predictlabel", **form(digit)).text.strip() for digit in digits]

    together = client.post("/predictlabels", **form(*digits)).text

    assert together.strip() == f'{{"results":[{",".join(single)}],"success":true}}'


def test_predictlabels_predicts_in_one_pass(client, classifier, digits):
    client.post("/predictlabels", **form(*digits))

    assert (classifier.passes, len(classifier.tensors)) == (1, 10)


def test_predictlabels_with_bad_image_returns_other_results(classifier, digits):
    limited = create_app(Config(max_upload_bytes=5000), DigitRecogniser(classifier)).test_client()
    sent = [digits[1], b"I am a 4", b"", b"\x89PNG\r\n\x1a\n" + bytes(5000), digits[3][:300]]

    results = limited.post("/predictlabels", **form(*sent, digits[2])).get_json()["results"]

    single = [limited.post("/predictlabel", **form(one)).get_json() for one in (*sent, digits[2])]
    for problem in single:
        problem.pop("request_id", None)
    assert results == single
    assert [one.get("status") for one in results] == [None, 415, 400, 413, 422, None]
    assert [one["success"] for one in results] == [True, False, False, False, False, True]


def test_predictlabels_without_readable_image_does_not_run_network(client, classifier):
    response = client.post("/predictlabels", **form(b"one", b"two"))

    assert [one["status"] for one in response.get_json()["results"]] == [415, 415]
    assert classifier.passes == 0


def test_predictlabels_details_equal_those_of_predictlabel(client, digits):
    single = [client.post("/predictlabel?details=1", **form(one)).get_json() for one in digits[:3]]

    response = client.post("/predictlabels?details=1", **form(*digits[:3])).get_json()

    for one in (*single, *response["results"]):
        assert set(one["details"].pop("milliseconds")) == {"decode", "place", "predict", "explain"}
    assert response["results"] == single


def test_predictlabels_reads_raw_body_as_one_image(client, digits):
    single = client.post("/predictlabel", data=digits[4], content_type="image/png").get_json()

    response = client.post("/predictlabels", data=digits[4], content_type="image/png")

    assert response.get_json() == {"results": [single], "success": True}


@pytest.mark.parametrize(
    ("parts", "status", "message"),
    [
        pytest.param([("photo", "x.png", b"x")], 400, "has the parts: photo", id="other-name"),
        pytest.param([("image", "", b"")], 200, "No picture was chosen", id="none-chosen"),
        pytest.param(
            [("image", "x.png", b"x")] * (MAX_UPLOADS + 1),
            400,
            "257 images; the limit is 256",
            id="257",
        ),
        pytest.param(
            [("image", "x.png", b"x"), ("file", "x.png", b"x")],
            400,
            "order is unknown",
            id="two-names",
        ),
        pytest.param(
            [("other", "x.png", b"x")] * (2 * MAX_UPLOADS + 1), 413, "512 parts", id="513-parts"
        ),
    ],
)
def test_predictlabels_with_bad_form_returns_problem(client, parts, status, message):
    body, content_type = encode_form(parts)

    response = client.post("/predictlabels", data=body, content_type=content_type)

    assert response.status_code == status
    assert message in response.text
    assert status == 200 or json.loads(response.text)["success"] is False


def test_predictlabels_reads_as_many_images_as_the_limit(client, placed_digit):
    normalised = encode(Image.fromarray(placed_digit))

    response = client.post("/predictlabels", **form(*[normalised] * MAX_UPLOADS))

    assert len(response.get_json()["results"]) == MAX_UPLOADS


def test_predictlabels_out_of_time_returns_problem_for_remaining_images(
    client, digits, monkeypatch
):
    def read_slowly(upload, locate):
        time.sleep(0.1)
        return read_ink(upload, locate)

    monkeypatch.setattr(recogniser, "read_ink", read_slowly)
    monkeypatch.setattr(deadline, "MAX_SECONDS", 0.25)

    response = client.post("/predictlabels", **form(*digits))

    assert response.status_code == 200
    first, *_, last = response.json["results"]
    assert first["success"] is True
    assert last["type"] == "urn:dlflask:problem:out-of-time"
    assert last["status"] == 503
    assert "in another request" in last["detail"]


def test_predictlabels_details_have_lower_limit(client, classifier, placed_digit):
    normalised = encode(Image.fromarray(placed_digit))

    most = client.post("/predictlabels?details=1", **form(*[normalised] * MAX_DETAILED))
    one_more = client.post("/predictlabels?details=1", **form(*[normalised] * (MAX_DETAILED + 1)))
    encoded = [base64.b64encode(normalised).decode()] * (MAX_DETAILED + 1)
    in_json = client.post("/predictlabels?details=1", json={"images": encoded})

    assert len(most.get_json()["results"]) == MAX_DETAILED
    for rejected in (one_more, in_json):
        assert rejected.status_code == 400
        assert "the limit is 64 with details" in rejected.get_json()["detail"]
    assert len(classifier.tensors) == MAX_DETAILED


def test_predictlabels_details_out_of_time_return_problem(client, classifier, digits, monkeypatch):
    def explain_slowly(tensor, _):
        time.sleep(0.3)
        return tensor

    monkeypatch.setattr(classifier, "explain", explain_slowly)
    monkeypatch.setattr(deadline, "MAX_SECONDS", 0.5)

    results = client.post("/predictlabels?details=1", **form(*digits)).get_json()["results"]

    assert "details" in results[0]
    assert results[-1]["type"] == "urn:dlflask:problem:out-of-time"
    assert "in another request" in results[-1]["detail"]


def test_predictlabels_details_stop_when_client_disconnects(
    client, classifier, digits, monkeypatch
):
    ours, theirs = socket.socketpair()
    explained = []

    def leave(tensor, _):
        explained.append(tensor)
        theirs.close()
        return tensor

    monkeypatch.setattr(classifier, "explain", leave)
    with closing(ours):
        response = client.post(
            "/predictlabels?details=1",
            **form(*digits),
            environ_overrides={"gunicorn.socket": ours},
        )

    assert response.get_json()["type"] == "urn:dlflask:problem:abandoned"
    assert len(explained) == 1
