"""`wsgi.input` has the methods that PEP 3333 requires, and reports errors of the client."""

import io

import pytest
from gunicorn.http.errors import InvalidChunkSize

from dlflask.web.middleware.request_body import (
    Body,
    BodyTooLarge,
    BrokenBody,
    NoRoom,
    SlowBody,
    TooManyChunks,
)

LINES = [b"one\n", b"two\n", b"three"]


@pytest.fixture
def body():
    return Body(io.BytesIO(b"".join(LINES)))


class Broken:
    """Gunicorn's body with invalid chunks."""

    def read(self, _):
        raise InvalidChunkSize(b"zz")

    readline = read


def test_read_returns_requested_bytes_or_the_rest(body):
    assert body.read(2) == b"on"
    assert body.read() == b"e\ntwo\nthree"
    assert body.read() == b""


def test_readline_returns_lines_or_parts_of_them(body):
    assert body.readline() == b"one\n"
    assert body.readline(2) == b"tw"
    assert body.readline() == b"o\n"


def test_readlines_stops_after_hint(body):
    assert body.readlines(5) == LINES[:2]
    assert body.readlines() == LINES[2:]


def test_iteration_yields_all_lines(body):
    assert list(body) == LINES


@pytest.mark.parametrize("read", [Body.read, Body.readline, Body.readlines, list])
def test_invalid_body_raises_broken_body(read):
    with pytest.raises(BrokenBody) as caught:
        read(Body(Broken()))

    assert "not valid chunked encoding" in caught.value.description


@pytest.mark.parametrize("error", [SlowBody, BodyTooLarge, TooManyChunks, NoRoom, MemoryError])
def test_errors_of_the_server_are_passed_on(error):
    class Failing:
        def read(self, _):
            raise error

    with pytest.raises(error):
        Body(Failing()).read()
