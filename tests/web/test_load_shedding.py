import socket
import time

import pytest

from dlflask.errors import Abandoned, Expired
from dlflask.metrics.slots import Metrics
from dlflask.web import load_shedding
from dlflask.web.load_shedding import (
    MAX_CREDIBLE_SECONDS,
    MAX_WAIT_SECONDS,
    OVERLOAD_REQUESTS,
    THREADS,
    LoadShedder,
)
from dlflask.web.state import get_state


@pytest.fixture
def ends():
    """Return the client's and the service's end of a connection."""
    client, service = socket.socketpair()
    with client, service:
        yield client, service


@pytest.fixture
def overloaded(monkeypatch):
    """Make every worker overloaded, even if a request was on time just before."""
    monkeypatch.setattr(load_shedding, "OVERLOAD_SECONDS", -1.0)
    monkeypatch.setattr(load_shedding, "OVERLOAD_REQUESTS", 1)


def check(environ, num_in_flight):
    LoadShedder().check(environ, num_in_flight, busy_since=0.0)


def stamp(seconds_ago):
    return f"t={time.time() - seconds_ago:.3f}"


@pytest.mark.parametrize(
    "seconds_ago",
    [
        pytest.param(0, id="now"),
        pytest.param(-30, id="clock-ahead"),
        pytest.param(MAX_CREDIBLE_SECONDS + 60, id="clock-far-behind"),
    ],
)
def test_check_accepts_request_without_long_wait(seconds_ago, overloaded):
    check({"HTTP_X_REQUEST_START": stamp(seconds_ago)}, THREADS)


@pytest.mark.parametrize("invalid", ["", "t=", "t=soon", "t=nan", "t=inf", "1763856000123"])
def test_check_ignores_invalid_stamp(invalid, overloaded):
    check({"HTTP_X_REQUEST_START": invalid}, THREADS)


def test_check_rejects_expired_request(overloaded):
    with pytest.raises(Expired, match="waited"):
        check({"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 1)}, THREADS)


def test_check_accepts_late_request_if_worker_is_not_busy(overloaded):
    check({"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 5)}, THREADS - 1)


def test_check_accepts_late_request_if_worker_keeps_up():
    check({"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 5)}, THREADS)


def test_check_accepts_burst_of_late_requests_at_idle_worker(monkeypatch):
    """A replica stops, and all clients that waited for it turn to another one."""
    monkeypatch.setattr(load_shedding, "OVERLOAD_SECONDS", 0.1)
    monkeypatch.setattr(load_shedding, "OVERLOAD_REQUESTS", 1)
    worker, metrics = LoadShedder(), Metrics()
    time.sleep(0.2)
    for _ in range(THREADS):
        metrics.enter()

    worker.check({"HTTP_X_REQUEST_START": stamp(2)}, metrics.in_flight, metrics.busy_since)
    time.sleep(0.2)

    with pytest.raises(Expired):
        worker.check({"HTTP_X_REQUEST_START": stamp(2)}, metrics.in_flight, metrics.busy_since)


def test_check_accepts_late_request_while_others_are_on_time(monkeypatch):
    monkeypatch.setattr(load_shedding, "OVERLOAD_SECONDS", 0.1)
    monkeypatch.setattr(load_shedding, "OVERLOAD_REQUESTS", 1)
    worker = LoadShedder()
    late = {"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 1)}
    time.sleep(0.2)
    worker.check({"HTTP_X_REQUEST_START": stamp(0)}, THREADS, 0.0)

    worker.check(late, THREADS, 0.0)
    time.sleep(0.2)

    with pytest.raises(Expired):
        worker.check(late, THREADS, 0.0)


def test_check_accepts_few_late_requests_in_a_row(monkeypatch):
    """Costly images delay the few other requests; no queue has formed."""
    monkeypatch.setattr(load_shedding, "OVERLOAD_SECONDS", -1.0)
    worker = LoadShedder()
    late = {"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 1)}
    for _ in range(OVERLOAD_REQUESTS - 1):
        worker.check(late, THREADS, 0.0)

    with pytest.raises(Expired):
        worker.check(late, THREADS, 0.0)


def test_check_accepts_open_connection(ends):
    check({"gunicorn.socket": ends[1]}, 1)


def test_check_leaves_pipelined_request_in_place(ends):
    client, service = ends
    client.sendall(b"GET / HTTP/1.1\r\n")

    check({"gunicorn.socket": service}, 1)

    assert service.recv(100) == b"GET / HTTP/1.1\r\n"


def test_check_rejects_closed_connection(ends):
    client, service = ends
    client.close()

    with pytest.raises(Abandoned):
        check({"gunicorn.socket": service}, 1)


def test_check_rejects_reset_connection():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        service, _ = listener.accept()
    with service:
        service.sendall(b"unread, which makes closing a reset")
        client.close()

        with pytest.raises(Abandoned):
            check({"gunicorn.socket": service}, 1)


def test_expired_request_returns_503_and_is_counted(app, client, classifier, four_png, overloaded):
    for _ in range(THREADS - 1):
        get_state(app).metrics.enter()

    response = predict(client, four_png, {"HTTP_X_REQUEST_START": stamp(10)})

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "2"
    assert response.get_json()["type"] == "urn:dlflask:problem:expired"
    assert classifier.tensors == []
    assert 'dlflask_shed_total{reason="expired"} 1.0' in client.get("/metrics").text


def test_abandoned_request_is_counted_and_not_computed(client, classifier, four_png, ends):
    ends[0].close()

    response = predict(client, four_png, {"gunicorn.socket": ends[1]})

    assert response.status_code == 400
    assert classifier.tensors == []
    assert 'dlflask_shed_total{reason="abandoned"} 1.0' in client.get("/metrics").text


def predict(client, image, environ):
    return client.post(
        "/predictlabel", data=image, content_type="image/png", environ_overrides=environ
    )
