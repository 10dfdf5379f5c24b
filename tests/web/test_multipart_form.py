import io

import pytest
from flask import Flask, request
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.formparser import FormDataParser
from werkzeug.test import encode_multipart

from dlflask.web.form_request import FormParser, FormRequest
from dlflask.web.multipart_form import PART_NAMES

# Content may be anything except the boundary, which Werkzeug draws at random.
names = st.text(st.characters(codec="utf-8", exclude_characters='"\\%\r\n'), max_size=20)
# A field with the name of the image's part counts as an image. Werkzeug does not know these names.
other_names = names.filter(lambda name: name not in PART_NAMES)
fields = st.tuples(other_names, st.text(st.characters(codec="utf-8"), max_size=50))
files = st.tuples(names, names, st.binary(max_size=200))


def parse(kind, body, boundary, **limits):
    parser = kind(lambda **_: io.BytesIO(), **limits)
    options = {"boundary": boundary}
    _, fields, files = parser.parse(io.BytesIO(body), "multipart/form-data", len(body), options)
    return list(fields.items(multi=True)), [
        (name, file.filename, file.content_type, file.read())
        for name, file in files.items(multi=True)
    ]


@given(st.lists(st.one_of(fields, files), max_size=4))
def test_parse_returns_same_parts_as_werkzeug(parts):
    boundary, body = encode_multipart(
        MultiDict(
            (part[0], part[1] if len(part) == 2 else FileStorage(io.BytesIO(part[2]), part[1]))
            for part in parts
        )
    )

    assert parse(FormParser, body, boundary) == parse(FormDataParser, body, boundary)


@pytest.mark.parametrize("line_break", [b"\r", b"\n"])
def test_line_break_in_type_of_part_does_not_return_500(client, line_break):
    file = FileStorage(io.BytesIO(b"picture"), "4.png", content_type="image/BREAK")
    _, body = encode_multipart({"image": file}, boundary="x")
    kind = "multipart/form-data; boundary=x"

    response = client.post(
        "/predictlabel", data=body.replace(b"BREAK", line_break), content_type=kind
    )

    assert response.status_code == 415, "the content is not an image"


@given(st.binary(max_size=300), st.integers(0, 250), st.integers(0, 8))
@example(b"\x80", 110, 0)  # content that begins like a delimiter
def test_parse_of_broken_form_returns_only_sent_bytes(noise, start, length):
    file = FileStorage(io.BytesIO(b"picture"), "4.png")
    _, body = encode_multipart({"image": file, "note": "four"}, boundary="x")
    broken = body[:start] + noise + body[start + length :]

    fields, files = parse(FormParser, broken, "x")

    assert all(content in broken for *_, content in files)
    assert len(fields) + len(files) <= broken.count(b"--x")


def test_parse_replaces_names_that_are_not_utf_8():
    file = FileStorage(io.BytesIO(b"picture"), "FILE")
    _, body = encode_multipart({"größe ☘": "4", "image": file}, boundary="x")

    fields, files = parse(FormParser, body.replace(b"FILE", b"\xff\x80.png"), "x")

    assert fields == [("größe ☘", "4")]
    assert files == [("image", "\ufffd\ufffd.png", "application/octet-stream", b"picture")]


@pytest.mark.parametrize(
    ("limits", "parts"),
    [
        pytest.param({"max_form_parts": 2}, {"a": "1", "b": "2", "c": "3"}, id="parts"),
        pytest.param({"max_form_memory_size": 5}, {"a": "123456"}, id="field"),
        pytest.param({"max_form_memory_size": 5}, {"a": "123", "b": "456"}, id="fields"),
    ],
)
def test_form_over_its_limits_returns_413(limits, parts):
    app = Flask(__name__)
    app.request_class = FormRequest
    app.config.update({name.upper(): value for name, value in limits.items()})
    app.post("/")(lambda: str(len(request.form)))

    response = app.test_client().post("/", data=parts | {"file": (io.BytesIO(b""), "4.png")})

    assert response.status_code == 413


@pytest.mark.parametrize("line_break", [b"\r\n", b"\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize(
    ("number", "size", "status"), [(1, 500_000, 413), (300, 1_000, 413), (200, 1_000, 415)]
)
def test_headers_of_all_parts_have_a_limit(client, line_break, number, size, status):
    header = b'Content-Disposition: form-data; name="image"; filename="4.png"\r\n'
    one = b"--x\r\n" + header + b"A: " + b"b" * size + b"\r\n\r\nno picture\r\n"
    body = (one * number + b"--x--\r\n").replace(b"\r\n", line_break)

    response = client.post(
        "/predictlabels", data=body, content_type="multipart/form-data; boundary=x"
    )

    found = response.get_json().get("results", [response.get_json()])
    assert {one["status"] for one in found} == {status}
    if status == 413:
        assert "headers of the form's parts have more than 262144 bytes" in found[0]["detail"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        pytest.param({str(name): "x" for name in range(21)}, "more than 20 parts", id="parts"),
        pytest.param(
            {"note": "x" * 500_001}, "text fields of the form have more than 500000", id="text"
        ),
    ],
)
def test_form_over_a_limit_names_it(client, parts, message):
    response = client.post("/predictlabel", data=parts | {"image": (io.BytesIO(b"x"), "4.png")})

    assert response.status_code == 413
    assert message in response.get_json()["detail"]


@pytest.mark.parametrize("is_chunked", [False, True])
def test_large_urlencoded_form_returns_415(client, is_chunked):
    def post(body):
        length = {} if is_chunked else {"content_length": len(body)}
        chunked = {"wsgi.input_terminated": True} if is_chunked else {}
        kind = "application/x-www-form-urlencoded"
        stream = io.BytesIO(body)
        return client.post(
            "/", input_stream=stream, content_type=kind, environ_overrides=chunked, **length
        )

    small, large = post(b"sample=4&" + b"a=b&" * 1_000), post(b"sample=4&" + b"a=b&" * 1_100)

    assert small.status_code == 200
    assert large.status_code == 415
    assert "4096 bytes" in large.get_json()["detail"]
    assert "curl -F" in large.get_json()["detail"]
