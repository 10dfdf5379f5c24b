import socket
import time

import pytest

from dlflask.errors import Abandoned, Expired
from dlflask.metrics.slots import Metrics
from dlflask.web import load_shedding
from dlflask.web.load_shedding import (
    MAX_BELIEVED_SECONDS,
    MAX_WAIT_SECONDS,
    THREADS,
    LoadShedder,
)
from dlflask.web.state import get_state


@pytest.fixture
def ends():
    """A client's end of a connection, and the service's."""
    client, service = socket.socketpair()
    with client, service:
        yield client, service


@pytest.fixture
def behind(monkeypatch):
    """Every worker is behind, however recently a request came to it in time."""
    monkeypatch.setattr(load_shedding, "BEHIND_SECONDS", -1.0)


def check_wanted(environ, requests_in_work):
    LoadShedder().check(environ, requests_in_work, busy_since=0.0)


def stamp(seconds_ago):
    return f"t={time.time() - seconds_ago:.3f}"


@pytest.mark.parametrize(
    "seconds_ago",
    [
        pytest.param(0, id="now"),
        pytest.param(-30, id="a-clock-that-is-ahead"),
        pytest.param(MAX_BELIEVED_SECONDS + 60, id="a-clock-far-behind"),
    ],
)
def test_what_has_not_waited_long_is_computed(seconds_ago, behind):
    check_wanted({"HTTP_X_REQUEST_START": stamp(seconds_ago)}, THREADS)


@pytest.mark.parametrize("came", ["", "t=", "t=soon", "t=nan", "t=inf", "1763856000123"])
def test_a_time_that_is_none_is_passed_over(came, behind):
    check_wanted({"HTTP_X_REQUEST_START": came}, THREADS)


def test_what_has_waited_too_long_is_not_computed(behind):
    with pytest.raises(Expired, match="waited"):
        check_wanted({"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 1)}, THREADS)


def test_what_waited_elsewhere_is_computed_by_a_worker_that_is_not_busy(behind):
    check_wanted({"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 5)}, THREADS - 1)


def test_what_waited_elsewhere_is_computed_by_a_busy_worker_that_keeps_up():
    check_wanted({"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 5)}, THREADS)


def test_what_comes_late_all_at_once_to_an_idle_worker_is_computed(monkeypatch):
    """As when a replica stops, and every client has waited for it."""
    monkeypatch.setattr(load_shedding, "BEHIND_SECONDS", 0.1)
    worker, metrics = LoadShedder(), Metrics()
    time.sleep(0.2)
    for _ in range(THREADS):
        metrics.enter()

    worker.check({"HTTP_X_REQUEST_START": stamp(2)}, metrics.in_flight, metrics.busy_since)
    time.sleep(0.2)

    with pytest.raises(Expired):
        worker.check({"HTTP_X_REQUEST_START": stamp(2)}, metrics.in_flight, metrics.busy_since)


def test_a_worker_keeps_up_while_some_requests_come_in_time(monkeypatch):
    monkeypatch.setattr(load_shedding, "BEHIND_SECONDS", 0.1)
    worker = LoadShedder()
    late = {"HTTP_X_REQUEST_START": stamp(MAX_WAIT_SECONDS + 1)}
    time.sleep(0.2)
    worker.check({"HTTP_X_REQUEST_START": stamp(0)}, THREADS, 0.0)

    worker.check(late, THREADS, 0.0)
    time.sleep(0.2)

    with pytest.raises(Expired):
        worker.check(late, THREADS, 0.0)


def test_a_client_that_waits_is_there(ends):
    check_wanted({"gunicorn.socket": ends[1]}, 1)


def test_a_client_that_sent_its_next_request_is_there_and_loses_no_byte(ends):
    client, service = ends
    client.sendall(b"GET / HTTP/1.1\r\n")

    check_wanted({"gunicorn.socket": service}, 1)

    assert service.recv(100) == b"GET / HTTP/1.1\r\n"


def test_a_client_that_closed_is_gone(ends):
    client, service = ends
    client.close()

    with pytest.raises(Abandoned):
        check_wanted({"gunicorn.socket": service}, 1)


def test_a_connection_that_was_reset_is_gone():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        service, _ = listener.accept()
    with service:
        service.sendall(b"unread, which makes closing a reset")
        client.close()

        with pytest.raises(Abandoned):
            check_wanted({"gunicorn.socket": service}, 1)


def test_expired_work_is_answered_and_counted_and_not_computed(
    app, client, classifier, four_png, behind
):
    for _ in range(THREADS - 1):
        get_state(app).metrics.enter()

    answer = ask(client, four_png, {"HTTP_X_REQUEST_START": stamp(10)})

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "2"
    assert answer.get_json()["type"] == "urn:dlflask:problem:expired"
    assert classifier.tensors == []
    assert 'dlflask_shed_total{reason="expired"} 1.0' in client.get("/metrics").text


def test_abandoned_work_is_counted_and_not_computed(client, classifier, four_png, ends):
    ends[0].close()

    answer = ask(client, four_png, {"gunicorn.socket": ends[1]})

    assert answer.status_code == 400
    assert classifier.tensors == []
    assert 'dlflask_shed_total{reason="abandoned"} 1.0' in client.get("/metrics").text


def ask(client, picture, environ):
    return client.post(
        "/predictlabel", data=picture, content_type="image/png", environ_overrides=environ
    )
