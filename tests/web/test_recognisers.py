"""The application serves any number of recognisers."""

from dataclasses import dataclass, field

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ModelError
from dlflask.recogniser import ModelInfo, OutputSpec
from dlflask.web.app import create_app
from tests.infer_requests import INFER

SHA256 = "fedcba9876543210" * 4


@dataclass(frozen=True)
class Length:
    """Result of `LengthRecogniser`."""

    label: str
    verdict: str = "read"
    confidence: float = 0.75
    milliseconds: dict = field(default_factory=lambda: {"decode": 1.0})


class LengthRecogniser:
    """Reads the number of bytes of an image file."""

    info = ModelInfo(
        name="length",
        sha256=SHA256,
        preprocessing="7",
        labels=[],
        verdicts=["read"],
        outputs={"text": OutputSpec("BYTES", [])},
        input_shape=(),
    )
    is_ready = False

    def setup(self):
        self.is_ready = True

    def read_many(self, uploads, deadline=None):  # noqa: ARG002
        return [Length(str(len(upload))) for upload in uploads]

    def output(self, name, results):
        assert name == "text"
        return [result.label for result in results]


@pytest.fixture
def length():
    return LengthRecogniser()


@pytest.fixture
def client(classifier, length):
    return create_app(Config(), DigitRecogniser(classifier), length).test_client()


def infer(client, *images):
    tensor = {"name": "image", "datatype": "BYTES", "shape": [len(images)], "data": [*images]}
    return client.post(INFER.replace("mnist", "length"), json={"inputs": [tensor]})


def test_second_recogniser_is_described_under_v2(client):
    model = client.get("/v2/models/length")

    assert model.json["parameters"]["sha256"] == SHA256
    assert model.json["inputs"][0]["datatype"] == "BYTES"
    assert [output["name"] for output in model.json["outputs"]] == ["text"]
    assert model.headers["X-Model-SHA256"] == SHA256[:12]
    assert model.headers["X-Preprocessing"] == "7"


@pytest.mark.parametrize("path", ["", "/ready", "/versions/1", "/versions/1/ready"])
def test_unknown_model_returns_names_of_models(client, path):
    response = client.get(f"/v2/models/a{{b}}{path}")

    assert response.status_code == 404
    assert response.json["error"].startswith(
        "The model 'a{b}' does not exist; expected one of: mnist, length."
    )


def test_infer_of_unknown_model_returns_names_of_models(client):
    response = client.post("/v2/models/width/infer", json={})

    assert response.status_code == 404
    assert "mnist, length" in response.json["error"]


def test_second_recogniser_reads_images_under_v2(client):
    response = infer(client, "AAAA", "AAAAAAAA")

    assert response.status_code == 200
    assert response.json["model_name"] == "length"
    assert response.json["outputs"][0]["data"] == ["3", "6"]


def test_second_recogniser_without_input_shape_rejects_tensors(client):
    tensor = {"name": "image", "datatype": "FP32", "shape": [1, 28, 28], "data": [0.0] * 784}
    response = client.post("/v2/models/length/infer", json={"inputs": [tensor]})

    assert response.status_code == 400


def test_second_recogniser_is_counted_by_itself(client):
    infer(client, "AAAA", "AAAAAAAA")

    found = {
        (sample.name, sample.labels.get("model")): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }
    assert found["dlflask_verdicts_total", "length"] == 2
    assert found["dlflask_confidence_ratio_sum", "length"] == 1.5
    assert found["dlflask_verdicts_total", "mnist"] == 0
    assert ("dlflask_digits_total", "length") not in found
    assert found["dlflask_model_info", "length"] == found["dlflask_model_info", "mnist"] == 1


def test_service_is_ready_when_all_recognisers_are(client, length):
    assert client.get("/readyz").json == {"status": "starting"}
    assert client.get("/v2/models/mnist/ready").status_code == 503

    length.setup()

    assert client.get("/readyz").json == {"status": "ready"}
    assert client.get("/v2/models/length/ready").status_code == 200


def test_service_fails_if_one_recogniser_does(classifier, length, monkeypatch):
    def fail():
        raise ModelError("the second model is damaged")

    monkeypatch.setattr(length, "setup", fail)
    app = create_app(Config(), DigitRecogniser(classifier), length)
    app.extensions["dlflask"].health.start()

    assert app.test_client().get("/readyz").json == {"status": "failed"}
