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
from dlflask.web.uploads import MAX_DETAILED, MAX_UPLOADS
from tests.bad_uploads import encode_form
from tests.conftest import FakeClassifier, encode
from tests.drawing import draw_digit


class Telling(FakeClassifier):
    """Says another digit of another picture, by the amount of its ink."""

    def predict_many(self, tensors):
        super().predict_many(tensors)
        return [
            Prediction(np.eye(10, dtype=np.float32)[int(8 * tensor.sum()) % 10])
            for tensor in tensors
        ]


@pytest.fixture
def classifier():
    return Telling()


@pytest.fixture(scope="module")
def digits():
    return [encode(draw_digit(digit)) for digit in range(10)]


def form(*contents, part="image"):
    body, content_type = encode_form([(part, "x.png", content) for content in contents])
    return {"data": body, "content_type": content_type}


@pytest.mark.parametrize("part", ["image", "file"])
def test_several_pictures_are_answered_in_the_order_sent(client, digits, part):
    alone = [client.post("/predictlabel", **form(digit)).get_json() for digit in digits]

    answer = client.post("/predictlabels", **form(*digits, part=part))

    assert answer.status_code == 200
    assert answer.get_json() == {"results": alone, "success": True}
    assert len({one["most_probable_label"] for one in alone}) > 3, "they can be told apart"


def test_each_item_is_byte_for_byte_what_the_picture_alone_is_answered(client, digits):
    alone = [client.post("/predictlabel", **form(digit)).text.strip() for digit in digits]

    together = client.post("/predictlabels", **form(*digits)).text

    assert together.strip() == f'{{"results":[{",".join(alone)}],"success":true}}'


def test_all_pictures_are_predicted_by_one_pass(client, classifier, digits):
    client.post("/predictlabels", **form(*digits))

    assert (classifier.passes, len(classifier.tensors)) == (1, 10)


def test_a_bad_picture_does_not_fail_its_neighbours(classifier, digits):
    limited = create_app(Config(max_upload_bytes=5000), DigitRecogniser(classifier)).test_client()
    sent = [digits[1], b"I am a 4", b"", b"\x89PNG\r\n\x1a\n" + bytes(5000), digits[3][:300]]

    results = limited.post("/predictlabels", **form(*sent, digits[2])).get_json()["results"]

    alone = [limited.post("/predictlabel", **form(one)).get_json() for one in (*sent, digits[2])]
    for problem in alone:
        problem.pop("request_id", None)
    assert results == alone
    assert [one.get("status") for one in results] == [None, 415, 400, 413, 422, None]
    assert [one["success"] for one in results] == [True, False, False, False, False, True]


def test_where_none_can_be_read_the_network_is_not_asked(client, classifier):
    answer = client.post("/predictlabels", **form(b"one", b"two"))

    assert [one["status"] for one in answer.get_json()["results"]] == [415, 415]
    assert classifier.passes == 0


def test_details_are_of_each_picture(client, digits):
    alone = [client.post("/predictlabel?details=1", **form(one)).get_json() for one in digits[:3]]

    answer = client.post("/predictlabels?details=1", **form(*digits[:3])).get_json()

    for one in (*alone, *answer["results"]):
        assert set(one["details"].pop("milliseconds")) == {"decode", "place", "predict", "explain"}
    assert answer["results"] == alone


def test_a_raw_picture_is_one_of_one(client, digits):
    alone = client.post("/predictlabel", data=digits[4], content_type="image/png").get_json()

    answer = client.post("/predictlabels", data=digits[4], content_type="image/png")

    assert answer.get_json() == {"results": [alone], "success": True}


@pytest.mark.parametrize(
    ("parts", "status", "says"),
    [
        pytest.param([("photo", "x.png", b"x")], 400, "has the parts: photo", id="other-name"),
        pytest.param([("image", "", b"")], 200, "No picture was chosen", id="none-chosen"),
        pytest.param(
            [("image", "x.png", b"x")] * (MAX_UPLOADS + 1), 400, "257 pictures; up to 256", id="257"
        ),
        pytest.param(
            [("image", "x.png", b"x"), ("file", "x.png", b"x")], 400, "order", id="two-names"
        ),
        pytest.param(
            [("other", "x.png", b"x")] * (2 * MAX_UPLOADS + 1), 413, "512 parts", id="513-parts"
        ),
    ],
)
def test_what_cannot_be_read_is_a_problem(client, parts, status, says):
    body, content_type = encode_form(parts)

    answer = client.post("/predictlabels", data=body, content_type=content_type)

    assert answer.status_code == status
    assert says in answer.text
    assert status == 200 or json.loads(answer.text)["success"] is False


def test_as_many_as_the_limit_are_read(client, placed_digit):
    placed = encode(Image.fromarray(placed_digit))

    answer = client.post("/predictlabels", **form(*[placed] * MAX_UPLOADS))

    assert len(answer.get_json()["results"]) == MAX_UPLOADS


def test_what_a_batch_does_not_come_to_in_its_time_is_said_and_the_rest_answered(
    client, digits, monkeypatch
):
    def dawdle(upload, locate):
        time.sleep(0.1)
        return read_ink(upload, locate)

    monkeypatch.setattr(recogniser, "read_ink", dawdle)
    monkeypatch.setattr(deadline, "MAX_SECONDS", 0.25)

    answer = client.post("/predictlabels", **form(*digits))

    assert answer.status_code == 200
    first, *_, last = answer.json["results"]
    assert first["success"] is True
    assert last["type"] == "urn:dlflask:problem:out-of-time"
    assert last["status"] == 503
    assert "in another request" in last["detail"]


def test_details_are_of_fewer_pictures(client, classifier, placed_digit):
    placed = encode(Image.fromarray(placed_digit))

    most = client.post("/predictlabels?details=1", **form(*[placed] * MAX_DETAILED))
    one_more = client.post("/predictlabels?details=1", **form(*[placed] * (MAX_DETAILED + 1)))
    encoded = [base64.b64encode(placed).decode()] * (MAX_DETAILED + 1)
    in_json = client.post("/predictlabels?details=1", json={"images": encoded})

    assert len(most.get_json()["results"]) == MAX_DETAILED
    for refused in (one_more, in_json):
        assert refused.status_code == 400
        assert "up to 64 are read at a time with details" in refused.get_json()["detail"]
    assert len(classifier.tensors) == MAX_DETAILED


def test_pictures_that_are_not_explained_in_time_are_told_so(
    client, classifier, digits, monkeypatch
):
    def dawdle(tensor, _):
        time.sleep(0.3)
        return tensor

    monkeypatch.setattr(classifier, "explain", dawdle)
    monkeypatch.setattr(deadline, "MAX_SECONDS", 0.5)

    results = client.post("/predictlabels?details=1", **form(*digits)).get_json()["results"]

    assert "details" in results[0]
    assert results[-1]["type"] == "urn:dlflask:problem:out-of-time"
    assert "in another request" in results[-1]["detail"]


def test_nothing_more_is_explained_once_the_client_has_gone(
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
        answer = client.post(
            "/predictlabels?details=1",
            **form(*digits),
            environ_overrides={"gunicorn.socket": ours},
        )

    assert answer.get_json()["type"] == "urn:dlflask:problem:abandoned"
    assert len(explained) == 1
