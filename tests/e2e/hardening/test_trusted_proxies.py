"""Headers of a trusted proxy, and limits for each of its clients."""

import socket
import time
from contextlib import ExitStack

import pytest

from tests.e2e.hardening.asking import FORWARDED, log_of
from tests.serving import ask

pytestmark = pytest.mark.compose


def test_client_of_a_trusted_proxy(locked):
    response = ask(locked.port, "GET", "/", **FORWARDED)

    request_id = response.headers["X-Request-ID"]
    logged = [log_of(locked, service, request_id)[0][0] for service in ("nginx", "api")]
    assert response.status == 200, "not redirected: the client uses TLS"
    assert b"image=@- https://digits.example.org/x/predictlabel<" in response.body
    assert [line["client"] for line in logged] == ["203.0.113.9"] * 2


def test_limits_count_the_clients_of_a_trusted_proxy(locked):
    """Unfinished requests of one client above its limit; another one behind the same proxy."""
    head = b"POST /livez HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.1\r\n"
    deadline = time.monotonic() + 30
    with ExitStack() as connections:
        for _ in range(12):
            connection = socket.create_connection(("127.0.0.1", locked.port), timeout=30)
            connections.enter_context(connection).sendall(head + b"Content-Length: 9\r\n\r\nx")
        while ask(locked.port, "GET", "/livez", X_Forwarded_For="203.0.113.1").status != 429:
            assert time.monotonic() < deadline

        assert ask(locked.port, "GET", "/livez", X_Forwarded_For="203.0.113.2").status == 200
