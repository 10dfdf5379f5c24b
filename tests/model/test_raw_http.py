"""Raw bytes sent to Gunicorn: invalid HTTP does not end its workers or affect other clients."""

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import encode
from tests.drawing import draw_digit
from tests.fuzz.seeds import REQUESTS
from tests.serving import ROOT, ask

FOUR = (ROOT / "static" / "4.jpg").read_bytes()
POST = b"POST /predictlabel HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

#: Bytes to send, and the accepted statuses of the response; a closed connection is always accepted.
INVALID_HTTP = {
    "nothing": (b"", ()),
    "zeros": (bytes(5_000), (400, 414)),
    "tls-hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 500, (400,)),
    "http-2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
    "no-version": (b"GET /\r\n\r\n", (400,)),
    "partial-headers": (POST, ()),
    "partial-body": (POST + b"Content-Length: 99999\r\n\r\n" + FOUR[:1_000], (400, 422)),
    "length-too-small": (POST + b"Content-Length: 100\r\n\r\n" + FOUR, (400, 422)),
    "length-twice": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", (400,)),
    "length-negative": (POST + b"Content-Length: -5\r\n\r\n" + FOUR, (400,)),
    "length-not-a-number": (POST + b"Content-Length: 0x10\r\n\r\n" + FOUR, (400,)),
    "length-and-chunks": (
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        (400,),
    ),
    "chunk-size-not-a-number": (CHUNKED + b"zz\r\nhello\r\n0\r\n\r\n", (400,)),
    "chunk-size-negative": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", (400,)),
    "chunk-size-huge": (CHUNKED + b"f" * 5_000 + b"\r\n", (400,)),
    "chunk-cut-off": (CHUNKED + b"ffff\r\n" + FOUR[:1_000], (400, 422)),
    "unknown-coding": (POST + b"Transfer-Encoding: gzip\r\n\r\n", (400, 501)),
    "long-line": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", (400, 414)),
    "many-headers": (b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 5_000 + b"\r\n", (400, 431)),
    "long-header": (b"GET / HTTP/1.1\r\na: " + b"b" * 100_000 + b"\r\n\r\n", (400, 431)),
    "invalid-header-name": (b"GET / HTTP/1.1\r\na b: c\r\n\r\n", (400,)),
    "garbage-after-a-request": (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n\0\xff\r\n\r\n", (200,)),
}


def exchange(port, sent, *, shuts_down=True):
    """Send bytes, shut down the sending side, and return what is received until the service closes.

    With `shuts_down=False` the sending side stays open: the service may skip the prediction for a
    client that has shut down.
    """
    with closing(socket.create_connection(("127.0.0.1", port), timeout=30)) as connection:
        try:
            connection.sendall(sent)
            if shuts_down:
                connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65_536), b""))
        except OSError:
            return b""  # The service closed the connection before all bytes were sent.


def status(response):
    """Return the status of a response; None if it is empty."""
    return int(response.split()[1]) if response.startswith(b"HTTP/1.") else None


def workers():
    """Return the process ids of the workers of the servers that these tests started."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    parent_of = {pid: parent for pid, parent, *args in rows if "gunicorn server:app" in args[0]}
    masters = {pid for pid, parent in parent_of.items() if parent == str(os.getpid())}
    return {pid for pid, parent in parent_of.items() if parent in masters}


def assert_alive(port, before):
    response = ask(port, "POST", "/predictlabel", FOUR, "image/jpeg")
    assert json.loads(response.body)["most_probable_label"] == "4"
    assert before
    assert before <= workers(), "a worker died"


@pytest.mark.parametrize("name", INVALID_HTTP)
def test_invalid_http_does_not_affect_other_clients(server, name):
    sent, expected = INVALID_HTTP[name]
    before = workers()

    response = exchange(server, sent)

    assert status(response) in (*expected, None)
    assert_alive(server, before)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        pytest.param(b"Host: " + b"a" * 64, 400, id="host-of-64-letters"),
        pytest.param(b"Host: ..", 400, id="host-of-dots"),
        pytest.param(b"Host: x\r\nSCRIPT_NAME: /evil", 200, id="script-name"),
        pytest.param(b"Host: x\r\nPATH_INFO: /evil", 200, id="path-info"),
    ],
)
def test_hostile_header_does_not_cause_500(server, header, expected):
    head = b"GET / HTTP/1.1\r\nAccept: text/html\r\nConnection: close\r\n"

    response = exchange(server, head + header + b"\r\n\r\n", shuts_down=False)

    assert status(response) == expected
    assert b"X-Request-ID" in response


def test_chunked_body(server):
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (FOUR[:7], FOUR[7:999], FOUR[999:])
    )

    response = exchange(
        server,
        CHUNKED.replace(b"Host", b"Connection: close\r\nHost") + chunks + b"0\r\n\r\n",
        shuts_down=False,
    )

    assert status(response) == 200
    assert b'"most_probable_label":"4"' in response


def test_pipelined_requests_before_invalid_http(server):
    get = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    full = POST + b"Content-Length: %d\r\n\r\n" % len(FOUR) + FOUR

    response = exchange(server, get + full + get + b"no http\r\n\r\n", shuts_down=False)

    assert response.count(b"HTTP/1.1 200") == 3
    assert response.count(b"HTTP/1.1 400") == 1


def test_abandoned_requests_do_not_block_workers(server):
    before = workers()
    halves = [socket.create_connection(("127.0.0.1", server), timeout=30) for _ in range(40)]
    for half in halves:
        half.sendall(POST + b"Content-Length: 99999\r\n\r\nhalf")

    for half in halves:
        half.close()

    assert_alive(server, before)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.sampled_from(sorted(REQUESTS)), data=st.data())
def test_damaged_requests_have_status_below_500(server, name, data):
    sent = bytearray(REQUESTS[name].replace(b"\r\n", b" HTTP/1.1\r\nHost: x\r\n", 1))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(sent)))
        sent[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))

    response = exchange(server, bytes(sent))

    assert (status(response) or 400) < 500 or status(response) in (501, 505)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel bounds a process on Linux only")
def test_image_that_understates_its_size_fails_alone(server):
    """An AVIF whose header announces 100 x 100 pixels; decoding its 268 megapixels takes 893 MB."""
    before = workers()
    upload = (ROOT / "tests" / "model" / "understated.avif").read_bytes()

    with ThreadPoolExecutor(12) as pool:
        hostile = [
            pool.submit(ask, server, "POST", "/predictlabel", upload, "image/avif")
            for _ in range(4)
        ]
        honest = [
            pool.submit(ask, server, "POST", "/predictlabel", FOUR, "image/jpeg") for _ in range(20)
        ]

    # The real size is in the sequence header of AV1, so such a file is refused before decoding.
    assert {response.result().status for response in hostile} == {422}
    assert {response.result().status for response in honest} == {200}
    assert_alive(server, before)


def test_small_avifs_are_read_at_once(server):
    """Twelve are more than large images may be decoded and wait in all workers."""
    upload = encode(draw_digit(4, 300), "AVIF")

    with ThreadPoolExecutor(12) as pool:
        asked = [
            pool.submit(ask, server, "POST", "/predictlabel", upload, "image/avif")
            for _ in range(12)
        ]

    assert {answer.result().status for answer in asked} == {200}
