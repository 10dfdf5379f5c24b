"""Clients that send or read slowly do not occupy the threads of a real worker."""

import contextlib
import json
import socket
import threading
import time

import pytest

from dlflask.server.connections.closing import LINGER_SECONDS
from dlflask.server.connections.receiving import SMALL_BYTES
from tests.serving import ROOT, ask, running_server

pytestmark = pytest.mark.alone

FOUR = (ROOT / "static" / "4.jpg").read_bytes()
POST = b"POST /predictlabel HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
WHOLE = POST + b"Content-Length: %d\r\n\r\n" % len(FOUR) + FOUR
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"

#: Longest response time in seconds. Normal are milliseconds, and 20 s if threads are occupied.
MAX_SECONDS = 2


@pytest.fixture(scope="module")
def worker():
    with running_server(WEB_CONCURRENCY="1") as port:
        yield port


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_response(connection):
    """Read exactly one response; return its status, headers and body."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = connection.recv(1)
        assert more, f"closed after {head!r}"
        head += more
    lines = head.decode().rstrip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    body = connection.recv(int(headers.get("content-length", 0)), socket.MSG_WAITALL)
    return int(lines[0].split()[1]), headers, body


@contextlib.contextmanager
def attack(port, *starts, count, trickle=b""):
    """Open connections that each send one of `starts`, then a byte of `trickle` now and then."""
    done = threading.Event()
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(port)) for _ in range(count)]
        for i, connection in enumerate(connections):
            connection.sendall(starts[i % len(starts)])

        def send_on():
            while trickle and not done.wait(0.2):
                for connection in connections:
                    with contextlib.suppress(OSError):
                        connection.sendall(trickle)

        thread = threading.Thread(target=send_on)
        thread.start()
        try:
            yield connections
        finally:
            done.set()
            thread.join()


def slowest_response(port, number=20):
    """Return the longest response time of some digits and health checks, all successful."""
    slowest = 0
    for _ in range(number):
        started = time.monotonic()
        assert ask(port, "POST", "/predictlabel", FOUR, "image/jpeg").status == 200
        assert ask(port, "GET", "/livez").status == 200
        slowest = max(slowest, time.monotonic() - started)
    return slowest


def partial(address, body=b"part"):
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" % address + body


UNFINISHED = [partial(b"/predictlabel"), partial(b"/predictnumber?length=5")]


@pytest.mark.parametrize(
    ("starts", "count", "trickle"),
    [
        pytest.param([partial(b"/livez"), partial(b"/static/x")], 36, b"", id="bodies-not-read"),
        pytest.param(UNFINISHED, 36, b"", id="silent-bodies"),
        pytest.param(UNFINISHED, 36, b"x", id="trickling-bodies"),
        pytest.param([POST], 36, b"A", id="trickling-headers"),
        pytest.param(
            [POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhe"], 36, b"", id="chunked-bodies"
        ),
        pytest.param([b""], 300, b"", id="idle"),
        pytest.param([LIVEZ], 300, b"", id="kept-alive-and-not-read"),
        pytest.param(
            [LIVEZ.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")], 36, b"", id="not-closed"
        ),
    ],
)
def test_client_is_served_while_others_are_slow(worker, starts, count, trickle):
    with attack(worker, *starts, count=count, trickle=trickle):
        slowest = slowest_response(worker)

    assert slowest < MAX_SECONDS


def test_new_client_is_served_with_all_connections_in_use():
    with (
        running_server(WEB_CONCURRENCY="1", GUNICORN_CMD_ARGS="--worker-connections=50") as port,
        attack(port, b"", b"POST", partial(b"/predictlabel"), LIVEZ, count=120),
    ):
        assert ask(port, "POST", "/predictlabel", FOUR, "image/jpeg").status == 200


def test_incomplete_body_gets_408(worker):
    with connect(worker) as connection:
        connection.sendall(POST + b"Content-Length: 99999\r\n\r\nhalf")

        status, headers, body = read_response(connection)

        assert status == 408
        assert "did not arrive in time" in json.loads(body)["detail"]
        assert headers["connection"] == "close"
        assert connection.recv(1) == b""


def test_incomplete_headers_close_the_connection(worker):
    with connect(worker) as connection:
        connection.sendall(POST)

        assert connection.recv(1) == b""


def test_body_over_the_limit_gets_413_while_it_is_sent(worker):
    """Most clients send the whole body before they read."""
    with connect(worker) as connection:
        connection.sendall(POST + b"Content-Length: 30000000\r\n\r\n")
        connection.sendall(bytes(30_000_000))

        status, headers, _ = read_response(connection)

    assert status == 413
    assert headers["connection"] == "close"


def test_chunks_over_the_limit_get_413(worker):
    with connect(worker) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(18):
            connection.sendall(b"f4240\r\n" + bytes(1_000_000) + b"\r\n")

        assert read_response(connection)[0] == 413


def test_too_many_chunks_get_400(worker):
    with connect(worker) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 100_001)

        status, _, body = read_response(connection)

    assert status == 400
    assert "more than 100,000 chunks" in json.loads(body)["detail"]


def test_chunks_sent_byte_by_byte(worker):
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (FOUR[:300], FOUR[300:]))
    with connect(worker) as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        for i in range(320):
            connection.sendall(body[i : i + 1])
        connection.sendall(body[320:] + b"0\r\n\r\n")

        status, headers, _ = read_response(connection)

    assert (status, headers["connection"]) == (200, "keep-alive")


def test_pipelined_requests_on_kept_alive_connection(worker):
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(FOUR), FOUR)
    with connect(worker) as connection, connection.makefile("rb") as reader:
        connection.sendall((WHOLE + LIVEZ + chunked + LIVEZ) * 5 + WHOLE[:100])
        responses = []
        for _ in range(20):
            status = int(reader.readline().split()[1])
            headers = dict(
                line.decode().rstrip().lower().split(": ", 1)
                for line in iter(reader.readline, b"\r\n")
            )
            responses.append((status, b"label" in reader.read(int(headers["content-length"]))))
        connection.sendall(WHOLE[100:])

        assert responses == [(200, True), (200, False)] * 10
        assert reader.readline().startswith(b"HTTP/1.1 200")


def test_expect_continue_is_answered_once(worker):
    head, _, body = WHOLE.partition(b"\r\n\r\n")
    with connect(worker) as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)

        assert read_response(connection)[0] == 200


def test_expect_continue_with_body_at_once(worker):
    head, _, body = WHOLE.partition(b"\r\n\r\n")
    with connect(worker) as connection:
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n" + body)

        assert read_response(connection)[0] == 200


def test_expect_continue_with_large_body_gets_413(worker):
    with connect(worker) as connection:
        connection.sendall(POST + b"Expect: 100-continue\r\nContent-Length: 99000000\r\n\r\n")

        assert read_response(connection)[0] == 413


def test_half_closed_connection_with_partial_body(worker):
    with connect(worker) as connection:
        connection.sendall(WHOLE[:-10])
        connection.shutdown(socket.SHUT_WR)

        assert read_response(connection)[0] in (400, 422)
        assert connection.recv(1) == b""


def test_unread_body_is_not_parsed_as_request(worker):
    """The endpoint ignores the body, whose bytes look like another request."""
    with connect(worker) as connection:
        head = b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(LIVEZ)
        connection.sendall(head + LIVEZ[:10])
        connection.sendall(LIVEZ[10:] + LIVEZ)

        assert read_response(connection)[0] == 405
        assert read_response(connection)[0] == 200
        connection.settimeout(LINGER_SECONDS / 4)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_rejected_body_is_not_parsed_as_request(worker):
    with connect(worker) as connection:
        head = b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 99000000\r\n\r\n"
        connection.sendall(head + LIVEZ * 3)

        status, headers, _ = read_response(connection)

        assert (status, headers["connection"]) == (405, "close")
        assert connection.recv(65_536) == b""


def test_client_that_does_not_read_occupies_no_thread(worker):
    """On each connection, more responses than the kernel's buffers hold; the client reads none."""
    request = b"GET /reference HTTP/1.1\r\nHost: x\r\n\r\n" * 150
    with attack(worker, request, count=6):
        # The worker computes some of the responses first.
        assert any(slowest_response(worker, 5) < MAX_SECONDS for _ in range(20))


def test_responses_that_are_read_late_are_complete(worker):
    """More than the kernel's buffers hold; the client reads after it has sent all requests."""
    expected = ask(worker, "GET", "/openapi.json").body
    number = 300
    with connect(worker) as connection, connection.makefile("rb") as reader:
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * number)
        assert ask(worker, "GET", "/livez").status == 200
        for _ in range(number):
            for line in iter(reader.readline, b"\r\n"):
                if line.startswith(b"Content-Length"):
                    length = int(line.split()[1])
            assert reader.read(length) == expected


def test_oldest_large_body_gets_503_if_memory_is_full(worker):
    """Nine bodies exceed the worker's limit by less than one read, so ten are sent."""
    body = b"x" * 15_000_000
    start = POST.replace(b"jpeg", b"png") + b"Content-Length: 16000000\r\n\r\n"
    with attack(worker, start + body, count=10) as connections:
        statuses = [read_response(connections[0])[0]]
        assert slowest_response(worker) < MAX_SECONDS
        photo = FOUR + bytes(SMALL_BYTES)
        statuses.append(ask(worker, "POST", "/predictlabel", photo, "image/jpeg").status)

    assert statuses == [503, 200]
