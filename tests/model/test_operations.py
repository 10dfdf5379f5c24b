"""Operation of the real service: metrics, logs and readiness with two workers."""

import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections import Counter

import pytest

from tests.serving import ROOT, ask, ask_on, free_port, running_server

FOUR = (ROOT / "static" / "4.jpg").read_bytes()


def read_four(port, path="/predictlabel"):
    return ask(port, "POST", path, FOUR, "image/jpeg")


def counts(port):
    """Return {series: value} of /metrics; a series that was not counted yet is 0."""
    lines = ask(port, "GET", "/metrics").body.decode().splitlines()
    return Counter(
        {
            name: float(value)
            for name, value in (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        }
    )


PREDICTED = 'dlflask_requests_total{route="/predictlabel",status="200"}'
NUMBERS = 'dlflask_requests_total{route="/predictnumber",status="200"}'
REJECTED = 'dlflask_requests_total{route="/predictlabel",status="415"}'
FOURS = 'dlflask_digits_total{digit="4",model="mnist"}'


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def two_workers():
    with running_server(WEB_CONCURRENCY="2") as port:
        wait_until(lambda: counts(port)["dlflask_workers"] == 2)
        yield port


def worker_of_new_connection(port):
    """Return the process id of the worker behind a new connection, and the connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    assert ask_on(connection, "GET", "/livez").status == 200
    local = connection.sock.getsockname()[1]
    found = subprocess.run(
        ["ss", "-Htnp", f"sport = :{port} and dport = :{local}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(re.search(r"pid=(\d+)", found.stdout)[1]), connection


def test_metrics_of_two_workers_after_one_was_killed(two_workers):
    if shutil.which("ss") is None:
        pytest.skip("ss is not installed; it finds the worker behind a connection")
    before = counts(two_workers)
    statuses = Counter()
    lock = threading.Lock()

    def send(number):
        for i in range(number):
            response = (
                ask(two_workers, "POST", "/predictlabel", b"not an image", "image/png")
                if i % 5 == 0
                else read_four(two_workers, "/predictnumber" if i % 5 == 1 else "/predictlabel")
            )
            with lock:
                statuses[response.status] += 1

    def send_from_four(number):
        threads = [threading.Thread(target=send, args=(number,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    send_from_four(25)
    victim, connection = worker_of_new_connection(two_workers)
    os.kill(victim, signal.SIGKILL)
    connection.close()
    wait_until(lambda: worker_is_replaced(two_workers, victim))
    send_from_four(25)

    after = counts(two_workers)
    assert statuses == {200: 160, 415: 40}
    assert after[PREDICTED] - before[PREDICTED] == 120
    assert after[NUMBERS] - before[NUMBERS] == 40
    assert after[REJECTED] - before[REJECTED] == 40
    assert after[FOURS] - before[FOURS] == 120
    assert after["dlflask_workers"] == 2
    # The scrape itself. Others are counted until they are closed, just after their response.
    wait_until(lambda: counts(two_workers)["dlflask_requests_in_flight"] == 1)


def worker_is_replaced(port, victim):
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, 0)
        return False
    return counts(port)["dlflask_workers"] == 2


def test_documented_prometheus_configuration_is_valid(tmp_path):
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: Debian's package is called prometheus")
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(scrape_configs:.*?)```", text, re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(block)

    command = ["promtool", "check", "config", tmp_path / "prometheus.yml"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def test_prometheus_scrapes_metrics(two_workers, tmp_path):
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed: Debian's package is called prometheus")
    for _ in range(3):
        assert read_four(two_workers).status == 200
    sent = counts(two_workers)[PREDICTED]
    (tmp_path / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        "scrape_configs:\n"
        f"- {{job_name: digits, static_configs: [{{targets: ['127.0.0.1:{two_workers}']}}]}}\n"
    )
    port = free_port()
    process = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: value(port, PREDICTED) == sent)
        assert value(port, 'up{job="digits"}') == 1
        assert value(port, "dlflask_workers") == 2
        median = "histogram_quantile(0.5, dlflask_stage_seconds_bucket{stage='total'})"
        assert 0 < value(port, median) < 5
    finally:
        process.terminate()
        process.wait(timeout=60)


def value(port, query):
    """Return Prometheus's result of `query`; None if it is empty."""
    address = f"http://127.0.0.1:{port}/api/v1/query?query={urllib.request.quote(query)}"
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            found = json.load(response)["data"]["result"]
    except OSError:
        return None
    return float(found[0]["value"][1]) if found else None


def test_readyz_on_kept_alive_connection_while_draining():
    with running_server(WEB_CONCURRENCY="1") as port:
        worker, connection = worker_of_new_connection(port)
        with contextlib.closing(connection):
            assert ask_on(connection, "GET", "/readyz").status == 200

            os.kill(worker, signal.SIGTERM)
            response = ask_on(connection, "GET", "/readyz")
            while response.headers["Connection"] != "close":
                response = ask_on(connection, "GET", "/readyz")

        assert response.status == 503
        assert json.loads(response.body) == {"status": "draining"}


@pytest.mark.parametrize(
    ("path", "read"), [("/predictlabel", PREDICTED), ("/predictnumber", NUMBERS)]
)
def test_request_of_disconnected_client_is_shed(two_workers, path, read):
    request = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
        f"Content-Length: {len(FOUR)}\r\n\r\n"
    ).encode() + FOUR
    before = counts(two_workers)
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", two_workers)) as connection:
            connection.sendall(request)

    shed = 'dlflask_shed_total{reason="abandoned"}'
    wait_until(
        lambda: (
            counts(two_workers)[shed] + counts(two_workers)[read] == before[shed] + before[read] + 5
        )
    )
    assert counts(two_workers)[shed] > before[shed]


