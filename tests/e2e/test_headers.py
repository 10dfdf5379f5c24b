"""Security headers of every response, and metrics that NGINX does not publish."""

import http.client
import json
import socket
import urllib.request
from contextlib import closing

import pytest

from tests.e2e.hardening.asking import FORWARDED, log_of
from tests.serving import Response, ask

pytestmark = pytest.mark.compose

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def send(port, request):
    """Send raw bytes that a client library would not send."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return Response(response)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, id="the-page"),
        pytest.param(b"GET /static/page.js HTTP/1.1\r\nHost: x\r\n\r\n", 200, id="static"),
        pytest.param(b"GET /static/none HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="static-missing"),
        pytest.param(b"GET /static/ HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="static-folder"),
        pytest.param(
            b"POST /static/page.js HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
            405,
            id="static-post",
        ),
        pytest.param(
            b"GET /static/page.js HTTP/1.1\r\nHost: x\r\nRange: bytes=9999999-\r\n\r\n",
            200,
            id="range",
        ),
        pytest.param(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="metrics"),
        pytest.param(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", 200, id="livez"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
        pytest.param(b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505, id="version"),
        pytest.param(b"no HTTP\r\n\r\n", 400, id="no-http"),
        pytest.param(b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431, id="address"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431, id="header"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413, id="large"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, id="encoding"
        ),
    ],
)
def test_responses_have_security_headers_and_no_version(stack, request_bytes, status):
    response = send(stack.port, request_bytes)

    assert response.status == status
    assert {name: response.headers[name] for name in HEADERS} == HEADERS
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert len(response.headers.get_all("Content-Security-Policy")) == 1
    assert len(response.headers.get_all("X-Request-ID")) == 1
    assert response.headers["Server"] == "nginx"
    assert b"nginx/" not in response.body
    if status >= 400:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert json.loads(response.body)["status"] == status


@pytest.mark.parametrize(
    "path",
    [
        *("/metrics", "/metrics/", "//metrics", "/./metrics", "/x/../metrics", "/metrics?x=1"),
        *("/%6detrics", "/metrics%2f", "/METRICS", "/metrics;x", "/static/../metrics"),
    ],
)
def test_metrics_are_not_published_under_any_spelling(stack, path):
    response = send(stack.port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert response.status == 404
    assert b"dlflask_requests" not in response.body


def test_metrics_are_available_inside(stack):
    assert "dlflask_workers" in stack.counters()


def test_optional_compose_files_change_nothing_by_default(stack):
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.port}/", timeout=30) as response:
        assert response.status == 200
        assert response.headers["Strict-Transport-Security"] is None


def test_forged_headers_change_nothing(stack):
    response = ask(stack.port, "GET", "/", **FORWARDED)

    ((line,), _) = log_of(stack, "nginx", response.headers["X-Request-ID"])
    assert f"image=@- http://127.0.0.1:{stack.port}/predictlabel<".encode() in response.body
    assert line["client"] != "203.0.113.9"
