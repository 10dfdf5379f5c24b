"""Headers and body of a response are sent in one call."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import TConn

from dlflask.server.gunicorn_worker import Worker

JSON = [("Content-Length", "2"), ("Content-Type", "application/json")]


class Recording:
    """Socket that records the bytes of each call of `sendall`."""

    def __init__(self, connection):
        self._connection = connection
        self.sent = []

    def __getattr__(self, name):
        return getattr(self._connection, name)

    def sendall(self, data):
        self.sent.append(data)
        self._connection.sendall(data)


@pytest.fixture
def handle():
    """Return a function that lets a worker handle a request, and returns what is sent."""
    config = Config()
    config.set("threads", 2)
    worker = Worker(1, 1, [], None, 30, config, Logger(config))
    ours, theirs = socket.socketpair()

    def handle(application, method="GET"):
        worker.wsgi = application
        theirs.sendall(f"{method} / HTTP/1.1\r\nHost: test\r\n\r\n".encode())
        # Gunicorn waits 2 s for the client's end after an error.
        theirs.shutdown(socket.SHUT_WR)
        connection = TConn(config, ours, ("127.0.0.1", 1), ("127.0.0.1", 2))
        connection.init()
        request = next(connection.parser)
        connection.sock = recording = Recording(ours)
        try:
            keeps_alive = worker.handle_request(request, connection)
        finally:
            assert connection.sock is recording
            handle.sent = recording.sent
        return keeps_alive, recording.sent

    with closing(ours), closing(theirs), closing(worker.tmp):
        yield handle


def respond_with(*pieces, headers=JSON, status="200 OK"):
    def application(_, start_response):
        start_response(status, headers)
        return pieces

    return application


def test_headers_and_body_are_sent_in_one_call(handle):
    keeps_alive, sent = handle(respond_with(b"{}"))

    assert keeps_alive
    assert len(sent) == 1
    assert sent[0].startswith(b"HTTP/1.1 200 OK\r\n")
    assert sent[0].endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize(
    ("method", "status", "pieces"),
    [("HEAD", "200 OK", [b"{}"]), ("GET", "304 Not Modified", []), ("GET", "204 No Content", [])],
)
def test_headers_without_body_are_sent(handle, method, status, pieces):
    _, sent = handle(respond_with(*pieces, status=status), method)

    assert len(sent) == 1
    assert sent[0].endswith(b"\r\n\r\n")


def test_chunks_are_sent_in_order(handle):
    _, sent = handle(respond_with(b"one\r\n\r\n", b"two", headers=[]))

    headers, _, body = b"".join(sent).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in headers
    assert body == b"7\r\none\r\n\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"


def test_response_that_fails_before_its_body_is_not_sent(handle):
    def broken():
        raise RuntimeError("no body")
        yield

    def application(_, start_response):
        start_response("200 OK", JSON)(b"")
        return broken()

    with pytest.raises(StopIteration):
        handle(application)

    assert handle.sent == []
