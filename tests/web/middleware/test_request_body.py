"""`wsgi.input` has what PEP 3333 asks for, and its errors are the client's."""

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
    """As gunicorn's body where the chunks are not valid."""

    def read(self, _):
        raise InvalidChunkSize(b"zz")

    readline = read


def test_body_is_read_whole_or_in_parts(body):
    assert body.read(2) == b"on"
    assert body.read() == b"e\ntwo\nthree"
    assert body.read() == b""


def test_readline_gives_lines_and_parts_of_them(body):
    assert body.readline() == b"one\n"
    assert body.readline(2) == b"tw"
    assert body.readline() == b"o\n"


def test_readlines_gives_all_lines_or_as_many_as_the_hint(body):
    assert body.readlines(5) == LINES[:2]
    assert body.readlines() == LINES[2:]


def test_iteration_gives_all_lines(body):
    assert list(body) == LINES


@pytest.mark.parametrize("read", [Body.read, Body.readline, Body.readlines, list])
def test_broken_body_is_the_clients_error(read):
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
