import pytest

from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ModelError
from dlflask.web.health import Health
from dlflask.web.state import get_state


@pytest.fixture
def health(app):
    return get_state(app).health


def state(client):
    response = client.get("/readyz")
    return response.status_code, response.get_json()["status"]


def test_worker_is_starting_then_ready_then_draining(client, classifier, health, four_png):
    classifier.is_ready = False
    assert state(client) == (503, "starting")

    health.start()
    assert state(client) == (200, "ready")
    assert len(classifier.tensors) == 10, "every sample passed the whole pipeline"

    health.is_draining = lambda: True
    assert state(client) == (503, "draining")
    response = client.post("/predictlabel", data=four_png, content_type="image/png")
    assert response.status_code == 200, "a draining worker finishes its requests"
    assert client.get("/livez").status_code == 200


def test_worker_that_failed_its_self_test_rejects_images(
    client, classifier, health, monkeypatch, four_png
):
    def fail():
        raise ModelError("the model is wrong")

    monkeypatch.setattr(classifier, "warm_up", fail)

    health.start()

    assert health.failure == "the model is wrong"
    assert state(client) == (503, "failed")
    assert client.get("/livez").status_code == 200
    response = client.post("/predictlabel", data=four_png, content_type="image/png")
    assert response.status_code == 502, "NGINX retries on another replica only after 502"
    assert response.json["type"] == "urn:dlflask:problem:self-test-failed"
    assert classifier.tensors == []


@pytest.mark.parametrize("content", [b"no picture", None], ids=["damaged", "missing"])
def test_self_test_with_unreadable_sample_fails(classifier, tmp_path, content):
    sample = tmp_path / "0.png"
    if content is not None:
        sample.write_bytes(content)
    health = Health([DigitRecogniser(classifier, [sample])])

    health.start()

    assert health.state == "failed"
