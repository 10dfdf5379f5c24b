"""Images as the body of a request, whatever type is announced."""

import io
import json

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from tests.conftest import encode
from tests.drawing import draw_digit

PNG = encode(draw_digit(4))
IMAGES = {
    kind: encode(draw_digit(4), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
}
URLENCODED = "application/x-www-form-urlencoded"

#: Types that clients send with an image; curl sends the first without `-H`.
TYPES = [
    URLENCODED,
    f"{URLENCODED}; charset=utf-8",
    "application/octet-stream",
    "binary/octet-stream",
    None,
    "",
    "text/plain",
    "text/plain; charset=UTF-8",
    "application/json",
    "application/vnd.api+json",
    "application/pdf",
    "multipart/mixed; boundary=x",
    "image",
    "*/*",
    "no type",
]

#: The second is handled by Flask, because of its query.
PATHS = ["/predictlabel", "/predictlabel?in=flask"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("content_type", TYPES)
def test_image_is_read_whatever_its_type(client, content_type, path):
    expected = client.post(path, data=PNG, content_type="image/png")

    response = client.post(path, data=PNG, content_type=content_type)

    assert response.status_code == 200, response.text
    assert response.data == expected.data


@pytest.mark.parametrize("kind", IMAGES)
def test_every_format_is_recognised(client, kind):
    response = client.post("/predictlabel", data=IMAGES[kind], content_type=URLENCODED)

    assert response.status_code == 200, response.text


@pytest.mark.parametrize("content_type", TYPES)
def test_predictlabels_reads_body_as_one_image(client, content_type):
    response = client.post("/predictlabels", data=PNG, content_type=content_type)

    assert [one["success"] for one in response.get_json()["results"]] == [True]


def test_chunked_body_is_read(client):
    sent = EnvironBuilder("/predictlabel", method="POST").get_environ() | {
        "CONTENT_TYPE": URLENCODED,
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(PNG),
        "wsgi.input_terminated": True,
    }

    _, status, _ = run_wsgi_app(client.application, sent, buffered=True)

    assert status == "200 OK"


@pytest.mark.parametrize("path", [*PATHS, "/predictlabels"])
@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        pytest.param(b"I am a 4", "text/plain", "begins with b'I am a 4'", id="text"),
        pytest.param(b"I am a 4", None, "supported image format", id="text-without-type"),
        pytest.param(
            b"\x1f\x8b\x08", "application/octet-stream", "supported image format", id="unknown"
        ),
        pytest.param(b"a=b", URLENCODED, "begins with b'a=b'", id="urlencoded"),
        pytest.param(b"a=b&" * 4_000_000, URLENCODED, "begins with b'a=b&a", id="urlencoded-large"),
        pytest.param(
            json.dumps({"image": "AAAA"}).encode(), URLENCODED, "looks like JSON", id="json"
        ),
        pytest.param(b'\n[ {"a": 1} ]', None, "Content-Type: application/json.", id="json-list"),
        pytest.param(
            b"--x\r\nContent-Disposition: form-data\r\n", None, "a multipart form", id="form"
        ),
        pytest.param(b"--x\ncontent-disposition: x", "a/b", "with its boundary", id="form-lf"),
    ],
)
def test_other_body_returns_415_that_names_it(client, path, body, content_type, message):
    response = client.post(path, data=body, content_type=content_type)

    problem = response.get_json()
    problem = problem.get("results", [problem])[0]
    assert problem["status"] == 415
    assert message in problem["detail"]


def test_other_body_is_not_read_to_its_end(client):
    body = io.BytesIO(b"a=b&" * 4_000_000)

    response = client.post("/predictlabel", input_stream=body, content_type=URLENCODED)

    assert response.status_code == 415
    assert body.tell() <= 4096


@pytest.mark.parametrize("kind", IMAGES)
def test_image_without_line_feeds_names_option_of_curl(client, kind):
    stripped = IMAGES[kind].translate(None, b"\r\n\0")  # as `curl -d @4.png` sends it

    response = client.post("/predictlabel", data=stripped, content_type=URLENCODED)

    assert response.status_code == 422
    assert "curl -d removed its line feeds" in response.get_json()["detail"]


@pytest.mark.parametrize("content_type", [None, URLENCODED, "application/octet-stream"])
def test_empty_body_returns_400(client, content_type):
    response = client.post("/predictlabel", data=b"", content_type=content_type)

    assert response.status_code == 400
    assert "body is empty" in response.get_json()["detail"]
