"""Real requests and responses match the OpenAPI document."""

import base64

import pytest
from jsonschema import Draft202012Validator

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.errors import ModelError
from dlflask.web.app import create_app
from dlflask.web.inference_protocol.tensors import MAX_BATCH
from dlflask.web.state import current_state
from tests.invalid_requests import BAD_REQUESTS, encode_form, encode_request
from tests.openapi import ANYWHERE, operations, resolve


def check(document, response, path, method="post"):
    """Compare a response with its description."""
    responses = document["paths"][path][method]["responses"]
    described = responses.get(str(response.status_code))
    if described is None:
        assert response.status_code in ANYWHERE
        described = {"$ref": f"#/components/responses/{response.status_code}"}
    described = resolve(document, described)
    assert response.mimetype in described["content"]
    for name in described["headers"]:
        required = document["components"]["headers"][name].get("required")
        assert name in response.headers or not required, f"{name} is missing"
    schema = described["content"][response.mimetype]["schema"]
    if response.is_json:
        whole = schema | {"components": document["components"]}
        Draft202012Validator(whole).validate(response.get_json())
    if (
        response.mimetype == "application/problem+json"
        and response.get_json()["type"] != "about:blank"
    ):
        assert f"`{response.get_json()['type']}`" in described["description"]


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_problem_matches_document(client, document, bad):
    body, content_type = encode_request(bad)

    response = client.open(bad.path, method=bad.method, data=body, content_type=content_type)

    check(document, response, "/predictlabel")


@pytest.mark.parametrize("path", ["/predictlabel", "/predictlabel?details=1"])
def test_prediction_matches_document(client, document, four_png, path):
    response = client.post(path, data=four_png, content_type="image/png")

    assert response.status_code == 200
    check(document, response, "/predictlabel")


@pytest.mark.parametrize("query", ["", "?details=1"])
def test_several_predictions_match_document(client, document, four_png, query):
    body, content_type = encode_form([("image", "", four_png), ("image", "x.png", b"x")])

    response = client.post(f"/predictlabels{query}", data=body, content_type=content_type)

    assert response.status_code == 200
    check(document, response, "/predictlabels")


@pytest.mark.parametrize("query", ["", "?length=1", "?length=2-3", "?length=0", "?details=1"])
def test_number_matches_document(client, document, four_png, query):
    response = client.post(f"/predictnumber{query}", data=four_png, content_type="image/png")

    assert response.status_code == (400 if query == "?length=0" else 200)
    check(document, response, "/predictnumber")


@pytest.mark.parametrize("query", ["", "?details=1"])
def test_several_numbers_match_document(client, document, four_png, query):
    body, content_type = encode_form([("image", "", four_png), ("image", "x.png", b"x")])

    response = client.post(f"/predictnumbers{query}", data=body, content_type=content_type)

    assert response.status_code == 200
    check(document, response, "/predictnumbers")


def test_number_inference_matches_document(client, document, four_png):
    text = base64.b64encode(four_png).decode()
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "data": [text]}

    response = client.post("/v2/models/number/infer", json={"inputs": [tensor]})

    assert response.status_code == 200
    check(document, response, "/v2/models/number/infer")


def test_service_without_number_model_matches_document(classifier, document, four_png):
    client = create_app(Config(), DigitRecogniser(classifier)).test_client()

    response = client.post("/predictnumber", data=four_png, content_type="image/png")

    assert response.status_code == 404
    assert "number_model.h5" in response.get_json()["detail"]
    check(document, response, "/predictnumber")


def make_ready(health, classifier):
    health.start()


def make_starting(health, classifier):
    classifier.is_ready = False


def make_draining(health, classifier):
    health.is_draining = lambda: True


def make_failed(health, classifier):
    def fail():
        raise ModelError("The model predicts 3 for a 4.")

    classifier.warm_up = fail
    health.start()


STATES = {
    "ready": make_ready,
    "starting": make_starting,
    "draining": make_draining,
    "failed": make_failed,
}


@pytest.mark.parametrize("state", STATES)
def test_get_in_every_state_matches_document(app, client, classifier, document, state):
    with app.app_context():
        STATES[state](current_state().health, classifier)

    assert client.get("/readyz").get_json() == {"status": state}
    for path, method, _ in operations(document):
        if method == "get":
            here = path.replace("{filename}", "4.jpg")
            response = client.get(here, buffered=True)
            if here == path:
                check(document, response, path, method)
            assert response.status_code in (200, 503)


def test_problem_of_failed_service_matches_document(app, client, classifier, document, four_png):
    with app.app_context():
        make_failed(current_state().health, classifier)

    response = client.post("/predictlabel", data=four_png, content_type="image/png")

    assert response.status_code >= 500
    check(document, response, "/predictlabel")


@pytest.mark.parametrize(
    ("data", "status"), [([0.5] * 784, 200), ([2] * 784, 400)], ids=["right", "wrong"]
)
def test_inference_matches_document(client, document, data, status):
    tensor = {"name": "image", "shape": [1, 28, 28], "datatype": "FP32", "data": data}
    body = {"id": "x", "inputs": [tensor]}

    response = client.post("/v2/models/mnist/infer", json=body)

    assert response.status_code == status
    check(document, response, "/v2/models/mnist/infer")
    request = {"$ref": "#/components/schemas/InferRequest", "components": document["components"]}
    Draft202012Validator(request).validate(body)


def test_every_request_example_is_accepted(client, document):
    sent = 0
    for path, method, operation in operations(document):
        for media, body in operation.get("requestBody", {}).get("content", {}).items():
            for one in body.get("examples", {}).values():
                response = client.open(path, method=method, json=one["value"], content_type=media)
                assert response.status_code == 200
                assert "4" in response.text
                sent += 1

    assert sent == 8


def test_request_bodies_match_document(document, four_png):
    text = base64.b64encode(four_png).decode()
    for name, body in (("Image", {"image": text}), ("Images", {"images": [text] * MAX_BATCH})):
        schema = document["components"]["schemas"][name] | {"components": document["components"]}
        Draft202012Validator(schema).validate(body)
