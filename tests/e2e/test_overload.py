"""Overload: at three times the capacity, excess requests are rejected at once."""

import asyncio
import contextlib
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.conftest import encode
from tests.drawing import draw_digit
from tests.e2e.conftest import Stack
from tests.e2e.open_loop_client import closed_loop, open_loop
from tests.serving import START_SECONDS, ask, wait_until_ready

pytestmark = pytest.mark.compose

#: Takes about 5 ms of CPU time and has 10 kB, so that the service is the bottleneck and not the
#: client on the same CPUs.
PICTURE = encode(draw_digit(4, 1000))

#: Requests by address.
REQUESTS = {
    path: (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\n"
        f"Content-Length: {len(PICTURE)}\r\n\r\n"
    ).encode()
    + PICTURE
    for path in ("/predictlabel", "/predictnumber")
}

#: Connections at the peak: enough to use every thread of two workers, few enough for no rejections.
CONNECTIONS = 12
#: Peak and overload alternate, so that other load on the machine affects both equally.
ROUNDS, SECONDS = 6, 3

#: Largest ratio between the peaks, and lowest peak in requests per second. Outside of these the
#: machine does other work, and a share of the peak means nothing.
MAX_SPREAD, MIN_RATE = 1.3, 100


@pytest.fixture(scope="module")
def stack(any_compose, clone):
    with Stack(any_compose, clone, "overload").up() as stack:
        yield stack


@pytest.fixture
def many_clients(stack):
    """Raise the limits for one client as the documentation says: all load has one address here."""
    limits = stack.folder / "nginx" / "conf.d" / "limits"
    text = limits.read_text()
    limits.write_text(text.replace("limit_conn connections 70;", "limit_conn connections 7000;"))
    stack.run("up", "-d", "--build")
    wait_until_ready(stack.port)
    yield
    limits.write_text(text)
    stack.run("up", "-d", "--build")
    wait_until_ready(stack.port)


async def while_health_is_asked(port, work):
    """The outcome of `work`, and the statuses of /readyz meanwhile."""
    statuses = []

    async def watch():
        while True:
            response = await asyncio.to_thread(ask, port, "GET", "/readyz")
            statuses.append(response.status)
            await asyncio.sleep(0.2)

    watching = asyncio.create_task(watch())
    outcome = await work
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return outcome, statuses


