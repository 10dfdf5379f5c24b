"""What is answered past Flask is what Flask answers; all else reaches Flask as it was sent."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from hypothesis import example, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from dlflask.config import Config
from dlflask.digits.recogniser import DigitRecogniser
from dlflask.web.app import create_app
from dlflask.web.middleware.environ import REQUEST_ID
from dlflask.web.middleware.fast_path import with_fast_path
from dlflask.web.state import get_state
from tests.conftest import FakeClassifier, encode
from tests.drawing import draw_digit

# Pillow warns of what it skips in a damaged file; the service does not listen.
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")

PNG, JPEG = encode(draw_digit(4)), encode(draw_digit(4), "JPEG")
MULTIPART = "multipart/form-data; boundary=seam-1"
LIMIT = 20_000


def part(content=PNG, name='name="image"; filename="4.png"', *headers):
    lines = [f"Content-Disposition: form-data; {name}", *headers]
    return b"--seam-1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"


def form(*parts, end=b"--seam-1--\r\n", kind=MULTIPART):
    return b"".join(parts) + end, kind


PLAIN = {
    "form": form(part()),
    "form-with-type": form(part(JPEG, 'name="image"; filename="4"', "Content-Type: image/jpeg")),
    "form-named-file": form(part(name='name="file"; filename="4.png"')),
    "form-without-last-line-break": form(part(), end=b"--seam-1--"),
    "filename-in-utf-8": form(part(name='name="image"; filename="vier ☘.png"')),
    "type-without-space": form(part(), kind=MULTIPART.replace("; ", ";")),
    "raw": (PNG, "image/png"),
    "raw-jpeg": (JPEG, "image/jpeg"),
}

FAULTS = {
    "no-picture": form(part(b"no picture")),
    "damaged": (PNG[:100], "image/png"),
    "blank": (encode(draw_digit(4).convert("L").point(lambda _: 255)), "image/png"),
}

OTHER = {
    "empty-part": form(part(b"")),
    "two-parts": form(part(), part()),
    "a-field-besides": form(part(), part(b"5", 'name="note"')),
    "a-field": form(part(b"5", 'name="image"')),
    "another-name": form(part(name='name="picture"; filename="4.png"')),
    "no-filename": form(part(name='name="image"; filename=""')),
    "name-in-capitals": form(part(name='name="IMAGE"; filename="4.png"')),
    "more-headers": form(
        part(PNG, 'name="image"; filename="4"', "Content-Transfer-Encoding: 8bit")
    ),
    "more-behind": form(part(), end=b"--seam-1--\r\n" + part()),
    "boundary-within": form(part(b"\r\n--seam-12\r\n" + PNG)),
    "no-end": form(part(), end=b""),
    "preamble": form(b"before\r\n", part()),
    "wrong-boundary": form(part(), kind="multipart/form-data; boundary=other"),
    "quoted-boundary": form(part(), kind='multipart/form-data; boundary="seam-1"'),
    "no-boundary": form(part(), kind="multipart/form-data"),
    "json": (b'{"image": "AAAA"}', "application/json"),
    "unknown-type": (PNG, "text/plain"),
    "no-type": (PNG, ""),
    "too-large": (PNG + bytes(LIMIT), "image/png"),
    "no-body": (b"", "image/png"),
}


@pytest.fixture
def app():
    return create_app(Config(max_upload_bytes=LIMIT), DigitRecogniser(FakeClassifier()))


@pytest.fixture
def flask(app):
    """Flask alone, as it was before the shortcut was laid around it."""
    return type(app).wsgi_app.__get__(app)


def environ(body, kind, path="/predictlabel", method="POST", query="", **more):
    built = EnvironBuilder(path, method=method, data=body, query_string=query).get_environ()
    return built | {"CONTENT_TYPE": kind, REQUEST_ID: "0123456789abcdef"} | more


def ask(application, asked):
    chunks, status, headers = run_wsgi_app(application, asked, buffered=True)
    return status, headers.to_wsgi_list(), b"".join(chunks)


def shortened(app, flask):
    """The application with its shortcut, and a list of what still went to Flask."""
    reached = []

    def watched(asked, start_response):
        reached.append(asked)
        return flask(asked, start_response)

    state = get_state(app)
    return with_fast_path(watched, state, state.recognisers["mnist"]), reached


@pytest.mark.parametrize("request_", PLAIN.values(), ids=PLAIN)
def test_a_plain_request_is_answered_as_flask_answers_it(request_, app, flask):
    application, reached = shortened(app, flask)

    answer = ask(application, environ(*request_))

    assert answer == ask(flask, environ(*request_))
    assert answer[0] == "200 OK"
    assert not reached


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
def test_a_file_name_in_another_charset_is_read_by_both_ways(name, charset, app, flask):
    body, kind = form(part(name='name="image"; filename="NAME"'))
    asked = body.replace(b"NAME", name.encode(charset)), kind

    answer = ask(shortened(app, flask)[0], environ(*asked))

    assert answer[0] == "200 OK"
    assert answer == ask(flask, environ(*asked))


@pytest.mark.parametrize("request_", (FAULTS | OTHER).values(), ids=FAULTS | OTHER)
def test_any_other_request_is_answered_by_flask_as_if_it_had_come_there(request_, app, flask):
    application, reached = shortened(app, flask)

    answer = ask(application, environ(*request_))

    assert answer == ask(flask, environ(*request_))
    assert len(reached) == 1


def test_a_faulty_picture_is_decoded_once(app, flask, monkeypatch):
    seen = []

    def read(upload, *_):
        seen.append(upload)
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("dlflask.digits.recogniser.read_ink", read)

    status, _, body = ask(shortened(app, flask)[0], environ(PNG, "image/png"))

    assert status.startswith("500"), "a fault that nobody foresaw has a problem as well"
    assert b"0123456789abcdef" in body
    assert seen == [PNG]


@pytest.mark.parametrize(
    "differing",
    [
        {"path": "/predictlabels"},
        {"path": "/predictlabel/"},
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
def test_only_one_address_and_a_known_length_are_short(differing, app, flask):
    application, reached = shortened(app, flask)

    answer = ask(application, environ(PNG, "image/png", **differing))

    assert answer == ask(flask, environ(PNG, "image/png", **differing))
    assert len(reached) == 1


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=4))
@example(66, 0, b"\x80")
def test_a_form_with_changed_bytes_is_answered_as_flask_answers_it(place, length, put):
    app = create_app(Config(max_upload_bytes=LIMIT), DigitRecogniser(FakeClassifier()))
    flask = type(app).wsgi_app.__get__(app)
    body, kind = form(part(PNG, 'name="image"; filename="4"', "Content-Type: image/png"))
    changed = body[:place] + put + body[place + length :]

    answer = ask(shortened(app, flask)[0], environ(changed, kind))

    assert answer == ask(flask, environ(changed, kind))


def test_the_fast_path_answers_only_for_allowed_hosts():
    app = create_app(Config(allowed_hosts=("digits.example",)), DigitRecogniser(FakeClassifier()))

    refused, _, _ = ask(app.wsgi_app, environ(PNG, "image/png", HTTP_HOST="another.example"))
    answered, _, _ = ask(app.wsgi_app, environ(PNG, "image/png", HTTP_HOST="digits.example"))

    assert (refused[:3], answered[:3]) == ("400", "200")


def test_who_has_wrapped_flask_sees_every_request(monkeypatch):
    seen = []

    class Traced(Flask):
        """As OpenTelemetry's launcher puts in Flask's place."""

        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            inner = self.wsgi_app
            self.wsgi_app = lambda *asked: seen.append(asked) or inner(*asked)

    monkeypatch.setattr("dlflask.web.app.Flask", Traced)
    app = create_app(Config(), DigitRecogniser(FakeClassifier()))

    status, _, _ = ask(app.wsgi_app, environ(PNG, "image/png"))

    assert status == "200 OK"
    assert len(seen) == 1


def test_it_is_counted_where_flask_counts(app):
    ask(app.wsgi_app, environ(PNG, "image/png"))

    text = app.test_client().get("/metrics").text

    assert re.search(r'requests_total\{[^}]*route="/predictlabel"[^}]*\} 1\.0', text)
