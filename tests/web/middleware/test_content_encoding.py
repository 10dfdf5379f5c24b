"""Compressed bodies get the same responses as plain ones, on the fast path and in Flask."""

import base64
import gzip
import io
import json
import zlib

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.web.app import create_app
from tests.conftest import FakeClassifier, encode
from tests.drawing import draw_digit
from tests.infer_requests import FP32, INFER
from tests.invalid_requests import encode_form

PNG = encode(draw_digit(4))
LIMIT = 20_000


def deflate(body):
    """Return raw deflate, as .NET and some old browsers send it."""
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(body) + stream.flush()


#: Values of Content-Encoding with what clients send under them.
ENCODINGS = {
    "gzip": ("gzip", gzip.compress),
    "gzip-in-capitals": ("GZIP", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate-with-header": ("deflate", zlib.compress),
    "deflate-without-header": ("deflate", deflate),
    "gzip-as-deflate": ("deflate", gzip.compress),
    "gzip-and-identity": ("identity, gzip", gzip.compress),
    "gzip-already-decompressed": ("gzip", bytes),
    "deflate-already-decompressed": ("deflate", bytes),
    "identity": ("identity", bytes),
    "character-set": ("UTF-8", bytes),
}

BODIES = {
    "form": encode_form([("image", "4.png", PNG)]),
    "raw": (PNG, "image/png"),
    "json": (
        json.dumps({"image": base64.b64encode(PNG).decode()}).encode(),
        "application/json",
    ),
}

#: The second is handled by Flask, because of its query.
PATHS = ["/predictlabel", "/predictlabel?in=flask"]


@pytest.fixture
def client():
    recogniser = DigitRecogniser(FakeClassifier())
    return create_app(Config(max_upload_bytes=LIMIT), recogniser).test_client()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS)
def test_compressed_body_gets_response_of_plain_body(client, encoding, body, path):
    name, compress = encoding
    content, content_type = body
    plain = client.post(path, data=content, content_type=content_type)

    response = client.post(
        path,
        data=compress(content),
        content_type=content_type,
        headers={"Content-Encoding": name},
    )

    assert response.status_code == 200, response.text
    assert response.data == plain.data


@pytest.mark.parametrize(
    ("path", "content_type", "body"),
    [
        pytest.param("/predictlabels", *reversed(BODIES["form"]), id="several"),
        pytest.param(
            INFER, "application/json", json.dumps({"inputs": [FP32]}).encode(), id="inference"
        ),
        pytest.param("/", "application/x-www-form-urlencoded", b"sample=4", id="page"),
    ],
)
def test_other_addresses_decompress_too(client, path, content_type, body):
    response = client.post(
        path,
        data=gzip.compress(body),
        content_type=content_type,
        headers={"Content-Encoding": "gzip"},
    )

    assert response.status_code == 200
    assert "4" in response.text


def test_chunked_body_is_decompressed(client):
    sent = EnvironBuilder("/predictlabel", method="POST").get_environ() | {
        "CONTENT_TYPE": "image/png",
        "CONTENT_LENGTH": "",
        "HTTP_CONTENT_ENCODING": "gzip",
        "HTTP_TRANSFER_ENCODING": "chunked",
        "wsgi.input": io.BytesIO(gzip.compress(PNG)),
        "wsgi.input_terminated": True,
    }

    _, status, _ = run_wsgi_app(client.application, sent, buffered=True)

    assert status == "200 OK"


@pytest.mark.parametrize("path", [*PATHS, INFER])
@pytest.mark.parametrize("name", ["br", "zstd", "compress", "aws-chunked", "gzip, br", "gzip,gzip"])
def test_unsupported_encoding_returns_415_that_names_it(client, name, path):
    response = client.post(
        path, data=PNG, content_type="image/png", headers={"Content-Encoding": name}
    )

    problem = response.get_json()
    assert response.status_code == 415
    assert f"Content-Encoding {name!r}; expected gzip, deflate" in problem.get(
        "detail", problem.get("error")
    )
    assert response.headers["Accept-Encoding"] == "gzip, deflate"


@pytest.mark.parametrize("path", [*PATHS, INFER])
@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        pytest.param(gzip.compress(PNG)[:-9], 400, "cut off", id="cut-off"),
        pytest.param(gzip.compress(PNG)[:1], 415, "", id="one-byte"),
        pytest.param(gzip.compress(PNG) + b"more", 400, "followed by", id="more"),
        pytest.param(gzip.compress(PNG) * 2, 400, "followed by", id="two-streams"),
        pytest.param(b"\x1f\x8b\x08" + PNG, 400, "damaged", id="damaged"),
        pytest.param(zlib.compress(PNG)[:-9], 400, "cut off", id="zlib-cut-off"),
        pytest.param(gzip.compress(bytes(30_000_000)), 413, "when it is decompressed", id="bomb"),
        pytest.param(deflate(bytes(30_000_000)), 413, "when it is decompressed", id="raw-bomb"),
        pytest.param(bytes(100_000), 413, "limit", id="larger-than-the-limit"),
    ],
)
def test_invalid_compressed_body_returns_problem(client, path, body, status, message):
    if body == b"\x1f" and path == INFER:
        status = 400

    response = client.post(
        path, data=body, content_type="image/png", headers={"Content-Encoding": "deflate"}
    )

    problem = response.get_json()
    assert response.status_code == status
    assert message in problem.get("detail", problem.get("error"))


def test_encoding_without_a_body_is_ignored(client):
    assert client.get("/livez", headers={"Content-Encoding": "br"}).status_code == 200
