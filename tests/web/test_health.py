import pytest

from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ModelError
from dlflask.web.health import Health
from dlflask.web.state import get_state


@pytest.fixture
def health(app):
    return get_state(app).health


def state(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.get_json()["status"]


def test_a_worker_is_starting_then_ready_then_draining(client, classifier, health, four_png):
    classifier.is_ready = False
    assert state(client) == (503, "starting")

    health.start()
    assert state(client) == (200, "ready")
    assert len(classifier.tensors) == 10, "every sample went through the whole line"

    health.is_draining = lambda: True
    assert state(client) == (503, "draining")
    answer = client.post("/predictlabel", data=four_png, content_type="image/png")
    assert answer.status_code == 200, "what it was sent is finished"
    assert client.get("/livez").status_code == 200


def test_a_worker_that_fails_its_self_test_predicts_nothing(
    client, classifier, health, monkeypatch, four_png
):
    def fail():
        raise ModelError("the model answers wrongly")

    monkeypatch.setattr(classifier, "warm_up", fail)

    health.start()

    assert health.failure == "the model answers wrongly"
    assert state(client) == (503, "failed")
    assert client.get("/livez").status_code == 200
    answer = client.post("/predictlabel", data=four_png, content_type="image/png")
    assert answer.status_code == 502, "the status that NGINX asks another replica for"
    assert answer.json["type"] == "urn:dlflask:problem:self-test-failed"
    assert classifier.tensors == []


@pytest.mark.parametrize("content", [b"no picture", None], ids=["damaged", "missing"])
def test_a_sample_that_cannot_be_read_fails_the_self_test(classifier, tmp_path, content):
    sample = tmp_path / "0.png"
    if content is not None:
        sample.write_bytes(content)
    health = Health([DigitRecogniser(classifier, [sample])])

    health.start()

    assert health.state == "failed"