def test_access_log_is_json_with_the_clients_request_id(tmp_path):
    log = tmp_path / "access.log"
    with running_server(GUNICORN_CMD_ARGS=f"--access-logfile={log}") as port:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/predictlabel?secret=1",
            data=FOUR,
            headers={"Content-Type": "image/jpeg", "X-Request-ID": "asked-by-a-test"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.headers["X-Request-ID"] == "asked-by-a-test"
        wait_until(lambda: "asked-by-a-test" in log.read_text())

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    line = next(line for line in lines if line["request_id"] == "asked-by-a-test")
    assert line["request"] == "POST /predictlabel"
    assert line["status"] == 200
    assert line["seconds"] > 0
    assert "secret" not in log.read_text()


@pytest.mark.parametrize(
    ("trusted", "client", "address"),
    [
        ("127.0.0.1", "203.0.113.9", "https://digits.example/tools/predictlabel"),
        ("", "127.0.0.1", "http://localhost/predictlabel"),
    ],
)
def test_log_and_page_believe_trusted_proxies_only(tmp_path, trusted, client, address):
    log = tmp_path / "access.log"
    settings = {"DLFLASK_TRUSTED_PROXIES": trusted, "WEB_CONCURRENCY": "1"}
    with running_server(GUNICORN_CMD_ARGS=f"--access-logfile={log}", **settings) as port:
        headers = {
            "Host": "localhost",
            "X_Forwarded_For": "203.0.113.9",
            "X_Forwarded_Proto": "https",
            "X_Forwarded_Host": "digits.example",
            "X_Forwarded_Prefix": "/tools",
            "X_Request_ID": "asked-by-a-test",
        }
        page = ask(port, "GET", "/", **headers).body.decode()
        wait_until(lambda: "asked-by-a-test" in log.read_text())

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    line = next(line for line in lines if line["request_id"] == "asked-by-a-test")
    assert line["client"] == client
    assert f"curl -F image=@- {address}<" in page


def test_control_socket_is_disabled(tmp_path):
    assert "control_socket_disable = True" in (ROOT / "gunicorn.conf.py").read_text()
    with running_server(HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path)):
        sockets = [path for path in tmp_path.rglob("*") if path.is_socket()]

    assert sockets == []