def in_a_thread(work):
    """Run `work` in another thread: this one may have the event loop of the browser's driver."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def percentile(seconds, part):
    return float(np.percentile(seconds, part))


def overload(port, path, figures):
    """Measure the peak, then send three times as many requests; return both outcomes."""
    peak = in_a_thread(closed_loop(port, REQUESTS[path], CONNECTIONS, SECONDS))
    assert peak.statuses[200] >= 0.9 * peak.statuses.total()
    load = open_loop(port, REQUESTS[path], 3 * peak.rate, SECONDS)
    over, health = in_a_thread(while_health_is_asked(port, load))
    figures.append(
        f"overload of {path}: peak {peak.rate:.0f}/s; offered {3 * peak.rate:.0f}/s: accepted "
        f"{over.rate:.0f}/s in p50 {percentile(over.seconds, 50):.3f} s, p99 "
        f"{percentile(over.seconds, 99):.3f} s; {over.statuses[503]} got 503 in p50 "
        f"{percentile(over.rejected_seconds, 50):.4f} s; {len(health)} health checks"
    )
    assert set(over.statuses) == {200, 503}
    assert over.unexplained == 0
    assert set(health) == {200}
    return peak, over


def test_throughput_and_latency_at_three_times_capacity(stack, many_clients, figures):
    in_a_thread(closed_loop(stack.port, REQUESTS["/predictlabel"], CONNECTIONS, 2))
    rounds = [overload(stack.port, "/predictlabel", figures) for _ in range(ROUNDS)]
    overload(stack.port, "/predictnumber", figures)

    peaks, overs = zip(*rounds, strict=True)
    rates = [peak.rate for peak in peaks]
    if max(rates) > MAX_SPREAD * min(rates) or min(rates) < MIN_RATE:
        pytest.skip(
            f"the peak itself went from {min(rates):.0f} to {max(rates):.0f} requests a second: "
            "other programs use the CPUs, so the ratio means nothing"
        )
    assert sum(over.statuses[503] for over in overs) > sum(over.statuses[200] for over in overs)
    ratio = sum(over.rate for over in overs) / sum(peak.rate for peak in peaks)
    p99 = percentile([seconds for over in overs for seconds in over.seconds], 99)
    figures.append(f"overload: accepted {ratio:.0%} of the peak, p99 {p99:.3f} s")
    assert ratio >= 0.85
    assert p99 < 1


def test_client_over_its_limit_gets_429(stack):
    """Unfinished uploads above the limit; the next request gets 429, health checks still work."""
    head = b"POST /predictlabel HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx"
    with contextlib.ExitStack() as connections:

        def upload_and_ask(path):
            # NGINX rejects an upload that arrives together with a request, so each try adds one.
            connection = socket.create_connection(("127.0.0.1", stack.port), timeout=30)
            connections.enter_context(connection).sendall(head)
            return ask(stack.port, "GET", path)

        response = until(lambda: upload_and_ask("/"), 429)

        problem = json.loads(response.body)
        assert response.headers["Retry-After"] == "1"
        assert problem["status"] == 429
        assert problem["success"] is False
        for path in ("/static/page.js", "/static/none", "/predictnumber"):
            until(lambda path=path: upload_and_ask(path), 429)
        assert ask(stack.port, "GET", "/readyz").status == 200

    until(lambda: ask(stack.port, "GET", "/"), 200)


def test_health_checks_over_the_limit_get_429(stack):
    """Unfinished requests to /livez above the limit; Docker's own health check still succeeds."""
    head = b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx"
    with contextlib.ExitStack() as connections:
        for _ in range(12):
            connection = socket.create_connection(("127.0.0.1", stack.port), timeout=30)
            connections.enter_context(connection).sendall(head)
        response = until(lambda: ask(stack.port, "GET", "/readyz"), 429)

        assert response.headers["Retry-After"] == "1"
        assert ask(stack.port, "GET", "/").status == 200
        check = ("wget", "-q", "-O", "-", "http://127.0.0.1:8080/readyz")
        assert stack.run("exec", "-T", "nginx", *check) == '{"status":"ready"}\n'

    until(lambda: ask(stack.port, "GET", "/readyz"), 200)


def test_slow_clients_occupy_no_worker(stack):
    """More clients that send headers or bodies byte by byte than the service has threads."""
    starts = (
        b"POST /predictlabel HTTP/1.1\r\nHost: x\r\n",
        b"POST /predictlabel HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
    )
    with contextlib.ExitStack() as connections:
        slow = []
        for i in range(60):
            connection = socket.create_connection(("127.0.0.1", stack.port), timeout=30)
            slow.append(connections.enter_context(connection))
            slow[-1].sendall(starts[i % 2])
        for _ in range(3):
            for connection in slow:
                connection.sendall(b"x")
            body = ask(stack.port, "POST", "/predictlabel", PICTURE, "image/png")
            assert body.status == 200

        assert in_flight(stack) == 1, "the scrape itself"


def test_client_with_incomplete_headers_is_disconnected(stack):
    with socket.create_connection(("127.0.0.1", stack.port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionResetError):
            response = connection.recv(100)
            # NGINX may send 408 before it closes.
            assert response == b"" or b" 408 " in response


def until(request, status):
    """Repeat the request until its response has the expected status."""
    deadline = time.monotonic() + START_SECONDS
    while (response := request()).status != status:
        assert time.monotonic() < deadline, response.status
    return response


def in_flight(stack):
    line = next(
        line
        for line in stack.counters().splitlines()
        if line.startswith("dlflask_requests_in_flight")
    )
    return float(line.split()[1])
