"""The fast path returns the same responses as Flask, and passes other requests on unchanged."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.numbers.recogniser import NumberRecogniser
from dlflask.web.app import create_app
from dlflask.web.middleware.environ import REQUEST_ID
from dlflask.web.middleware.fast_path import with_fast_path
from dlflask.web.middleware.request_body import BrokenBody
from dlflask.web.state import get_state
from tests.conftest import FakeClassifier, FakeNetwork, encode
from tests.drawing import draw_digit

# Pillow warns about damaged files; the service ignores the warnings.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

PNG, JPEG = encode(draw_digit(4)), encode(draw_digit(4), "JPEG")
MULTIPART = "multipart/form-data; boundary=seam-1"
LIMIT = 20_000


def part(content=PNG, name='name="image"; filename="4.png"', *headers):
    lines = [f"Content-Disposition: form-data; {name}", *headers]
    return b"--seam-1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"


def form(*parts, end=b"--seam-1--\r\n", content_type=MULTIPART):
    return b"".join(parts) + end, content_type


SIMPLE = {
    "form": form(part()),
    "form-with-type": form(part(JPEG, 'name="image"; filename="4"', "Content-Type: image/jpeg")),
    "form-named-file": form(part(name='name="file"; filename="4.png"')),
    "form-without-last-line-break": form(part(), end=b"--seam-1--"),
    "filename-in-utf-8": form(part(name='name="image"; filename="vier ☘.png"')),
    "type-without-space": form(part(), content_type=MULTIPART.replace("; ", ";")),
    "raw": (PNG, "image/png"),
    "raw-jpeg": (JPEG, "image/jpeg"),
}

IMAGE_ERRORS = {
    "no-picture": form(part(b"no picture")),
    "damaged": (PNG[:100], "image/png"),
    "blank": (encode(draw_digit(4).convert("L").point(lambda _: 255)), "image/png"),
}

OTHER = {
    "empty-part": form(part(b"")),
    "two-parts": form(part(), part()),
    "additional-field": form(part(), part(b"5", 'name="note"')),
    "a-field": form(part(b"5", 'name="image"')),
    "another-name": form(part(name='name="picture"; filename="4.png"')),
    "no-filename": form(part(name='name="image"; filename=""')),
    "no-filename-parameter": form(part(name='name="image"')),
    "text-of-an-image": form(part(b"static/4.png", 'name="image"')),
    "extended-filename": form(part(name="name=\"image\"; filename*=UTF-8''4.png")),
    "both-filenames": form(part(name='name="image"; filename="4"; filename*=UTF-8\'\'4.png')),
    "filename-without-quotes": form(part(name='name="image"; filename=vier ☘.png')),
    "name-in-capitals": form(part(name='name="IMAGE"; filename="4.png"')),
    "more-headers": form(
        part(PNG, 'name="image"; filename="4"', "Content-Transfer-Encoding: 8bit")
    ),
    "epilogue": form(part(), end=b"--seam-1--\r\n" + part()),
    "boundary-within": form(part(b"\r\n--seam-12\r\n" + PNG)),
    "no-end": form(part(), end=b""),
    "preamble": form(b"before\r\n", part()),
    "wrong-boundary": form(part(), content_type="multipart/form-data; boundary=other"),
    "quoted-boundary": form(part(), content_type='multipart/form-data; boundary="seam-1"'),
    "no-boundary": form(part(), content_type="multipart/form-data"),
    "json": (b'{"image": "AAAA"}', "application/json"),
    "unknown-type": (PNG, "text/plain"),
    "no-type": (PNG, ""),
    "urlencoded": (PNG, "application/x-www-form-urlencoded"),
    "octet-stream": (PNG, "application/octet-stream"),
    "json-of-an-image": (PNG, "application/json"),
    "empty-boundary": form(part(), content_type="multipart/form-data; boundary="),
    "too-large": (PNG + bytes(LIMIT), "image/png"),
    "no-body": (b"", "image/png"),
}


@pytest.fixture
def app():
    digits = DigitRecogniser(FakeClassifier())
    numbers = NumberRecogniser(FakeNetwork(), FakeClassifier())
    return create_app(Config(max_upload_bytes=LIMIT), digits, numbers)


@pytest.fixture
def flask(app):
    """Return Flask's application without the middleware around it."""
    return type(app).wsgi_app.__get__(app)


def environ(body, content_type, path="/predictlabel", method="POST", query="", **more):
    built = EnvironBuilder(path, method=method, data=body, query_string=query).get_environ()
    return built | {"CONTENT_TYPE": content_type, REQUEST_ID: "0123456789abcdef"} | more


def send(application, environ_):
    chunks, status, headers = run_wsgi_app(application, environ_, buffered=True)
    return status, headers.to_wsgi_list(), b"".join(chunks)


def fast_path(app, flask):
    """Return the application with the fast path, and a list of the requests passed to Flask."""
    passed_on = []

    def recording(environ_, start_response):
        passed_on.append(environ_)
        return flask(environ_, start_response)

    state = get_state(app)
    return with_fast_path(recording, state, state.recognisers.values()), passed_on


