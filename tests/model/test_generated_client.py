"""Generate a typed client from /openapi.json, as a user does, and call the service with it."""

import base64
import importlib
import io
import json
import subprocess
import sys

import httpx
import pytest

from tests.serving import ROOT, ask

pytest.importorskip("openapi_python_client", reason="a development package")

FOUR = (ROOT / "static" / "samples" / "4.png").read_bytes()
FOUR_TEXT = base64.b64encode(FOUR).decode()


@pytest.fixture(scope="module")
def generated(server, tmp_path_factory):
    """Generate a client; return the generator's messages and an importer of its modules."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(ask(server, "GET", "/openapi.json").body)
    (folder / "config.json").write_text(json.dumps({"post_hooks": []}), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", folder / "openapi.json", "--config", folder / "config.json"),
            *("--output-path", folder / "digit_client"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    yield done.stdout + done.stderr, lambda name: importlib.import_module(f"digit_client.{name}")
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.split(".")[0] == "digit_client"]:
        del sys.modules[name]


@pytest.fixture
def load(generated):
    return generated[1]


@pytest.fixture
def client(server, load):
    with load("client").Client(base_url=f"http://127.0.0.1:{server}") as client:
        yield client


def upload(load, content):
    return load("types").File(io.BytesIO(content), "4.png", "image/png")


def test_generator_warnings(generated):
    """The generator does not support raw images as bodies; it supports everything else."""
    messages = generated[0].split("WARNING")[1:]

    assert len(messages) == len(["label", "labels", "number", "numbers"])
    assert all("Unsupported content type image/*" in message for message in messages)


def test_predict_label_with_form(client, load):
    form = load("models").ImageForm(image=upload(load, FOUR))

    prediction = load("api.images.predict_label").sync(client=client, body=form)

    assert prediction.most_probable_label == "4"
    assert len(prediction.predictions) == 10
    assert prediction.success is True


def test_predict_label_with_json_and_details(client, load):
    image = load("models").Image(image=FOUR_TEXT)

    prediction = load("api.images.predict_label").sync(client=client, body=image, details="1")

    assert prediction.most_probable_label == "4"
    assert prediction.details.verdict == load("models").DetailsVerdict.DIGIT
    assert len(prediction.details.input_) == 28


def test_predict_label_of_text(client, load):
    form = load("models").ImageForm(image=upload(load, b"I am a 4"))

    response = load("api.images.predict_label").sync_detailed(client=client, body=form)

    assert response.status_code == 415
    assert isinstance(response.parsed, load("models").Problem)
    assert response.parsed.type_ == "urn:dlflask:problem:unsupported-image"
    assert response.parsed.status == 415
    assert response.parsed.request_id == response.headers["X-Request-ID"]


@pytest.mark.parametrize("kind", ["form", "json"])
def test_predict_labels_with_one_bad_image(client, load, kind):
    models = load("models")
    body = (
        models.ImagesForm(image=[upload(load, FOUR), upload(load, b"I am a 4")])
        if kind == "form"
        else models.Images(images=[FOUR_TEXT, base64.b64encode(b"I am a 4").decode()])
    )

    first, second = load("api.images.predict_labels").sync(client=client, body=body).results

    assert first.most_probable_label == "4"
    assert isinstance(second, models.ItemProblem)
    assert second.status == 415


def test_ready(client, load):
    status = load("api.health.ready").sync(client=client)

    assert status.status == load("models").StatusStatus.READY


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param({"status": "draining"}, "Status", id="service"),
        pytest.param(
            {
                "type": "about:blank",
                "title": "Service Unavailable",
                "status": 503,
                "detail": "The service is starting or busy.",
                "request_id": "0" * 32,
                "success": False,
            },
            "Problem",
            id="nginx",
        ),
    ],
)
def test_ready_of_a_service_that_is_not(client, load, body, kind):
    """NGINX returns a problem if the service is down; the client must be able to parse it."""
    response = httpx.Response(503, json=body)

    parsed = load("api.health.ready")._parse_response(client=client, response=response)

    assert isinstance(parsed, getattr(load("models"), kind))


def test_model_infer(client, load):
    models = load("models")
    image = models.Input(
        name="image", datatype=models.InputDatatype.BYTES, shape=[1], data=[FOUR_TEXT]
    )
    infer = load("api.open_inference_protocol.model_infer")

    response = infer.sync(client=client, body=models.InferRequest(inputs=[image], id="x"))

    outputs = {output.name: output.data for output in response.outputs}
    assert outputs[models.OutputName.LABEL] == [4]
    assert max(outputs[models.OutputName.PROBABILITIES]) > 0.9
    assert response.id == "x"


def test_model_infer_of_a_wrong_shape(client, load):
    models = load("models")
    image = models.Input(
        name="image", datatype=models.InputDatatype.FP32, shape=[1, 2, 2], data=[0.0] * 4
    )
    infer = load("api.open_inference_protocol.model_infer")

    response = infer.sync_detailed(client=client, body=models.InferRequest(inputs=[image]))

    assert response.status_code == 400
    assert isinstance(response.parsed, models.InferError)
    assert "28" in response.parsed.error
