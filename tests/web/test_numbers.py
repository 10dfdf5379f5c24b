"""`POST /predictnumber`, `POST /predictnumbers` and the model `number` under /v2."""

import base64
import json

import pytest

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.web.app import create_app
from tests.conftest import FakeNetwork, encode
from tests.drawing import draw_number
from tests.infer_requests import get_output
from tests.invalid_requests import BAD_REQUESTS, encode_form, encode_request


def infer(client, *images, **output):
    data = [base64.b64encode(image).decode() for image in images]
    tensor = {"name": "image", "datatype": "BYTES", "shape": [len(images)], "data": data}
    body = {"inputs": [tensor]} | ({"outputs": [output]} if output else {})
    return client.post("/v2/models/number/infer", json=body)


def test_predictnumber_has_exactly_these_keys(client, four_png):
    response = client.post("/predictnumber", data=four_png, content_type="image/png")

    assert response.status_code == 200
    assert response.headers["X-Model-SHA256"] == FakeNetwork().sha256[:12]
    body = response.get_json()
    (line,) = body.pop("lines")
    (digit,) = line.pop("digits")
    assert body == {
        "number": "4",
        "verdict": "number",
        "confidence": body["confidence"],
        "success": True,
    }
    assert line.keys() == {"number", "verdict", "confidence", "box"}
    assert digit["label"] == "4"
    assert float(digit["probability"]) == pytest.approx(0.99)
    assert digit["box"] == line["box"]


def test_predictnumber_takes_forms_and_json(client, four_png):
    form, form_type = encode_form([("image", "4.png", four_png)])
    text = json.dumps({"image": base64.b64encode(four_png).decode()})

    responses = [
        client.post("/predictnumber", data=data, content_type=kind)
        for data, kind in ((form, form_type), (text, "application/json"), (four_png, "image/png"))
    ]

    assert len({response.text for response in responses}) == 1


@pytest.mark.parametrize("bad", BAD_REQUESTS, ids=lambda bad: bad.name)
def test_bad_request_has_the_problem_of_predictlabel(client, bad):
    body, content_type = encode_request(bad)
    path = bad.path.replace("/predictlabel", "/predictnumber")

    one, other = (
        client.open(address, method=bad.method, data=body, content_type=content_type)
        for address in (bad.path, path)
    )

    assert one.status_code == other.status_code
    assert one.get_json()["type"] == other.get_json()["type"]


@pytest.mark.parametrize("length", ["", "0", "x", "5-4", "1000"])
@pytest.mark.parametrize("path", ["/predictnumber", "/predictnumbers"])
def test_invalid_length_is_a_problem(client, four_png, path, length):
    response = client.post(f"{path}?length={length}", data=four_png, content_type="image/png")

    assert response.status_code == 400
    assert response.get_json()["type"] == "urn:dlflask:problem:invalid-length"


def test_length_that_changed_the_reading_is_reported(client, network, four_png):
    network.text, network.probability = "44", 0.9

    free = client.post("/predictnumber", data=four_png, content_type="image/png").get_json()
    one = client.post("/predictnumber?length=1", data=four_png, content_type="image/png").get_json()

    assert "without_length" not in free
    assert (one["number"], one["without_length"]) == ("4", "44")


def test_details_show_each_digit(client, network):
    network.text = "4.4"
    picture = encode(draw_number("4.4", gap=0))

    response = client.post("/predictnumber?details=1", data=picture, content_type="image/png")

    details = response.get_json()["details"]
    (line,) = details["lines"]
    assert (line["strip_text"], line["digit_text"]) == ("4.4", "44")
    pixels = base64.b64decode(line["strip"]["pixels"])
    assert len(pixels) == line["strip"]["height"] * line["strip"]["width"]
    four, point, _ = line["digits"]
    assert point.keys() == {"label", "candidates"}
    assert len(four["predictions"]) == 10
    assert len(four["input"]) == len(four["saliency"]) == 28
    assert details["milliseconds"].keys() == {"decode", "place", "predict", "explain"}


def test_predictnumbers_gives_each_image_its_number_or_problem(client, four_png):
    body, content_type = encode_form([("image", "4.png", four_png), ("image", "x.png", b"x")])

    response = client.post("/predictnumbers", data=body, content_type=content_type)

    number, problem = response.get_json()["results"]
    assert number["number"] == "4"
    assert problem["status"] == 415


def test_model_number_takes_images_and_gives_texts(client, four_png):
    response = infer(client, four_png, four_png)

    assert get_output(response, "number")["data"] == ["4", "4"]
    assert get_output(response, "verdict")["data"] == ["number", "number"]
    confidence = get_output(response, "confidence")
    assert (confidence["datatype"], confidence["shape"]) == ("FP32", [2])


def test_model_number_gives_binary_data(client, four_png):
    response = infer(client, four_png, name="number", parameters={"binary_data": True})

    length = int(response.headers["Inference-Header-Content-Length"])
    assert response.data[length:] == b"\x01\0\0\x004"


def test_model_number_rejects_tensors(client):
    tensor = {"name": "image", "datatype": "FP32", "shape": [1, 28, 28], "data": [0.0] * 784}

    response = client.post("/v2/models/number/infer", json={"inputs": [tensor]})

    assert response.status_code == 400
    assert "BYTES (image files)" in response.get_json()["error"]


def test_numbers_are_counted_by_verdict(client, four_png):
    client.post("/predictnumber", data=four_png, content_type="image/png")

    text = client.get("/metrics").text
    assert 'dlflask_verdicts_total{model="number",verdict="number"} 1.0' in text
    assert 'dlflask_requests_total{route="/predictnumber",status="200"} 1.0' in text


def test_service_without_number_model_reads_digits(classifier, four_png):
    client = create_app(Config(), DigitRecogniser(classifier)).test_client()

    number = client.post("/predictnumber", data=four_png, content_type="image/png")
    digit = client.post("/predictlabel", data=four_png, content_type="image/png")

    assert number.status_code == 404
    assert "without number_model.h5" in number.get_json()["detail"]
    assert digit.status_code == 200
    assert client.get("/v2/models/number").status_code == 404


@pytest.mark.parametrize("query", ["", "?details=1"])
def test_predictlabel_of_several_digits(classifier, query):
    app = create_app(Config(), DigitRecogniser(classifier, shows_several=lambda _: True))
    client = app.test_client()
    picture = encode(draw_number("42"))

    response = client.post(f"/predictlabel{query}", data=picture, content_type="image/png")

    body = response.get_json()
    details = body.pop("details", {"verdict": "several_digits"})
    assert details["verdict"] == "several_digits"
    assert body.keys() == {"most_probable_label", "predictions", "success"}
    assert 'verdict="several_digits"} 1.0' in client.get("/metrics").text


def test_page_of_several_digits(classifier):
    app = create_app(Config(), DigitRecogniser(classifier, shows_several=lambda _: True))
    body, content_type = encode_form([("image", "42.png", encode(draw_number("42")))])

    page = app.test_client().post("/", data=body, content_type=content_type).text

    assert "This shows several digits." in page
    assert 'data-verdict="several_digits"' in page