@pytest.mark.parametrize("path", ["/predictlabel", "/predictnumber"])
@pytest.mark.parametrize("request_", SIMPLE.values(), ids=SIMPLE)
def test_simple_request_gets_same_response_as_from_flask(request_, path, app, flask):
    application, passed_on = fast_path(app, flask)

    response = send(application, environ(*request_, path=path))

    assert response == send(flask, environ(*request_, path=path))
    assert response[0] == "200 OK"
    assert not passed_on


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        ("größe 4.png", "latin-1"),
        ("“vier” 4€.png", "cp1252"),
        ("четыре.png", "cp1251"),
        ("四の.png", "shift-jis"),
        ("表.png", "shift-jis"),  # the second byte of its first letter is a backslash
        ("四.png", "gbk"),
        ("\x80\xff", "latin-1"),
    ],
)
def test_file_name_in_other_charset_gets_same_response_as_from_flask(name, charset, app, flask):
    body, content_type = form(part(name='name="image"; filename="NAME"'))
    request_ = body.replace(b"NAME", name.encode(charset)), content_type

    response = send(fast_path(app, flask)[0], environ(*request_))

    assert response[0] == "200 OK"
    assert response == send(flask, environ(*request_))


@pytest.mark.parametrize("path", ["/predictlabel", "/predictnumber"])
@pytest.mark.parametrize("request_", (IMAGE_ERRORS | OTHER).values(), ids=IMAGE_ERRORS | OTHER)
def test_other_request_is_passed_to_flask_unchanged(request_, path, app, flask):
    application, passed_on = fast_path(app, flask)

    response = send(application, environ(*request_, path=path))

    assert response == send(flask, environ(*request_, path=path))
    assert len(passed_on) == 1


def test_unexpected_error_is_rendered_without_decoding_again(app, flask, monkeypatch):
    seen = []

    def read(upload, *_):
        seen.append(upload)
        raise RuntimeError("unexpected")

    monkeypatch.setattr("dlflask.digits.recogniser.read_ink", read)

    status, _, body = send(fast_path(app, flask)[0], environ(PNG, "image/png"))

    assert status.startswith("500")
    assert b"0123456789abcdef" in body
    assert seen == [PNG]


@pytest.mark.parametrize(
    "differing",
    [
        {"path": "/predictlabels"},
        {"path": "/predictlabel/"},
        {"path": "/predictnumber", "query": "length=2"},
        {"method": "PUT"},
        {"method": "OPTIONS"},
        {"query": "verbose=1"},
        {"CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "-5"},
        {"CONTENT_LENGTH": "9" * 5_000},
        {"CONTENT_LENGTH": "٣"},
        {"CONTENT_LENGTH": str(len(PNG) + 1)},
    ],
    ids=lambda differing: str(differing)[:40],
)
def test_request_with_other_metadata_is_passed_to_flask(differing, app, flask):
    application, passed_on = fast_path(app, flask)

    response = send(application, environ(PNG, "image/png", **differing))

    assert response == send(flask, environ(PNG, "image/png", **differing))
    assert len(passed_on) == 1


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.integers(0, 200), st.integers(0, 20), st.binary(max_size=4))
@example(66, 0, b"\x80")
@example(54, 14, b"")  # the file's name
@example(64, 0, b"*")  # filename*="4"
def test_form_with_changed_bytes_gets_same_response_as_from_flask(place, length, put):
    app = create_app(Config(max_upload_bytes=LIMIT), DigitRecogniser(FakeClassifier()))
    flask = type(app).wsgi_app.__get__(app)
    body, content_type = form(part(PNG, 'name="image"; filename="4"', "Content-Type: image/png"))
    changed = body[:place] + put + body[place + length :]

    response = send(fast_path(app, flask)[0], environ(changed, content_type))

    assert response == send(flask, environ(changed, content_type))


def test_fast_path_rejects_other_hosts():
    app = create_app(Config(allowed_hosts=("digits.example",)), DigitRecogniser(FakeClassifier()))

    rejected, _, _ = send(app.wsgi_app, environ(PNG, "image/png", HTTP_HOST="another.example"))
    accepted, _, _ = send(app.wsgi_app, environ(PNG, "image/png", HTTP_HOST="digits.example"))

    assert (rejected[:3], accepted[:3]) == ("400", "200")


def test_wrapped_flask_receives_every_request(monkeypatch):
    seen = []

    class Traced(Flask):
        """Flask as OpenTelemetry's launcher replaces it."""

        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            inner = self.wsgi_app
            self.wsgi_app = lambda *arguments: seen.append(arguments) or inner(*arguments)

    monkeypatch.setattr("dlflask.web.app.Flask", Traced)
    app = create_app(Config(), DigitRecogniser(FakeClassifier()))

    status, _, _ = send(app.wsgi_app, environ(PNG, "image/png"))

    assert status == "200 OK"
    assert len(seen) == 1


@pytest.mark.parametrize("path", ["/predictlabel", "/predictnumber"])
def test_fast_path_is_counted_under_its_route(app, path):
    send(app.wsgi_app, environ(PNG, "image/png", path=path))

    text = app.test_client().get("/metrics").text

    assert re.search(rf'requests_total\{{[^}}]*route="{path}"[^}}]*\}} 1\.0', text)


class BrokenInput:
    """Body of a request whose client sends an invalid chunk."""

    def read(self, _size=-1):
        raise BrokenBody


@pytest.mark.parametrize("name", ["mnist", "number"])
def test_error_of_the_body_has_the_headers_of_its_model(app, name):
    info = get_state(app).recognisers[name].info
    request_ = environ(PNG, "image/png", path=info.address) | {"wsgi.input": BrokenInput()}

    status, headers, _ = send(app.wsgi_app, request_)

    assert status.startswith("400")
    assert dict(headers)["X-Preprocessing"] == info.preprocessing
