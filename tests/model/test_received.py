"""Requests as real clients send them, received by Gunicorn: every one gets the same prediction."""

import base64
import gzip
import http.client
import json
import zlib
from contextlib import closing

import pytest

from tests.infer_requests import INFER
from tests.serving import ROOT, ask, ask_on

FOUR = (ROOT / "static" / "4.jpg").read_bytes()
TEXT = base64.b64encode(FOUR).decode()
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"


def form(disposition, content=FOUR):
    header = b"--x\r\nContent-Disposition: form-data; name=image" + disposition
    return header + b"\r\n\r\n" + content + b"\r\n--x--\r\n", MULTIPART


def in_json(text, **others):
    return json.dumps({"image": text, **others}).encode(), "application/json"


#: Body, type and Content-Encoding.
RECEIVED = {
    "part-without-file-name": (*form(b""), ""),
    "part-with-extended-file-name": (*form(b"; filename*=UTF-8''vier.jpg"), ""),
    "part-with-file-name-in-gbk": (*form(b"; filename=" + "四.jpg".encode("gbk")), ""),
    "part-of-text": (*form(b"", f"data:image/jpeg;base64,{TEXT}".encode()), ""),
    "octet-stream": (FOUR, "application/octet-stream", ""),
    "no-type": (FOUR, None, ""),
    "curl-data-binary": (FOUR, URLENCODED, ""),
    "type-of-json": (FOUR, "application/json", ""),
    "gzip": (gzip.compress(FOUR), "image/jpeg", "gzip"),
    "deflate-of-a-form": (zlib.compress(form(b"")[0]), MULTIPART, "deflate"),
    "json-url-safe": (*in_json(TEXT.translate(str.maketrans("+/", "-_")).rstrip("=")), ""),
    "json-with-other-keys": (*in_json(TEXT, id=4, meta={"tags": ["größe"]}), ""),
    "json-gzip": (gzip.compress(in_json(TEXT)[0]), "application/json", "gzip"),
}


@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("name", RECEIVED)
def test_request_gets_prediction_of_simple_form(server, name, is_chunked):
    body, content_type, encoding = RECEIVED[name]
    expected = ask(server, "POST", "/predictlabel", FOUR, "image/jpeg")
    headers = {"Content_Encoding": encoding} if encoding else {}

    response = ask(
        server,
        "POST",
        "/predictlabel",
        iter([body[:1_000], body[1_000:]]) if is_chunked else body,
        content_type,
        **headers,
    )

    assert response.status == 200, response.body
    assert response.body == expected.body


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "status"),
    [
        pytest.param(gzip.compress(bytes(50_000_000)), "image/png", "gzip", 413, id="bomb"),
        pytest.param(gzip.compress(FOUR)[:-20], "image/jpeg", "gzip", 400, id="gzip-cut-off"),
        pytest.param(FOUR, "image/jpeg", "br", 415, id="brotli"),
        pytest.param(b"a=b&" * 2_000, URLENCODED, "", 415, id="urlencoded-form"),
        pytest.param(form(b"")[0], "multipart/form-data", "", 400, id="no-boundary"),
        pytest.param(*form(b"", b"static/4.jpg"), "", 400, id="part-of-text"),
    ],
)
def test_connection_stays_usable_after_a_problem(server, body, content_type, encoding, status):
    headers = {"Content_Encoding": encoding} if encoding else {}
    with closing(http.client.HTTPConnection("127.0.0.1", server, timeout=30)) as connection:
        problem = ask_on(connection, "POST", "/predictlabel", body, content_type, **headers)
        following = ask_on(connection, "POST", "/predictlabel", FOUR, "image/jpeg")

    assert problem.status == status
    assert json.loads(problem.body)["status"] == status
    assert following.status == 200


@pytest.mark.parametrize("shape", [[784], [28, 28], [1, 784], [1, 1, 28, 28]], ids=str)
def test_tensor_of_any_shape_gets_the_same_prediction(server, shape):
    details = json.loads(
        ask(server, "POST", "/predictlabel?details=true", FOUR, "image/jpeg").body
    )["details"]
    tensor = {"name": "image", "datatype": "UINT8", "shape": shape}
    tensor["data"] = [pixel for row in details["input"] for pixel in row]

    response = ask(
        server, "POST", INFER, json.dumps({"inputs": [tensor]}).encode(), "application/json"
    )

    outputs = {one["name"]: one["data"] for one in json.loads(response.body)["outputs"]}
    assert (outputs["label"], outputs["verdict"]) == ([4], ["digit"])
